"""The page for people, in a real browser: everything on it is done by labels, roles and keys, as people do it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from jupyter_mlops.backend.processes import free_port
from jupyter_mlops.serving.front.app import Front
from jupyter_mlops.serving.front.door import Door
from jupyter_mlops.serving.front.routing import Routing
from jupyter_mlops.serving.history import add_to_history
from jupyter_mlops.serving.model.example import request_like
from jupyter_mlops.serving.model.signature import Signature

from .conftest import served
from .test_app import FRAME, MODEL, Client

ODD = "<script>alert(1)</script>"
LONG = "a name as they come from joined tables, " + "and_on_" * 20
VISITS = pd.DataFrame(
    {
        ODD: ["Rome"],
        "age": [2**60],
        LONG: [0.1],
        "member": [True],
        "note": ["It was a long visit, of which much was said.\nThen they left."],
        "since": [pd.Timestamp("2026-01-01 10:30")],
    }
)


@dataclass
class Endpoint:
    """A front on a port, with its controller's part played here."""

    front: Front
    port: int
    history: Path

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"http://127.0.0.1:{self.port}/"


def about(rows: Any, logged: dict[str, Any] | None) -> tuple[Signature, dict[str, Any]]:
    """Say what a model process would say of a model for these rows."""
    from mlflow.models import infer_signature

    signature = Signature.parse(infer_signature(rows).to_dict())
    inputs = signature.inputs.told()
    example = request_like(inputs, None if logged is None else json.dumps(logged).encode())
    return signature, {"inputs": inputs, "example": example}


def serve(name: str, rows: Any, predict: Any, logged: Any, history: Path) -> Iterator[Endpoint]:
    """Serve a model under a name: version 3, with version 4 as a canary that never answers."""
    signature, said = about(rows, logged)
    client = Client(replace(MODEL, predict=predict, signature=signature))
    client.front = Front(name, history=history)

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        async with client.connect() as (_, links):
            arms = client.arm(3, links[0]), client.arm(4, links[0], "canary")
            arms[0].about.update(said)
            client.front.dispatcher.routing = Routing(name, arms[0], arms[1], 0.0)
            yield

    with served(client.front, around()) as port:
        yield Endpoint(client.front, port, history)


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """An endpoint whose names and answers are markup, and whose model refuses the age of 7."""

    def predict(rows: pd.DataFrame) -> list[str]:
        if (rows["age"] == 13).any():
            raise ValueError("13 brings bad luck")
        return [
            f"<img src=x onerror=alert(1)> {age} {note!r}" for age, note in zip(rows["age"], rows["note"], strict=True)
        ]

    history = tmp_path_factory.mktemp("visits") / "history.json"
    add_to_history(history, "champion", 2)
    add_to_history(history, "champion", 3)
    add_to_history(history, "champion", 4, refused="it does not know '<b>age</b>'")
    split = VISITS.assign(since="2026-01-01T10:30:00").to_dict(orient="split", index=False)
    yield from serve("<b>visits</b>", VISITS, predict, {"dataframe_split": split}, history)


@pytest.fixture(scope="module")
def tumour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """An endpoint with 30 columns, that answers with the first of them."""
    predict = lambda rows: np.asarray(rows)[:, 0]  # noqa: E731
    split = FRAME[:1].to_dict(orient="split", index=False)
    yield from serve("tumour", FRAME, predict, {"dataframe_split": split}, tmp_path_factory.mktemp("t") / "h.json")


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page; whatever its console complains about fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_page(url: str, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: complaints.append(request.url) if _is_foreign(request.url, url) else None)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    # A refusal is an answer as well; the browser calls each an error.
    assert [each for each in complaints if "responded with a status of" not in each] == []


def _is_foreign(asked: str, page: str) -> bool:
    origin = "/".join(page.split("/")[:3])
    return not asked.startswith((origin, "data:"))


def test_the_example_is_asked_by_keyboard_alone_and_names_are_text(look: Callable[..., Page], visits: Endpoint) -> None:
    page = look(visits.url)
    expect(page).to_have_title("<b>visits</b> – endpoint")
    expect(page.get_by_role("heading", level=1)).to_have_text("<b>visits</b>")
    first = page.get_by_label(ODD)
    expect(first).to_have_value("Rome")
    expect(page.get_by_label("age")).to_have_value(str(2**60))  # JavaScript would have rounded it
    expect(page.get_by_label("member")).to_have_value("true")
    expect(page.get_by_label("note")).to_have_value(VISITS["note"][0])
    expect(page.get_by_label(LONG)).to_have_value("0.1")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "predict":
            break
    page.keyboard.press("Enter")
    answer = page.get_by_role("region", name="Answer")
    expect(answer).to_contain_text(f"<img src=x onerror=alert(1)> {2**60}")
    expect(answer).to_contain_text("by version 3")
    expect(page.locator("#predict")).to_be_focused()
    id = answer.locator("code").first.text_content()
    assert id
    assert len(id) == 32
    expect(page.locator("#said")).to_have_attribute("aria-live", "polite")
    assert page.locator("img, main script, h1 b").count() == 0


