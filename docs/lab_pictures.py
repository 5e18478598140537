"""Take the README's pictures of JupyterLab and Notebook from a project that is made for them: ``python docs/lab_pictures.py``.

Needs what ``make`` installs, and Chromium on the PATH.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"]  # fmt: skip

STORY = """
import jupyter_mlops as mlops
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

mlops.init(experiment="breast-cancer")
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
models = {
    "tree": DecisionTreeClassifier(max_depth=4, random_state=0),
    "forest": RandomForestClassifier(200, random_state=0),
    "boosting slow": GradientBoostingClassifier(n_estimators=60, learning_rate=0.05, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=60, learning_rate=0.2, random_state=0),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
}
for name, model in models.items():
    with mlops.run(name, data=X_train):
        model.fit(X_train, y_train)
        scores = {"accuracy": model.score(X_test, y_test), "log loss": log_loss(y_test, model.predict_proba(X_test))}
        if name.startswith("boosting"):
            for step, shares in enumerate(model.staged_predict_proba(X_test)):
                mlops.log({"test loss": log_loss(y_test, shares)}, step=step)
        mlops.log(scores, model=model, data=X_train)
mlops.register("tumour", run="tree", alias="challenger")
mlops.promote("tumour/1")
mlops.register("tumour", run="logistic", alias="challenger")
mlops.validate_model("tumour@challenger", data=X_test.assign(target=y_test), target="target")
endpoint = mlops.deploy("tumour@champion")
for _ in range(40):
    endpoint.predict(X_test.head(5))
"""
DATA = """\
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)"""
TRAIN = """\
%%mlops run svm --data X_train
model = SVC(kernel="linear", C=0.5).fit(X_train, y_train)
_ = mlops.log({"accuracy": model.score(X_test, y_test)})"""
CELLS = ["%load_ext jupyter_mlops\nimport jupyter_mlops as mlops", DATA, TRAIN]


def main() -> int:
    """Make the project, open it, and take each picture in each theme."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("Needs Chromium on the PATH.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "breast-cancer")
        folder.mkdir()
        shutil.copy(ROOT / "examples" / "mlops.toml", folder)
        cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "train.ipynb")
        try:
            subprocess.run([sys.executable, "-c", STORY], cwd=folder, check=True)
            with jupyter(folder) as url, sync_playwright() as playwright:
                window = playwright.chromium.launch(executable_path=browser, args=FLAGS).new_context(
                    viewport={"width": 1240, "height": 760}, device_scale_factor=2
                )
                take(window.new_page(), url)
        finally:
            subprocess.run(
                [sys.executable, "-c", "import jupyter_mlops as mlops; mlops.stop(all=True)"], cwd=folder, check=False
            )
    return 0


@contextlib.contextmanager
def jupyter(folder: Path) -> Iterator[str]:
    """Run JupyterLab and Notebook in the folder, with settings of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {
        f"JUPYTER_{name}_DIR": str(folder.parent / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")
    }
    asks = folder.parent / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    asks.mkdir(parents=True)
    (asks / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    options = ["--allow-root", "--no-browser", f"--port={port}", "--IdentityProvider.token=t", "--LabApp.news_url=", "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"]  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], cwd=folder, env=env)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            with contextlib.suppress(urllib.error.URLError):
                urllib.request.urlopen(f"{url}/api", timeout=5).close()
                break
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def take(page: Page, url: str) -> None:
    """Take the pictures, as a user would come to them."""
    page.goto(f"{url}/lab/tree/train.ipynb?token=t&reset")
    ready(page)
    do(page, "jupyter-mlops:show", part="runs")
    do(page, "notebook:run-all-cells")
    page.locator(".mlops-cell-badge:visible").first.wait_for(timeout=120_000)
    rows, shown = page.locator(".mlops-option"), page.locator(".mlops-page:visible")
    rows.filter(has_text="svm").wait_for()
    do(page, "docmanager:save")
    for theme in THEMES:
        turn(page, theme)
        do(page, "docmanager:open", path="train.ipynb")
        page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex = 2, null")
        shoot(page, f"lab-notebook-{theme}")
        rows.filter(has_text="boosting").nth(0).dblclick()
        shown.locator(".mlops-chart").first.wait_for()
        shoot(page, f"lab-run-{theme}")
        rows.filter(has_text="boosting slow").click(modifiers=["Control"])
        page.locator(".mlops-sidebar").get_by_role("button", name="Compare", exact=True).click()
        page.locator(".mlops-page:visible h1").filter(has_text="Compare").wait_for(timeout=90_000)
        shoot(page, f"lab-compare-{theme}")
        do(page, "jupyter-mlops:show", part="models")
        page.locator(".mlops-into").click()
        rows.first.dblclick()
        shown.locator(".mlops-version").first.wait_for()
        shoot(page, f"lab-models-{theme}")
        page.locator(".mlops-tools button").first.click()
        do(page, "jupyter-mlops:show", part="runs")
        rows.filter(has_text="svm").click()
    turn(page, "light")
    page.goto(f"{url}/notebooks/train.ipynb")
    ready(page)
    do(page, "jupyter-mlops:show", part="models")
    page.locator(".mlops-into").click()
    rows.first.dblclick()
    shown.locator(".mlops-version").first.wait_for()
    shoot(page, "notebook-7")


def ready(page: Page) -> None:
    """Wait until the notebook and its kernel stand."""
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.context?.isReady")
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.ready.then(() => null)")
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.info.then(() => null)")


def do(page: Page, command: str, **args: str) -> None:
    """Execute a command of JupyterLab, and wait for it."""
    page.evaluate("([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)", [command, args])


def turn(page: Page, theme: str) -> None:
    """Turn to a theme."""
    do(page, "apputils:change-theme", theme=THEMES[theme])
    page.wait_for_function(f"document.body.dataset.jpThemeName === '{THEMES[theme]}'")


def shoot(page: Page, name: str) -> None:
    """Take one picture, once all stands still."""
    page.wait_for_timeout(1_500)
    page.mouse.move(5, 500)
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
