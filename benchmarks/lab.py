"""JupyterLab: what the extension adds to its start, and when the side bar shows 100,000 runs, beside MLflow's own page."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests
import runs_table
from jupyter_core.paths import jupyter_path
from measure import Claim, Report, Samples, added, alternate, free_port, project, ratio, server_of, whole_session
from playwright.sync_api import Browser, sync_playwright

RUNS = 100_000
ROUNDS = 7
AIM_START, AIM_FIRST, AIM_BYTES = 0.1, 1.0, 300_000
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]

WITH, WITHOUT = "JupyterLab until restored, with the extension", "the same with the extension disabled"
FIRST, PEER = (
    f"side bar opened, until the first of {RUNS:,} runs is drawn",
    "MLflow's page of the experiment, until its first run",
)


def run() -> Report:
    with project() as folder, sync_playwright() as playwright:
        whole_session(["%load_ext jupyter_mlops", "%mlops init --experiment Default", "%mlops stop"], folder)
        runs_table.RUNS = RUNS
        experiment = runs_table.fill(folder / ".mlops" / "mlflow.db", "Default")
        whole_session(["%load_ext jupyter_mlops", "%mlops init"], folder)
        mlflow = f"{server_of(folder).url}/#/experiments/{experiment}/runs"
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with _jupyter(folder, disabled=False) as ours, _jupyter(folder, disabled=True) as bare:
            ways = {
                WITH: lambda: _start(browser, ours), WITHOUT: lambda: _start(browser, bare),
                FIRST: lambda: _first(browser, ours), PEER: lambda: _peer(browser, mlflow),
            }  # fmt: skip
            for way in ways.values():
                way()
            found = alternate(ways, ROUNDS)
        browser.close()
    places = (Path(place, "labextensions", "jupyter-mlops", "static") for place in jupyter_path())
    built = next(place for place in places if place.exists())
    size = sum(len(gzip.compress(path.read_bytes())) for path in built.glob("*.js"))
    first = found[FIRST]
    return Report(
        "lab",
        f"JupyterLab and MLflow's own page in headless Chromium, each in a fresh window with an empty cache; one experiment of {RUNS:,} runs on the "
        "project's own server. The side bar's time begins when it is opened in a JupyterLab that stands, MLflow's when its page is asked for.",
        [*found.values(), Samples("the extension's files, gzipped", [size / 1000], "kB")],
        [
            added(found[WITH], found[WITHOUT], AIM_START),
            Claim(FIRST, f"{first.median:.2f} s", f"≤ {AIM_FIRST:g} s", first.median <= AIM_FIRST),
            ratio(first, found[PEER]),
            Claim("size of the extension", f"{size / 1000:.0f} kB", f"≤ {AIM_BYTES / 1000:g} kB", size <= AIM_BYTES),
        ],
    )


@contextlib.contextmanager
def _jupyter(folder: Path, *, disabled: bool) -> Iterator[str]:
    port, home = free_port(), folder / f"jupyter-{disabled}"
    settings = home / "config" / "labconfig"
    settings.mkdir(parents=True)
    (settings / "page_config.json").write_text(json.dumps({"disabledExtensions": {"jupyter-mlops": disabled}}))
    env = os.environ | {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    options = ["--allow-root", "--no-browser", f"--port={port}", "--IdentityProvider.token=t", "--LabApp.news_url=", "--LabApp.expose_app_in_browser=True"]  # fmt: skip
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], cwd=folder, env=env, stdout=log, stderr=log
        )
        url = f"http://127.0.0.1:{port}"
        try:
            for _ in range(300):
                with contextlib.suppress(requests.ConnectionError):
                    requests.get(f"{url}/api", timeout=5)
                    break
                time.sleep(0.2)
            yield f"{url}/lab?token=t&reset"
        finally:
            process.terminate()
            process.wait(20)


def _start(browser: Browser, url: str) -> float:
    page = browser.new_context().new_page()
    begun = time.perf_counter()
    page.goto(url)
    page.wait_for_function("window.jupyterapp && window.jupyterapp.restored")
    page.evaluate("window.jupyterapp.restored.then(() => null)")
    seconds = time.perf_counter() - begun
    page.context.close()
    return seconds


def _first(browser: Browser, url: str) -> float:
    page = browser.new_context().new_page()
    page.goto(url)
    page.wait_for_function("window.jupyterapp && window.jupyterapp.restored")
    page.evaluate("window.jupyterapp.restored.then(() => null)")
    page.wait_for_timeout(1000)
    begun = time.perf_counter()
    page.evaluate("window.jupyterapp.commands.execute('jupyter-mlops:show', {part: 'runs'}).then(() => null)")
    page.locator(".mlops-option").first.wait_for()
    seconds = time.perf_counter() - begun
    page.context.close()
    return seconds


def _peer(browser: Browser, url: str) -> float:
    page = browser.new_context().new_page()
    begun = time.perf_counter()
    page.goto(url)
    page.get_by_text("run 99999").first.wait_for(timeout=120_000)
    seconds = time.perf_counter() - begun
    page.context.close()
    return seconds
