"""JupyterLab: what the extension adds to its start, and when the side bar shows 100,000 runs, beside MLflow's own page.

Small, to see that it works: ``python -c "import lab; lab.RUNS, lab.ROUNDS, lab.IDLE = 2_000, 1, 5; print(lab.run())"``
"""

from __future__ import annotations

import contextlib
import gzip
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests
import runs_table
from jupyter_core.paths import jupyter_path
from measure import (
    Claim,
    Report,
    Samples,
    added,
    alternate,
    await_answer,
    background,
    free_port,
    project,
    ratio,
    server_of,
    whole_session,
)  # fmt: skip
from playwright.sync_api import Browser, Page, sync_playwright

NAME = "jupyter-mlops"
RUNS = 100_000
MODELS, VERSIONS = 10, 100
ROUNDS = 10
START_ROUNDS = 3  # starts in each round: what is looked for is a tenth of a second
IDLE = 30  # seconds
AIM_START, AIM_FIRST, AIM_BYTES, AIM_REQUESTS = 0.1, 1.0, 300_000, 0.2
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking", "--no-first-run"]  # fmt: skip

WITH, WITHOUT = "JupyterLab until restored, with the extension", "the same where it is not installed"
FIRST, SORTED, MODEL = "side bar opened, until runs are drawn", "sorted by a metric, until drawn", "models, until drawn"
COLD = "JupyterLab loaded with the side bar open, until runs are drawn"
VERSION = f"one model, until its {VERSIONS} versions are there"
PEER, PEER_MODELS = (
    "MLflow's page of the experiment, from its home page",
    "MLflow's page of the models, from its home page",
)
PEER_COLD = "MLflow's page of the experiment loaded, until its first run"


def run() -> Report:
    """Measure all in one JupyterLab with the extension, one without, and MLflow's own pages."""
    size = _size()
    with project() as folder, sync_playwright() as playwright:
        whole_session(["%load_ext jupyter_mlops", "%mlops init --experiment Default", "%mlops stop"], folder)
        database = folder / ".mlops" / "mlflow.db"
        experiment = runs_table.fill(database, "Default", RUNS, nested=0)
        _register(database)
        whole_session(["%load_ext jupyter_mlops", "%mlops init"], folder)
        mlflow = server_of(folder).url
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with _jupyter(folder, installed=True) as ours, _jupyter(folder, installed=False) as bare:
            newest, runs = f"run {RUNS - 1}", f"#/experiments/{experiment}/runs"
            open_bar = _left_open(browser, ours)
            ways = {
                WITH: lambda: _started(browser, ours),
                WITHOUT: lambda: _started(browser, bare),
                COLD: lambda: _page(browser, open_bar, newest),
                PEER_COLD: lambda: _page(browser, f"{mlflow}/{runs}", newest),
                PEER: lambda: _turned(browser, mlflow, runs, newest),
                PEER_MODELS: lambda: _turned(browser, mlflow, "#/models", "model 0"),
            }
            for way in ways.values():
                way()
            _looked(browser, ours)
            parts: list[dict[str, float]] = []
            found = alternate(ways | {FIRST: lambda: parts.append(_looked(browser, ours)) or parts[-1][FIRST]}, ROUNDS)
            found |= {name: Samples(name, [part[name] for part in parts]) for name in (SORTED, MODEL, VERSION)}
            visible, hidden = _idle(browser, ours)
        browser.close()
    return Report(
        "lab",
        f"JupyterLab and MLflow's own pages in headless Chromium, each in a fresh window with an empty cache; one experiment of {RUNS:,} runs "
        f"and {MODELS * VERSIONS:,} versions of {MODELS} models on the project's own server (SQLite), written straight into its database. What "
        "is loaded begins with an empty window; what is opened, with a click in a JupyterLab or a page of MLflow that stands. A start is the mean of "
        f"{START_ROUNDS}. Idle: requests of the extension in {IDLE} s in which nothing happens, besides the one that waits for events.",
        [
            *found.values(),
            Samples("the extension's files, gzipped", [size / 1000], "kB"),
            Samples(f"requests in {IDLE} s, side bar open", [visible], ""),
            Samples(f"requests in {IDLE} s, side bar closed", [hidden], ""),
        ],
        [
            added(found[WITH], found[WITHOUT], AIM_START),
            *(_within(found[name]) for name in (FIRST, MODEL, VERSION)),
            ratio(found[FIRST], found[PEER]),
            ratio(found[COLD], found[PEER_COLD]),
            ratio(found[MODEL], found[PEER_MODELS]),
            Claim("size of the extension", f"{size / 1000:.0f} kB", f"≤ {AIM_BYTES / 1000:g} kB", size <= AIM_BYTES),
            Claim("requests/s, open", f"{visible / IDLE:.2f}", f"≤ {AIM_REQUESTS:g}", visible / IDLE <= AIM_REQUESTS),
            Claim("requests/s, closed", f"{hidden / IDLE:.2f}", "0", hidden == 0),
        ],
    )


def _within(samples: Samples) -> Claim:
    return Claim(samples.name, f"{samples.median:.2f} s", f"≤ {AIM_FIRST:g} s", samples.median <= AIM_FIRST)


