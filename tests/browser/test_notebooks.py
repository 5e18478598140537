"""Notebooks: the quickstart to its end, results and badges, in JupyterLab and in Notebook 7."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import Lab, do, notebook, ready
from .site import ROOT

pytestmark = pytest.mark.browser


def test_the_quickstart_runs_to_its_end(lab: Lab, folder: Path) -> None:
    place = folder / "quickstart"
    place.mkdir()
    for name in ("quickstart.ipynb", "mlops.toml"):
        shutil.copy(ROOT / "examples" / name, place)
    page = lab.open("lab/tree/quickstart/quickstart.ipynb")
    ready(page)
    lab.side_bar(page)
    do(page, "notebook:run-all-cells")
    page.wait_for_function(
        """() => window.jupyterapp.shell.currentWidget.content.widgets.filter(cell => cell.model.type === 'code')
            .every(cell => cell.model.executionCount !== null)""",
        timeout=150_000,
    )
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save').then(() => null)")
    outputs = [output for cell in json.loads((place / "quickstart.ipynb").read_text())["cells"] for output in cell.get("outputs", [])]  # fmt: skip
    assert [output for output in outputs if output["output_type"] == "error"] == []
    expect(page.locator(".mlops-sidebar .mlops-option")).to_have_count(2, timeout=20_000)
    badges = page.locator(".mlops-cell-badge:visible")
    expect(badges.first).to_contain_text("accuracy", timeout=20_000)
    assert page.locator(".mlops-result").count() > 3, "results are drawn by the extension"
    badges.first.click()
    # The notebook's last line has stopped the server: the page says so, with what mends it.
    expect(page.locator(".mlops-page:visible")).to_contain_text("does not run")
    expect(page.locator(".mlops-sidebar").get_by_role("button", name="Start")).to_be_visible()


def test_a_result_is_drawn_without_a_kernel_and_in_an_untrusted_notebook(lab: Lab, folder: Path) -> None:
    card = {"type": "card", "title": "scaled <b>x</b>", "badge": {"badge": "finished", "tone": "good"}, "facts": [["page", {"link": "there", "href": "javascript:alert(1)"}]], "tables": [{"type": "table", "columns": ["metric", "value"], "rows": [["b", 0.5], ["a", {"number": "NaN"}], ["c", 0.25]]}], "next": "%mlops runs"}  # fmt: skip
    kind = "application/vnd.jupyter-mlops.card.v1+json"
    data = {"text/plain": "plain", "text/html": "<b>html</b>", kind: {"version": 1, "result": "RunCard", "view": card, "subject": {"run_id": "0" * 32}}}  # fmt: skip
    cells = json.loads(notebook(["%%mlops run scaled\nfit()", ""]))
    cells["cells"][0]["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data}]
    broken = {"text/plain": "plain", kind: {"version": 99}}
    cells["cells"][1]["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": broken}]
    (folder / "churn" / "saved.ipynb").write_text(json.dumps(cells))
    page = lab.open("lab/tree/churn/saved.ipynb")
    drawn = page.locator(".mlops-result").first
    expect(drawn).to_contain_text("scaled <b>x</b>")
    assert drawn.locator("a").count() == 0, "javascript: is no link"
    column = drawn.get_by_role("button", name="value")
    column.click()
    assert [row.split("\t")[0] for row in drawn.locator("tbody tr").all_inner_texts()][-3:] == ["b", "c", "a"]
    expect(page.locator(".mlops-result").nth(1)).to_contain_text("another version")
    expect(page.locator(".mlops-cell-badge").first).to_contain_text("not there any more")
    drawn.get_by_role("button", name="Insert as cell").click()
    expect(page.locator(".jp-Notebook")).to_contain_text("%mlops runs")

    # One button makes a cell a run.
    do(page, "jupyter-mlops:track-cell")
    expect(page.locator(".jp-Notebook")).to_contain_text("%%mlops run")

    # A run that is dragged into the notebook becomes a cell.
    lab.side_bar(page)
    row, cell = page.locator(".mlops-option").nth(1), page.locator(".jp-Notebook .jp-Cell").last
    expect(row).to_contain_text("scaled")
    start, end = row.bounding_box(), cell.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 30, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(start["x"] + 60, start["y"] + 20, steps=4)
    page.mouse.move(end["x"] + 200, end["y"] + 10, steps=8)
    page.mouse.up()
    expect(page.locator(".jp-Notebook")).to_contain_text("%mlops lineage run:")


def test_in_notebook_7(lab: Lab, folder: Path) -> None:
    (folder / "churn" / "seven.ipynb").write_text(notebook(["%load_ext jupyter_mlops\n%mlops models tumour"]))
    page = lab.open("notebooks/churn/seven.ipynb")
    ready(page)
    do(page, "notebook:run-all-cells")
    expect(page.locator(".mlops-result")).to_contain_text("champion", timeout=60_000)
    do(page, "jupyter-mlops:show", part="models")
    expect(page.locator(".mlops-sidebar .mlops-option")).to_have_count(1, timeout=20_000)
    page.locator(".mlops-into").click()
    page.locator(".mlops-option").first.dblclick()
    expect(page.locator(".mlops-page:visible h1")).to_contain_text("tumour")
