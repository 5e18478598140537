"""What goes wrong around the window: it is said, and seen everywhere."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import Lab, Workshop

pytestmark = pytest.mark.browser


@pytest.fixture
def page(lab: Lab, workshop: Workshop) -> Page:
    return lab.in_folder("workshop")


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
