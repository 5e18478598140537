"""A real JupyterLab with our wheel, a project on a real MLflow server, a real endpoint, and a real browser."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Error, Page, Response, expect, sync_playwright

from jupyter_mlops.backend.processes import free_port

from ..serving.front.conftest import FLAGS
from .site import ROOT, Site, build

TOKEN = "sesame"
expect.set_options(timeout=20_000)  # a machine that does other things beside is slow, and not broken
STORIES = Path(__file__).parent
KNOWN = {
    "reading 'schema'": "Notebook 7.6 itself says it, without our extension too",
    "'filebrowser:open-path' not registered": "the same",
    "null (reading 'kernel')": "JupyterLab 4.6 itself, of a notebook that was opened without a kernel: no line of ours reads one",
    "WebSocket connection to": "the browser itself, while the server is away; ours asks by requests alone",
    "Failed to load resource": "the browser itself, of each answer that refuses: what our parts make of those is tested",
}
"""What the console may say, and why it is none of our faults: unless it comes from a file of ours."""
OURS = "extensions/jupyter-mlops/"


def is_known(fault: str) -> bool:
    """Whether it is said by others."""
    return OURS not in fault and any(known in fault for known in KNOWN)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A Python with our wheel."""
    return build(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def folder(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What Jupyter shows: a project with runs, two versions and an endpoint in ``churn``, and nothing in the rest."""
    place = tmp_path_factory.mktemp("files")
    churn = place / "churn"
    churn.mkdir()
    shutil.copy(ROOT / "examples" / "mlops.toml", churn)
    site.run((STORIES / "story.py").read_text(), churn)
    yield place
    for project in (found.parent for found in place.rglob("mlops.toml")):
        with contextlib.suppress(AssertionError):
            site.run("import jupyter_mlops as mlops; mlops.stop(all=True)", project)


@dataclass(frozen=True)
class Workshop:
    """A project in which all may go wrong: names of every kind, an alert that rings, runs that are deleted.

    Attributes
    ----------
    folder : Path
    mlflow : str
    pid : int
        Of its MLflow server.
    experiment : str
    runs : dict
        Their ids, by what is special about them.
    model : str
        A name that is hard to write.
    """

    folder: Path
    mlflow: str
    pid: int
    experiment: str
    runs: dict[str, str]
    model: str

    def mlflow_post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask MLflow itself, past all that is ours."""
        answer = requests.post(f"{self.mlflow}/api/2.0/mlflow/{path}", json=body, timeout=30)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def log(self, name: str) -> str:
        """Make a run in no time, as another machine would; what is live shows it."""
        now = round(time.time() * 1000)
        made = {"experiment_id": self.experiment, "run_name": name, "start_time": now}
        run_id: str = self.mlflow_post("runs/create", made)["run"]["info"]["run_id"]
        self.mlflow_post("runs/log-metric", {"run_id": run_id, "key": "accuracy", "value": 0.5, "timestamp": now})
        self.mlflow_post("runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": now})
        return run_id


@pytest.fixture(scope="session")
def workshop(site: Site, folder: Path) -> Workshop:
    """A project of its own, so that what goes wrong in it disturbs no other test."""
    place = folder / "workshop"
    (place / "deep").mkdir(parents=True)
    (place / "mlops.toml").write_text('[monitor.people]\ndrift = "minor"\n')
    said = json.loads(site.run((STORIES / "workshop.py").read_text(), place).splitlines()[-1])
    return Workshop(place, **said)


@dataclass
class Lab:
    """A Jupyter server, and pages of it in the browser."""

    url: str
    folder: Path
    browser: Browser
    faults: list[str] = field(default_factory=list)

    def open(self, path: str = "lab", **context: Any) -> Page:
        """Open a page in a window of its own; what goes wrong in it is kept in ``faults``."""
        page = self.browser.new_context(viewport={"width": 1280, "height": 800}, **context).new_page()
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}\n{error.stack}"))
        page.on("console", self._hear)
        page.on("response", self._see)
        page.on("dialog", self._answer)
        page.goto(
            f"{self.url}/{path}{'&' if '?' in path else '?'}token={TOKEN}{'&reset' if path.startswith('lab') else ''}"
        )
        page.wait_for_function("window.jupyterapp && window.jupyterapp.restored")
        page.evaluate("window.jupyterapp.restored.then(() => true)")
        return page

    def _answer(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":  # a notebook that has changed since it was saved
            dialog.accept()
        else:
            self.faults.append(f"dialog: {dialog.message}")
            dialog.dismiss()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _see(self, response: Response) -> None:
        if response.status == 500 and "/jupyter-mlops/" in response.url:
            self.faults.append(f"answer: 500 of {response.url}")

    def in_folder(self, folder: str, part: str = "runs") -> Page:
        """Open JupyterLab with a folder in its file browser and the side bar beside it."""
        page = self.open(f"lab/tree/{folder}")
        self.go(page, folder)
        self.side_bar(page, part)
        return page

    def go(self, page: Page, folder: str) -> None:
        """Go to a folder in the file browser."""
        do(page, "filebrowser:go-to-path", path=folder)

    def side_bar(self, page: Page, part: str = "runs") -> None:
        """Show a part of the side bar."""
        do(page, "jupyter-mlops:show", part=part)
        expect(page.locator(".mlops-sidebar")).to_be_visible()


def do(page: Page, command: str, **args: Any) -> None:
    """Execute a command of JupyterLab, and wait for it."""
    page.evaluate("([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)", [command, args])


def ready(page: Page) -> None:
    """Wait for the kernel of the notebook: its idle sign comes too early."""
    page.evaluate(
        """async () => {
            let panel = null;
            while (!(panel = window.jupyterapp.shell.currentWidget)?.context) {
                await new Promise(resolve => setTimeout(resolve, 50));
            }
            await panel.context.ready;
            await panel.sessionContext.ready;
            await panel.sessionContext.session.kernel.info;
        }"""
    )


def answered(page: Page) -> None:
    """Ask the kernel of the notebook, and wait for its answer: what was sent to it before is then done."""
    page.evaluate(
        "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestKernelInfo().then(() => null)"
    )


@contextlib.contextmanager
def jupyter(site: Site, folder: Path, port: int, token: str = TOKEN, **env: str) -> Iterator[str]:
    """Run Jupyter Server with JupyterLab and Notebook."""
    options = [
        "--allow-root", "--no-browser", f"--port={port}", f"--IdentityProvider.token={token}", "--ServerApp.port_retries=0",
        "--LabApp.extension_manager=readonly", "--LabApp.news_url=", "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    told = folder.parent / f"jupyter-{port}-{token}.log"
    with told.open("w") as log:
        command = [str(site.python), "-m", "jupyterlab", *options]
        process = subprocess.Popen(command, env=site.env | env, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            with contextlib.suppress(requests.ConnectionError):
                requests.get(f"{url}/api", timeout=5)
                break
            assert process.poll() is None, told.read_text()[-3000:]
            time.sleep(0.2)
        try:
            yield url
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            process.wait(20)
            psutil.wait_procs(family, timeout=5)
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()


@pytest.fixture(scope="session")
def server(site: Site, folder: Path) -> Iterator[str]:
    """The same server for all."""
    with jupyter(site, folder, free_port()) as url:
        yield url


@pytest.fixture(scope="module")
def lab(server: str, folder: Path) -> Iterator[Lab]:
    """A browser for each module."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.fail("JupyterLab is tested in a real browser, and there is none: apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield Lab(server, folder, browser)
        browser.close()


@pytest.fixture(autouse=True)
def _no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing goes wrong unseen, and nothing that is shown is ever run."""
    yield
    if "lab" in request.fixturenames:
        lab: Lab = request.getfixturevalue("lab")
        faults = [fault for fault in lab.faults if not is_known(fault)]
        lab.faults.clear()
        for context in lab.browser.contexts:
            with contextlib.suppress(Error):
                context.close()
        assert not faults, "\n".join(faults)


def act(page: Page, row: str, action: str, *, shift: bool = False) -> None:
    """Choose a row of the side bar, and of its menu what is to be done with it."""
    page.locator(".mlops-option").filter(has_text=row).first.click()
    page.locator(".mlops-sidebar").get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name=action, exact=True).click(modifiers=["Shift"] if shift else [])


def notebook(cells: list[str], kernel: str = "python3", language: str = "python") -> str:
    """Write a notebook of code cells."""
    made = [{"cell_type": "code", "execution_count": None, "id": f"c{n}", "metadata": {}, "outputs": [], "source": source} for n, source in enumerate(cells)]  # fmt: skip
    spec = {"name": kernel, "display_name": kernel, "language": language}
    return json.dumps({"cells": made, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5})