def test_what_is_refused_is_said_at_the_field_and_can_be_mended(look: Callable[..., Page], visits: Endpoint) -> None:
    page = look(visits.url)
    age, answer = page.get_by_label("age"), page.get_by_role("region", name="Answer")
    age.fill("seven")
    age.press("Enter")
    expect(age).to_have_attribute("aria-invalid", "true")
    expect(age).to_be_focused()
    expect(age).to_have_accessible_description(
        "Column 'age' wants whole numbers (long), but row 0 holds the string 'seven'."
    )
    expect(answer).to_contain_text("WRONG_TYPE")
    age.fill("13")
    age.press("Enter")
    expect(answer).to_contain_text("13 brings bad luck")
    age.fill("12")
    expect(age).to_have_attribute("aria-invalid", "false")
    age.press("Enter")
    expect(answer).to_contain_text("onerror=alert(1)> 12")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_label(ODD)).to_be_focused()
    page.get_by_role("button", name="Predict").click()
    expect(answer).to_contain_text("Not answered")
    page.get_by_role("button", name="Fill in the example").click()
    expect(age).to_have_value(str(2**60))


def test_the_history_and_the_figures_are_live(look: Callable[..., Page], visits: Endpoint) -> None:
    page = look(visits.url)
    versions = page.get_by_role("region", name="Versions")
    items = versions.get_by_role("listitem")
    expect(items).to_have_count(3)
    expect(items.nth(0)).to_contain_text("Version 4 was refused: it does not know '<b>age</b>'")
    expect(items.nth(1)).to_contain_text("Version 3 answers")
    expect(items.nth(1)).to_have_attribute("aria-current", "true")
    expect(versions).to_contain_text('%mlops logs "<b>visits</b>"')
    row = page.get_by_role("row", name="3 champion")
    before = int(row.get_by_role("cell").first.text_content() or "0")
    page.get_by_label("age").fill("21")
    page.get_by_role("button", name="Predict").click()
    expect(row.get_by_role("cell").first).to_have_text(str(before + 1))
    add_to_history(visits.history, "champion", 5)
    expect(items).to_have_count(4)


def test_the_line_for_a_shell_asks_the_same(look: Callable[..., Page], visits: Endpoint) -> None:
    page = look(visits.url)
    page.get_by_label("note").fill('it\'s "quoted" $HOME `ls` é')
    page.get_by_text("The same in a shell").click()
    line = page.get_by_label("A line for a shell").text_content()
    assert line
    done = subprocess.run(f"{line} --silent", shell=True, capture_output=True, text=True, check=True)
    assert 'it\'s "quoted" $HOME `ls` é' in json.loads(done.stdout)["predictions"][0].replace("\\'", "'")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == line


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_thirty_columns_fit_narrow_and_wide_and_can_be_read(
    look: Callable[..., Page], tumour: Endpoint, width: int, scheme: str
) -> None:
    page = look(tumour.url, viewport={"width": width, "height": 700}, color_scheme=scheme)
    expect(page.get_by_label("mean radius")).to_have_value("17.99")
    assert page.locator("#fields input").count() == 30
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_role("button", name="Predict")).to_be_in_viewport()  # without a way down to it
    page.get_by_label("Find a column").fill("worst")
    expect(page.locator("#fields .field:visible")).to_have_count(10)
    page.get_by_label("Find a column").fill("")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#said .value")).to_have_text("17.99")
    assert page.evaluate(CONTRAST) == []


