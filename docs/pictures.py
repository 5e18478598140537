"""Take the README's pictures from the executed examples: ``make examples``, then ``python docs/pictures.py``.

Needs Chromium on the PATH.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from PIL import Image, ImageChops

ROOT = Path(__file__).parents[1]
EXECUTED = ROOT / "build" / "examples"
# The last output of which cell of which notebook, and how wide its page is: a cell is known by how it begins.
CARDS = {"run-card": ("quickstart", "%%mlops run scaled", 760), "monitor-card": ("monitoring", "tomorrow = ", 820)}
THEMES = {"light": ("#fff", "#1f2328"), "dark": ("#111", "#e6edf3")}


def main() -> int:
    """Draw each card as it stands in the notebook, on a light and on a dark page."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None or not EXECUTED.exists():
        print("Needs Chromium on the PATH, and the executed examples: make examples", file=sys.stderr)
        return 1
    for name, (example, line, width) in CARDS.items():
        notebook = nbformat.read(EXECUTED / f"{example}.ipynb", as_version=4)
        cell = next(cell for cell in notebook.cells if cell.source.startswith(line))
        fragment = cell.outputs[-1].data["text/html"]
        for theme, (background, color) in THEMES.items():
            style = f"background:{background};color:{color};font-family:system-ui,sans-serif;margin:8px"
            picture = ROOT / f"docs/images/{name}-{theme}.png"
            shoot(browser, f"<body style='{style}'>{fragment}</body>", picture, width)
            crop(picture)
    return 0


def shoot(browser: str, page: str, picture: Path, width: int, height: int = 2_000) -> None:
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


def crop(picture: Path) -> None:
    """Cut off what is below the card."""
    image = Image.open(picture).convert("RGB")
    background = Image.new("RGB", image.size, image.getpixel((0, 0)))
    _, top, _, bottom = ImageChops.difference(image, background).getbbox() or (0, 0, *image.size)
    image.crop((0, 0, image.width, min(image.height, bottom + top))).quantize(128).save(picture, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