def _register(database: Path) -> None:
    """Write models with versions, each of a run, into the database of a stopped server."""
    now = round(time.time() * 1000)
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        runs = [run_id for (run_id,) in db.execute("SELECT run_uuid FROM runs LIMIT ?", (MODELS * VERSIONS,))]
        db.executemany(
            "INSERT INTO registered_models (name, creation_time, last_updated_time) VALUES (?, ?, ?)",
            [(f"model {number}", now, now - number) for number in range(MODELS)],
        )
        db.executemany(
            "INSERT INTO model_versions (name, version, creation_time, last_updated_time, current_stage, source, run_id,"
            " status) VALUES (?, ?, ?, ?, 'None', ?, ?, 'READY')",
            [
                (f"model {at % MODELS}", at // MODELS + 1, now, now, f"mlflow-artifacts:/0/{run_id}/artifacts/model", run_id)
                for at, run_id in enumerate(runs)
            ],
        )  # fmt: skip


@contextlib.contextmanager
def _jupyter(folder: Path, *, installed: bool) -> Iterator[str]:
    """Run a JupyterLab of its own settings in the folder, with the extension or as if it were not there."""
    port, home = free_port(), folder / f".jupyter-{installed}"
    env = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    options = ["--allow-root", "--no-browser", f"--port={port}", "--IdentityProvider.token=t", "--LabApp.news_url=", "--LabApp.expose_app_in_browser=True"]  # fmt: skip
    if not installed:
        others = home / "labextensions"
        others.mkdir(parents=True)
        for path in Path(sys.prefix, "share", "jupyter", "labextensions").iterdir():
            if path.name != NAME:
                (others / path.name).symlink_to(path)
        options += [f"--LabApp.labextensions_path={others}", "--ServerApp.jpserver_extensions={'jupyter_mlops': False}"]
    with background([sys.executable, "-m", "jupyterlab", *options], folder, env):
        await_answer(lambda: requests.get(f"http://127.0.0.1:{port}/api", timeout=5))
        yield f"http://127.0.0.1:{port}/lab?token=t&reset"


@contextlib.contextmanager
def _window(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        yield context.new_page()
    finally:
        context.close()


def _stands(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_function("window.jupyterapp && window.jupyterapp.restored", polling=10)
    page.evaluate("window.jupyterapp.restored.then(() => null)")


def _started(browser: Browser, url: str) -> float:
    seconds = 0.0
    for _ in range(START_ROUNDS):
        with _window(browser) as page:
            begin = time.perf_counter()
            _stands(page, url)
            seconds += time.perf_counter() - begin
    return seconds / START_ROUNDS


def _page(browser: Browser, url: str, text: str) -> float:
    with _window(browser) as page:
        begin = time.perf_counter()
        page.goto(url)
        page.get_by_text(text, exact=True).first.wait_for(timeout=120_000)
        return time.perf_counter() - begin


def _turned(browser: Browser, url: str, place: str, text: str) -> float:
    """Go from a page of MLflow that stands to another."""
    with _window(browser) as page:
        page.goto(f"{url}/#/")
        page.get_by_text("Experiments", exact=True).first.wait_for()
        page.wait_for_timeout(1500)
        begin = time.perf_counter()
        page.evaluate("place => { location.hash = place }", place)
        page.get_by_text(text, exact=True).first.wait_for(timeout=120_000)
        return time.perf_counter() - begin


def _left_open(browser: Browser, url: str) -> str:
    """Leave a workspace with the side bar open, and give where it is loaded from again."""
    place = url.replace("/lab?", "/lab/workspaces/open?")
    with _window(browser) as page:
        _stands(page, place)
        page.evaluate("window.jupyterapp.commands.execute('jupyter-mlops:show', {part: 'runs'}).then(() => null)")
        page.locator(".mlops-option").first.wait_for()
        page.wait_for_timeout(3_000)  # until it is saved
    return place.removesuffix("&reset")


def _looked(browser: Browser, url: str) -> dict[str, float]:
    """Open the side bar in a JupyterLab that stands, and go through it."""
    found: dict[str, float] = {}
    rows = ".mlops-list:not(.mlops-busy) .mlops-option"
    with _window(browser) as page:
        _stands(page, url)
        page.wait_for_timeout(1500)  # until Lab has done what it does after its start

        def wait(name: str, begin: float, text: str) -> None:
            page.locator(rows).filter(has_text=text).first.wait_for()
            found[name] = time.perf_counter() - begin

        begin = time.perf_counter()
        page.evaluate("window.jupyterapp.commands.execute('jupyter-mlops:show', {part: 'runs'}).then(() => null)")
        wait(FIRST, begin, f"run {RUNS - 1}")
        begin = time.perf_counter()
        with page.expect_response(lambda response: "sort=accuracy" in response.url):
            page.get_by_label("Sort by").select_option("accuracy")
        wait(SORTED, begin, "accuracy")
        begin = time.perf_counter()
        page.get_by_role("tab", name="Models", exact=True).click()
        wait(MODEL, begin, "model 0")
        begin = time.perf_counter()
        page.locator(".mlops-into").first.click()
        wait(VERSION, begin, f"v{VERSIONS}")
    return found


def _idle(browser: Browser, url: str) -> tuple[int, int]:
    """Count what is asked while nothing happens: with the side bar open, and closed."""
    asked: list[str] = []
    with _window(browser) as page:
        _stands(page, url)
        page.on("request", lambda request: asked.append(request.url) if "/jupyter-mlops/" in request.url else None)
        counts = []
        for command in ("jupyter-mlops:show", "application:toggle-left-area"):
            page.evaluate("name => window.jupyterapp.commands.execute(name).then(() => null)", command)
            page.wait_for_timeout(5_000)
            asked.clear()
            page.wait_for_timeout(IDLE * 1000)
            counts.append(len(asked))
    return counts[0], counts[1]


def _size() -> int:
    places = (Path(place, "labextensions", NAME, "static") for place in jupyter_path())
    built = next((place for place in places if place.exists()), None)
    if built is None:
        raise RuntimeError("The extension isn't built: pip install -e . does it.")
    return sum(len(gzip.compress(path.read_bytes())) for path in built.glob("*.js"))
