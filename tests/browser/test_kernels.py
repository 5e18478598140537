"""Actions as cells, whatever the kernel does: it works, it begins anew, it is not Python; and the switch that runs them at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import Lab, Workshop, act, answered, do, notebook, ready
from .site import Site

pytestmark = pytest.mark.browser
# As https://jupyter-client.readthedocs.io/en/latest/wrapperkernels.html has it.
OF_R = """
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel


class OfR(Kernel):
    implementation = banner = "not Python"
    implementation_version = "1"
    language_info = {"name": "R", "mimetype": "text/x-r-source", "file_extension": ".r"}

    def do_execute(self, code, silent, *args, **kwargs):
        return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}


IPKernelApp.launch_instance(kernel_class=OfR)
"""


def test_a_cell_waits_for_a_kernel_that_works_or_begins_anew(lab: Lab, workshop: Workshop) -> None:
    wait = "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.1)\nprint('done')"
    (workshop.folder / "busy.ipynb").write_text(notebook(["%load_ext jupyter_mlops", wait]))
    page = lab.open("lab/tree/workshop/busy.ipynb")
    ready(page)
    lab.side_bar(page)
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells'), null")
    expect(cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1, null")
    act(page, "numbers", "Lineage", shift=True)
    expect(cells.nth(2)).to_contain_text(f"%mlops lineage run:{workshop.runs['numbers']}")
    expect(cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    page.get_by_role("tab", name="Endpoints", exact=True).click()
    expect(page.locator(".mlops-option")).to_contain_text("serving")
    expect(cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    (workshop.folder / "go").touch()  # the window has lived while the kernel has worked
    page.get_by_role("tab", name="Runs", exact=True).click()
    expect(cells.nth(2).locator(".mlops-result")).to_contain_text("numbers", timeout=30_000)

    # It begins anew: what is put in then loads the extension again, and runs when it can.
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(), null")
    act(page, "nothing was logged", "Lineage", shift=True)
    expect(cells.nth(3)).to_contain_text("%load_ext jupyter_mlops")
    expect(cells.nth(3).locator(".mlops-result")).to_contain_text("nothing was logged", timeout=60_000)

    # The switch in the tool bar, which is a setting.
    switch = page.locator(".jp-NotebookPanel-toolbar [data-command='jupyter-mlops:run-cells']")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    act(page, "numbers", "Lineage")
    expect(cells.nth(4).locator(".mlops-result")).to_contain_text("numbers", timeout=30_000)
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    act(page, "numbers", "Lineage")
    expect(cells).to_have_count(6)
    answered(page)
    assert cells.nth(5).locator(".jp-OutputArea-output").count() == 0
    do(page, "docmanager:save")


@pytest.fixture
def of_r(site: Site) -> str:
    """A kernel that is not Python."""
    place = Path(site.env["JUPYTER_DATA_DIR"]) / "kernels" / "of-r"
    place.mkdir(parents=True, exist_ok=True)
    (place / "of_r.py").write_text(OF_R)
    argv = [str(site.python), str(place / "of_r.py"), "-f", "{connection_file}"]
    (place / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "R", "language": "R"}))
    return place.name


def test_a_notebook_of_another_language_is_left_alone(lab: Lab, workshop: Workshop, of_r: str) -> None:
    (workshop.folder / "other.ipynb").write_text(notebook(["1 + 1"], of_r, "R"))
    page = lab.open("lab/tree/workshop/other.ipynb")
    lab.side_bar(page)
    for _ in range(2):  # before the kernel has said what it is, and after
        act(page, "numbers", "Lineage")
        expect(page.locator(".mlops-page:visible")).to_contain_text("numbers", timeout=60_000)
        do(page, "docmanager:open", path="workshop/other.ipynb")
        ready(page)
    page.get_by_role("tab", name="Models", exact=True).click()
    page.locator(".mlops-option").filter(has_text="people").locator(".mlops-into").click()
    page.locator(".mlops-option").first.click()
    page.locator(".mlops-sidebar").get_by_role("button", name="Deploy", exact=True).click()
    confirm = page.get_by_role("dialog")
    expect(confirm.get_by_role("button", name="Do it")).to_be_visible(timeout=60_000)
    confirm.get_by_role("button", name="Cancel").click()
    page.wait_for_function("window.jupyterapp.commands.hasCommand('jupyter-mlops:do-check')")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-mlops:do-check'), null")
    expect(confirm).to_be_visible()
    confirm.get_by_role("textbox").first.fill("not empty")
    confirm.get_by_role("button", name="Go on").click()
    expect(confirm).to_contain_text("is one of R")
    confirm.get_by_role("button", name="Ok").click()
    assert page.evaluate("window.jupyterapp.commands.isEnabled('jupyter-mlops:track-cell')") is False
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 1, "no line of %mlops was put into it"
