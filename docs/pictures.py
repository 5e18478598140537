"""Take the README's pictures from the executed quickstart: ``make demo``, then ``python docs/pictures.py``.

Needs Chromium on the PATH.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
EXECUTED = ROOT / "build" / "demo" / "quickstart.ipynb"
# Which output of which cell, and the size of its picture: a cell is known by its first line.
CARDS = {"run-card": ("%%mlops run scaled", -1, (760, 362))}
THEMES = {"light": ("#fff", "#1f2328"), "dark": ("#111", "#e6edf3")}


def main() -> int:
    """Draw each card as it stands in the notebook, on a light and on a dark page."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None or not EXECUTED.exists():
        print("Needs Chromium on the PATH, and the demo's notebook: make demo", file=sys.stderr)
        return 1
    notebook = nbformat.read(EXECUTED, as_version=4)
    for name, (line, place, (width, height)) in CARDS.items():
        cell = next(cell for cell in notebook.cells if cell.source.startswith(line))
        fragment = cell.outputs[place].data["text/html"]
        for theme, (background, color) in THEMES.items():
            style = f"background:{background};color:{color};font-family:system-ui,sans-serif;margin:8px"
            shoot(
                browser,
                f"<body style='{style}'>{fragment}</body>",
                ROOT / f"docs/images/{name}-{theme}.png",
                width,
                height,
            )
    return 0


def shoot(browser: str, page: str, picture: Path, width: int, height: int) -> None:
    """Take one picture."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(f"<meta charset='utf-8'>{page}", encoding="utf-8")
        # fmt: off
        flags = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-quic", "--no-first-run", "--hide-scrollbars",
            "--force-device-scale-factor=2", f"--user-data-dir={folder}/profile", f"--window-size={width},{height}",
        ]
        # fmt: on
        subprocess.run([browser, *flags, f"--screenshot={picture}", file.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
