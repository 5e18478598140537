"""Pages in the main area, the keyboard, themes, and what a screen reader is told."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from jupyter_mlops.command import commands

from .conftest import Lab, do

pytestmark = pytest.mark.browser
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark", "contrast": "JupyterLab Dark High Contrast"}


@pytest.fixture
def page(lab: Lab) -> Page:
    page = lab.in_folder("churn")
    expect(page.locator(".mlops-option")).to_have_count(3)
    return page


def faults(page: Page, where: str) -> list[str]:
    """Ask axe for what is serious within our own parts."""
    found = Axe().run(page, context={"include": [[where]]}).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:120]} {node.get('failureSummary', '')[:200]}"
        for one in found if one["impact"] in ("serious", "critical") for node in one["nodes"]
    ]  # fmt: skip


def test_pages_of_a_run_a_comparison_a_model_and_an_endpoint(lab: Lab, page: Page) -> None:
    rows = page.locator(".mlops-sidebar .mlops-option")
    rows.filter(has_text="scaled").dblclick()
    shown = page.locator(".mlops-page:visible")
    expect(shown.locator("h1")).to_contain_text("scaled")
    expect(shown.locator(".mlops-chart")).to_have_count(1)
    expect(shown).to_contain_text("training")
    assert faults(page, ".mlops-page:not(.lm-mod-hidden *)") == []
    rows.filter(has_text="tree").click(modifiers=["Control"])
    page.locator(".mlops-sidebar").get_by_role("button", name="Compare", exact=True).click()
    expect(shown.locator("h1")).to_contain_text("Compare 2 runs", timeout=40_000)
    expect(shown.locator(".mlops-parallel, .mlops-table").first).to_be_visible()
    rows.filter(has_text="onerror").dblclick()
    expect(shown.locator("h1")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(shown).to_contain_text("<b>bold</b>")
    page.get_by_role("tab", name="Models", exact=True).click()
    page.locator(".mlops-into").click()
    rows.first.dblclick()
    expect(shown.locator("h1")).to_contain_text("tumour")
    expect(shown.locator(".mlops-version")).to_have_count(2)
    page.get_by_role("tab", name="Endpoints", exact=True).click()
    rows.first.dblclick()
    expect(shown).to_contain_text("Versions that answer")
    expect(shown).to_contain_text("serving")


@pytest.mark.parametrize("theme", THEMES)
def test_every_part_can_be_read_in_every_theme(lab: Lab, page: Page, theme: str) -> None:
    do(page, "apputils:change-theme", theme=THEMES[theme])
    page.wait_for_function(f"document.body.dataset.jpThemeName === '{THEMES[theme]}'")
    page.wait_for_timeout(300)
    for part in ("runs", "models", "endpoints", "alerts"):
        lab.side_bar(page, part)
        expect(page.locator(".mlops-part :is(.mlops-option, .mlops-empty)").first).to_be_visible()
        if part != "alerts":
            page.locator(".mlops-option").first.click()
        assert faults(page, ".mlops-sidebar") == []
    shown = page.locator(".mlops-page:visible")
    for part in ("runs", "models", "endpoints"):
        lab.side_bar(page, part)
        page.locator(".mlops-option").first.wait_for()
        if part == "models":
            page.locator(".mlops-into").click()
        page.locator(".mlops-option").first.dblclick()
        expect(shown.locator("h1")).to_be_visible()
        assert faults(page, ".mlops-page:not(.lm-mod-hidden *)") == []


def test_all_goes_by_keys_alone(lab: Lab, page: Page) -> None:
    taken = page.evaluate(
        """() => {
            const all = window.jupyterapp.commands.keyBindings.map(({keys, command}) => [keys.join(' '), command]);
            const ours = all.filter(([, command]) => command.startsWith('jupyter-mlops:')).map(([keys]) => keys);
            return Object.fromEntries(ours.map(keys => [keys, all.filter(one => one[0] === keys).length]));
        }"""
    )
    assert taken == {"Alt Shift M": 1, "Alt Shift T": 1}, "no other command has them"
    page.keyboard.press("Alt+Shift+m")
    tab = page.get_by_role("tab", name="Runs", exact=True)
    expect(tab).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Models", exact=True)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(tab).to_be_focused()
    expect(page.locator(".mlops-option")).to_have_count(3)
    for _ in range(12):  # past the filter and the tools, to the list
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('role')") == "listbox":
            break
    expect(page.get_by_role("listbox", name="Runs")).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator(".mlops-option[aria-selected=true]")).to_contain_text("tree")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".mlops-option[aria-selected=true]")).to_contain_text("scaled")
    page.keyboard.press("Enter")
    expect(page.locator(".mlops-page:visible h1")).to_contain_text("scaled")
    page.keyboard.press("Alt+Shift+m")
    expect(tab).to_be_focused()


def test_the_palette_has_every_command(lab: Lab, page: Page) -> None:
    page.wait_for_function("window.jupyterapp.commands.hasCommand('jupyter-mlops:do-promote')")
    known = page.evaluate("window.jupyterapp.commands.listCommands().filter(id => id.startsWith('jupyter-mlops:do-'))")
    assert set(known) == {f"jupyter-mlops:do-{key.replace(' ', '-')}" for key in commands()}
    do(page, "apputils:activate-command-palette")
    page.keyboard.type("%mlops promote:")
    page.keyboard.press("Enter")
    form = page.get_by_role("dialog")
    form.get_by_role("textbox").fill("tumour/2")
    form.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("dialog")).to_contain_text("champion")
    page.get_by_role("button", name="Cancel").click()
