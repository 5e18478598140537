"""What goes wrong around the window: it is said, nothing is shown as markup, nothing stands still, and it recovers by itself."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from jupyter_mlops.backend.processes import free_port

from .conftest import Lab, Workshop, act, do, jupyter, notebook, ready
from .site import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def page(lab: Lab, workshop: Workshop) -> Page:
    return lab.in_folder("workshop")


def test_names_and_figures_of_every_kind(lab: Lab, workshop: Workshop, page: Page) -> None:
    rows, shown = page.locator(".mlops-sidebar .mlops-option"), page.locator(".mlops-page:visible")
    rows.filter(has_text="nothing was logged").wait_for()
    said = "\n".join(rows.all_inner_texts())
    assert """</script><script>alert(1)</script> 'a' "b" c/d\\e 漢字""" in said
    assert "long/ää" in said
    widths = page.evaluate(
        "[...document.querySelectorAll('.mlops-option')].map(row => row.scrollWidth - row.clientWidth)"
    )
    assert max(widths) <= 0, "nothing sticks out"
    handle = page.locator("#jp-main-split-panel > .lm-SplitPanel-handle:not(.lm-mod-hidden)").first.bounding_box()
    assert handle
    page.mouse.move(handle["x"] + 1, 300)
    page.mouse.down()
    page.mouse.move(150, 300, steps=5)
    page.mouse.up()
    out = "[...document.querySelectorAll('.mlops-sidebar *')].filter(one => one.getBoundingClientRect().right > right + 1)"
    right = page.locator("#jp-left-stack").bounding_box()
    assert right
    assert right["width"] < 260, "as narrow as JupyterLab lets it be"
    found = page.evaluate(f"right => {out}.map(one => one.outerHTML.slice(0, 200))", right["x"] + right["width"])
    assert found == []

    rows.filter(has_text="numbers").dblclick()
    expect(shown.locator("h1")).to_contain_text("numbers")
    expect(shown).to_contain_text("<i>1</i>")
    text = shown.inner_text()
    for figure in ("NaN", "∞", "-∞", "1 value is NaN or infinite"):
        assert figure in text
    rows.filter(has_text="long/").dblclick()
    expect(shown.locator("h1")).to_contain_text("long/ää")
    assert shown.locator("h1").bounding_box()["height"] < 120  # type: ignore[index]
    tab = page.locator(".lm-TabBar-tab.lm-mod-current .lm-TabBar-tabLabel").filter(has_text="long/")
    assert len(tab.inner_text()) < 40

    # One of them has a metric, the others none, or another: what is missing is empty, and no fault.
    for name in ("numbers", "nothing was logged", "</script>"):
        rows.filter(has_text=name).click(modifiers=[] if name == "numbers" else ["Control"])
    page.locator(".mlops-sidebar").get_by_role("button", name="Compare", exact=True).click()
    expect(shown.locator("h1")).to_contain_text("Compare 3 runs", timeout=60_000)
    expect(shown).to_contain_text("∞")
    expect(shown).to_contain_text("<i>1</i>")

    # The name as a word of a line, in a notebook: our commands refuse such a one, in words, while its page is there.
    page.get_by_role("tab", name="Models", exact=True).click()
    (workshop.folder / "names.ipynb").write_text(notebook(["%load_ext jupyter_mlops", ""]))
    do(page, "docmanager:open", path="workshop/names.ipynb")
    ready(page)
    page.get_by_label("Search the models").fill("quoted")
    expect(rows).to_have_count(1)
    page.locator(".mlops-into").click()
    expect(page.locator(".mlops-tools b")).to_have_text(workshop.model)
    act(page, "v1", "Lineage", shift=True)
    expect(page.locator(".jp-Notebook .jp-OutputArea-output")).to_contain_text(
        "can't be the name of a model", timeout=60_000
    )
    expect(page.locator(".jp-Notebook .jp-OutputArea-output")).to_contain_text("<img src=x")
    rows.first.dblclick()
    expect(shown.locator("h1")).to_have_text(workshop.model)


def test_an_alert_is_seen_everywhere_and_listing_it_asks_nothing(lab: Lab, page: Page) -> None:
    expect(page.locator(".mlops-status")).to_contain_text("1 alert")
    expect(page.get_by_role("tab", name=re.compile("Alerts"))).to_contain_text("1")
    page.locator(".mlops-status").click()
    alert = page.locator(".mlops-sidebar .mlops-option")
    expect(alert).to_contain_text("people: drift")
    expect(alert).to_contain_text("rings")
    page.get_by_role("tab", name="Endpoints", exact=True).click()
    expect(page.locator(".mlops-option")).to_contain_text("1 alert")
    page.wait_for_function("window.jupyterapp.commands.hasCommand('jupyter-mlops:do-alerts')")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-mlops:do-alerts'), null")
    expect(page.locator(".mlops-page:visible")).to_contain_text("people", timeout=60_000)
    assert page.get_by_role("dialog").count() == 0


def test_two_folders_of_a_project_have_one_page_and_a_run_that_is_deleted_says_so(
    lab: Lab, workshop: Workshop, page: Page
) -> None:
    row = page.locator(".mlops-sidebar .mlops-option").filter(has_text="to be deleted")
    row.dblclick()
    shown = page.locator(".mlops-page:visible")
    expect(shown.locator("h1")).to_contain_text("to be deleted")
    lab.go(page, "workshop/deep")
    lab.side_bar(page)
    row.dblclick()
    expect(shown.locator("h1")).to_contain_text("to be deleted")
    assert page.locator(".mlops-page").count() == 1
    other = lab.in_folder("workshop")  # a second window
    gone = other.locator(".mlops-option").filter(has_text="to be deleted")
    expect(gone).to_be_visible()
    page.bring_to_front()
    workshop.mlflow_post("runs/delete", {"run_id": workshop.runs["deleted"]})
    expect(shown.get_by_role("alert")).to_contain_text("deleted", timeout=15_000)
    expect(shown).to_contain_text("0.4000")
    expect(row).to_have_count(0, timeout=15_000)
    expect(gone).to_have_count(0, timeout=15_000)


def test_a_server_that_was_begun_anew_knows_nobody_and_says_so(
    lab: Lab, site: Site, workshop: Workshop, tmp_path: Path
) -> None:
    """As a container that was replaced: it has another token, and no memory of who was logged in."""
    port = free_port()
    with jupyter(site, lab.folder, port, JUPYTER_RUNTIME_DIR=str(tmp_path / "one")) as url:
        page = replace(lab, url=url).in_folder("workshop")
        expect(page.locator(".mlops-option").first).to_be_visible()
    head = page.locator(".mlops-sidebar .mlops-head")
    expect(head).to_contain_text("away")
    with jupyter(site, lab.folder, port, "another", JUPYTER_RUNTIME_DIR=str(tmp_path / "two")) as url:
        expect(head).to_contain_text("does not know you any more", timeout=30_000)
        expect(head).to_contain_text("reload the page with its token")
        expect(page.locator(".mlops-sidebar [role=alert]")).to_have_count(1)
        expect(page.locator(".mlops-option").first).to_be_visible()
        assert "Traceback" not in page.locator(".mlops-sidebar").inner_text()
        page.goto(f"{url}/lab/tree/workshop?token=another&reset")
        page.wait_for_function("window.jupyterapp && window.jupyterapp.restored")
        page.evaluate("window.jupyterapp.restored.then(() => true)")
        lab.go(page, "workshop")
        lab.side_bar(page)
        expect(page.locator(".mlops-option").first).to_be_visible()
        page.context.close()


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Let a process and its children stand still: their ports take connections, and nobody answers."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for member in family:
        member.suspend()
    try:
        yield
    finally:
        for member in family:
            member.resume()


def test_a_server_that_hangs_holds_nothing_up(lab: Lab, workshop: Workshop, page: Page) -> None:
    expect(page.locator(".mlops-option").first).to_be_visible()
    head = page.locator(".mlops-head")
    with stopped(workshop.pid):
        page.get_by_label("Ask again").click()
        page.get_by_label("Filter the runs").fill("accuracy > 0")
        page.get_by_role("tab", name="Endpoints", exact=True).click()
        expect(page.locator(".mlops-option")).to_contain_text("serving", timeout=3_000)
        expect(head).to_contain_text("it hangs", timeout=20_000)
        expect(page.locator(".mlops-status")).to_contain_text("server away")
        page.get_by_role("tab", name="Runs", exact=True).click()
        expect(page.locator(".mlops-part .mlops-notice")).to_be_visible(timeout=20_000)
    expect(head).to_contain_text(re.compile(r"MLflow \d"), timeout=30_000)
    expect(page.locator(".mlops-option").first).to_be_visible(timeout=15_000)
    expect(page.locator(".mlops-part .mlops-notice")).to_have_count(0)