# Text against what is behind it, as WCAG 2.1 AA counts it: 4.5 to 1, and 3 to 1 where it is large.
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (color) => color.slice(0, 3).map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3]) return c; } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || "value" in e;
    if (!own || !e.checkVisibility() || e.closest("script, option")) continue;
    const style = getComputedStyle(e), [a, b] = [light(rgb(style.color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) poor.push(`${e.tagName} ${e.id} ${e.textContent.slice(0, 20)} ${ratio}`);
  }
  return poor;
}"""


def test_every_field_has_a_name_and_everything_can_be_reached(look: Callable[..., Page], tumour: Endpoint) -> None:
    page = look(tumour.url)
    expect(page.get_by_label("mean radius")).to_be_visible()
    unnamed = "() => [...document.querySelectorAll('input, select, textarea')].filter((e) => !e.labels.length).length"
    assert page.evaluate(unnamed) == 0
    assert page.evaluate("document.documentElement.lang") == "en"
    assert (
        page.evaluate("new Set([...document.querySelectorAll('[id]')].map((e) => e.id)).size")
        == page.locator("[id]").count()
    )
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the answer")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Answer")).to_be_focused()


def test_a_tensor_is_asked_as_json(look: Callable[..., Page], tmp_path: Path) -> None:
    images = np.arange(12.0).reshape(3, 2, 2)
    predict = lambda rows: rows.sum(axis=(1, 2))  # noqa: E731
    for endpoint in serve("images", images, predict, {"inputs": images.tolist()}, tmp_path / "h.json"):
        page = look(endpoint.url)
        row = page.get_by_label("One row of shape 2 × 2")
        expect(row).to_have_value("[[0,1],[2,3]]")
        row.fill("[[1, 2], [3, 4.5]]")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#said .value")).to_have_text("10.5")


def test_an_endpoint_that_goes_away_is_told(look: Callable[..., Page], tumour: Endpoint) -> None:
    page = look(tumour.url)
    state = page.locator("#state")
    expect(state).to_have_text("serving")
    dispatcher = tumour.front.dispatcher
    there, dispatcher._routing = dispatcher.routing, None
    try:
        expect(state).to_have_text("being started again")
    finally:
        dispatcher._routing = there
    expect(state).to_have_text("serving")


def test_it_loads_nothing_from_elsewhere_and_runs_nothing_but_itself(
    browser: Browser, tumour: Endpoint, visits: Endpoint
) -> None:
    page = browser.new_page()
    answer = page.goto(tumour.url)
    assert answer
    assert "unsafe" not in answer.headers["content-security-policy"]
    foreign = "url => fetch(url, {mode: 'no-cors'}).then(() => 'loaded', () => 'blocked')"
    assert page.evaluate(foreign, f"{tumour.url}health") == "loaded"
    assert page.evaluate(foreign, f"{visits.url}health") == "blocked"
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.x = 1'; document.body.append(s); }"
    )
    assert page.evaluate("window.x") is None
    page.close()


def test_an_endpoint_with_a_key_is_asked_with_the_password_that_the_browser_wants(
    look: Callable[..., Page], tmp_path: Path
) -> None:
    key = "0123456789abcdef"
    for endpoint in serve("locked", FRAME, lambda rows: np.asarray(rows)[:, 0], None, tmp_path / "h.json"):
        endpoint.front.door = Door((), hashlib.sha256(key.encode()).hexdigest())
        assert httpx.get(endpoint.url).status_code == 401
        page = look(endpoint.url, http_credentials={"username": "anybody", "password": key})
        page.get_by_label("mean radius").fill("4.5")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#said .value")).to_have_text("4.5")
        page.get_by_text("The same in a shell").click()
        expect(page.get_by_label("A line for a shell")).to_contain_text('-H "Authorization: Bearer $MLOPS_API_KEY"')


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Jupyter server with jupyter-server-proxy; the address of its proxy."""
    folder, port = tmp_path_factory.mktemp("jupyter"), free_port(0)
    own = {"HOME": str(folder), **{f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}}
    command = ["-m", "jupyter_server", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    command += ["--ServerApp.base_url=/user/me/", "--IdentityProvider.token=secret", f"--ServerApp.root_dir={folder}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, *command], env=os.environ | own, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/user/me"
    try:
        for _ in range(900):
            try:
                httpx.get(f"{url}/api").raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
        yield f"{url}/proxy"
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.parametrize("slash", ["/", ""])
def test_it_works_behind_jupyters_proxy(look: Callable[..., Page], tumour: Endpoint, proxy: str, slash: str) -> None:
    page = look(f"{proxy}/{tumour.port}{slash}?token=secret")
    expect(page.get_by_label("mean radius")).to_have_value("17.99")
    page.get_by_label("mean radius").fill("3.5")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#said .value")).to_have_text("3.5")
    page.get_by_text("The same in a shell").click()
    expect(page.get_by_label("A line for a shell")).to_contain_text(f"{proxy}/{tumour.port}/invocations")
