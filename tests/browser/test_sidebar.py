"""The side bar: it fills from a real MLflow server, and a click changes who answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Lab, do, notebook, ready

pytestmark = pytest.mark.browser


@pytest.fixture
def page(lab: Lab) -> Page:
    """JupyterLab in the folder of the project, without a notebook."""
    page = lab.in_folder("churn")
    expect(page.locator(".mlops-head h2")).to_have_text("breast-cancer")
    return page


def options(page: Page) -> list[str]:
    return page.locator(".mlops-sidebar .mlops-option").all_inner_texts()


def test_it_fills_from_the_server(lab: Lab, page: Page) -> None:
    rows = page.locator(".mlops-sidebar .mlops-option")
    expect(rows).to_have_count(3)
    said = "\n".join(options(page))
    for text in ("scaled", "tree", "accuracy 0.9", "<img src=x onerror=alert(1)>", "accuracy NaN"):
        assert text in said, "a name is text, and NaN a value"

    page.get_by_label("Filter the runs").fill("accuracy > 0.95")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("scaled")
    page.get_by_label("Filter the runs").fill("accuracy >")
    expect(page.locator(".mlops-notice")).to_be_visible()
    page.get_by_label("Filter the runs").fill("")
    expect(rows).to_have_count(3)
    page.get_by_label("Sort by").select_option("accuracy")
    expect(rows.first).to_contain_text("scaled")

    page.get_by_role("tab", name="Models", exact=True).click()
    expect(rows).to_have_count(1)
    page.locator(".mlops-into").click()
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("@challenger")
    expect(rows.nth(0)).to_contain_text("pass")
    expect(rows.nth(1)).to_contain_text("@champion")

    page.get_by_role("tab", name="Endpoints", exact=True).click()
    expect(rows.first).to_contain_text("serving")
    expect(rows.first).to_contain_text("tumour/1 @champion")
    expect(page.locator(".mlops-status")).to_contain_text("breast-cancer")


def test_promoting_by_a_click_swaps_the_endpoint_and_a_cell_rolls_back(lab: Lab, page: Page, folder: Path) -> None:
    other = lab.in_folder("churn", "endpoints")  # a second window sees it too, by itself
    expect(other.locator(".mlops-option")).to_contain_text("tumour/1 @champion")
    page.bring_to_front()

    rows = page.locator(".mlops-sidebar .mlops-option")
    page.get_by_role("tab", name="Models", exact=True).click()
    page.locator(".mlops-into").click()
    rows.filter(has_text="v2").click()
    page.locator(".mlops-sidebar").get_by_role("button", name="Promote").click()
    confirm = page.get_by_role("dialog")
    expect(confirm).to_contain_text("1")
    expect(confirm).to_contain_text("2")
    expect(confirm).to_contain_text(re.compile("champion"))
    assert "@champion" not in rows.filter(has_text="v2").inner_text(), "nothing is done before it was confirmed"
    confirm.get_by_role("button", name="Do it").click()
    expect(rows.filter(has_text="v2")).to_contain_text("@champion", timeout=20_000)
    page.get_by_role("tab", name="Endpoints", exact=True).click()
    expect(rows.first).to_contain_text("tumour/2 @champion", timeout=30_000)

    expect(other.locator(".mlops-option")).to_contain_text("tumour/2 @champion", timeout=20_000)
    other.close()

    # With a notebook the same is a cell: it can be read, and stays.
    (folder / "churn" / "actions.ipynb").write_text(notebook(["%load_ext jupyter_mlops", ""]))
    do(page, "docmanager:open", path="churn/actions.ipynb")
    ready(page)
    rows.first.click()
    page.locator(".mlops-sidebar").get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Roll back").click()
    expect(page.locator(".jp-Notebook")).to_contain_text("%mlops rollback tumour")
    assert page.locator(".jp-OutputArea-output").count() == 0, "it is put in, and not run"
    do(page, "notebook:run-all-cells")
    expect(page.locator(".jp-Notebook .mlops-card")).to_be_visible(timeout=60_000)
    expect(rows.first).to_contain_text("tumour/1 @champion", timeout=30_000)
    do(page, "docmanager:save")


def test_it_rests_when_hidden_and_says_when_the_server_is_away(lab: Lab, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/jupyter-mlops/" in request.url else None)
    page.wait_for_timeout(1_000)
    asked.clear()
    page.wait_for_timeout(5_000)
    assert len(asked) <= 1, asked
    do(page, "application:toggle-left-area")
    page.wait_for_timeout(500)
    asked.clear()
    page.wait_for_timeout(3_000)
    assert asked == []

    do(page, "application:toggle-left-area")
    expect(page.locator(".mlops-option").first).to_be_visible()
    page.context.set_offline(True)
    page.get_by_label("Ask again").click()
    expect(page.locator(".mlops-head")).to_contain_text("away")
    expect(page.locator(".mlops-option").first).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator(".mlops-head")).not_to_contain_text("away", timeout=40_000)


def test_a_folder_without_a_project_has_a_welcome_with_one_button(lab: Lab, folder: Path) -> None:
    page = lab.open("lab")
    lab.side_bar(page)
    begin = page.locator(".mlops-welcome").get_by_role("button")
    expect(begin).to_have_count(1)
    begin.click()
    expect(page.locator(".mlops-sidebar")).to_contain_text("No run yet", timeout=60_000)
    assert (folder / "mlops.toml").exists()
