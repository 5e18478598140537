"""Panels in a cell: each opens, is redrawn as things change, outlives a reload of the page, and closes; and what is saved of them."""

from __future__ import annotations

import json

import pytest
import requests
from playwright.sync_api import Page, expect

from .conftest import TOKEN, Lab, Workshop, do, notebook, ready

pytestmark = pytest.mark.browser
SAYS = {
    "runs": "nothing was logged", "models": "people/1", "validation": "No report yet", "endpoints": "serving",
    "monitoring": "people",
}  # fmt: skip


def run_cell(page: Page, index: int) -> None:
    """Run one cell, as with the keyboard."""
    page.evaluate("index => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index)
    do(page, "notebook:run-cell")


def test_every_panel_opens_is_redrawn_outlives_a_reload_and_closes(lab: Lab, workshop: Workshop) -> None:
    path = workshop.folder / "panels.ipynb"
    cells = ["%load_ext jupyter_mlops", *(f"%mlops panel {what} --every 1" for what in SAYS), "%mlops panel --close"]
    path.write_text(notebook(cells))
    page = lab.open("lab/tree/workshop/panels.ipynb")
    ready(page)
    for index in range(len(cells) - 1):
        run_cell(page, index)
    shown = page.locator(".jp-Notebook .mlops-result")
    for index, says in enumerate(SAYS.values()):
        expect(shown.nth(index)).to_contain_text(says, timeout=60_000)
        expect(shown.nth(index)).to_contain_text("live, every 1 s")
    runs, models = shown.nth(0), shown.nth(1)
    workshop.log("while it was open")
    expect(runs).to_contain_text("while it was open", timeout=15_000)
    workshop.mlflow_post("registered-models/create", {"name": "a new model"})
    expect(models).to_contain_text("a new model", timeout=15_000)

    do(page, "docmanager:save")
    page.reload()
    page.wait_for_function("window.jupyterapp && window.jupyterapp.restored")
    ready(page)
    expect(shown).to_have_count(len(SAYS))
    workshop.log("after the page was loaded anew")
    expect(runs).to_contain_text("after the page was loaded anew", timeout=15_000)

    run_cell(page, len(cells) - 1)
    for index in range(len(SAYS)):
        expect(shown.nth(index)).to_contain_text("closed; as of", timeout=15_000)
    lab.side_bar(page)
    workshop.log("after it was closed")
    expect(page.locator(".mlops-option").first).to_contain_text(
        "after it was closed"
    )  # it looks less often than they did
    do(page, "docmanager:save")
    expect(runs).not_to_contain_text("after it was closed")
    page.context.close()
    token = {"Authorization": f"token {TOKEN}"}
    for session in requests.get(f"{lab.url}/api/sessions", headers=token, timeout=20).json():
        requests.delete(f"{lab.url}/api/sessions/{session['id']}", headers=token, timeout=20)

    # Without its kernel the last picture is there: in a notebook that is trusted, and in one from elsewhere.
    book = json.loads(path.read_text())
    assert "widget" not in json.dumps(book)
    book["cells"][0]["source"] += "  # from elsewhere"
    (workshop.folder / "elsewhere.ipynb").write_text(json.dumps(book))
    for name, trusted in {"panels": True, "elsewhere": False}.items():
        page = lab.open("lab/tree/workshop")
        open_without_kernel(page, f"workshop/{name}.ipynb")
        expect(page.locator(".mlops-result")).to_have_count(len(SAYS) + 1)
        expect(page.locator(".mlops-result").first).to_contain_text("after the page was loaded anew")
        state = "(({content, sessionContext}) => [content.widgets[1].model.trusted, sessionContext.session === null])"
        assert page.evaluate(f"{state}(window.jupyterapp.shell.currentWidget)") == [trusted, True]
        assert "Loading widget" not in page.locator(".jp-Notebook").inner_text()


def open_without_kernel(page: Page, path: str) -> None:
    """Open a notebook, and start no kernel for it."""
    do(page, "docmanager:open", path=path, kernelPreference={"shouldStart": False, "canStart": False})
    page.evaluate(
        """async () => {
            while (!window.jupyterapp.shell.currentWidget?.context?.isReady) {
                await new Promise(resolve => setTimeout(resolve, 50));
            }
        }"""
    )
