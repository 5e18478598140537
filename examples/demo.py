"""Run examples without a screen, as CI does; leave executed notebooks, pages and a summary behind.

Usage: python examples/demo.py [OUTPUT_FOLDER [NAME ...]]; by default the quickstart, with each step shown.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import jupyter_mlops as mlops

HERE = Path(__file__).parent


def main(output: Path, names: list[str]) -> int:
    """Run each in a fresh folder of its own: it is a project of its own, with an MLflow server of its own."""
    shutil.rmtree(output, ignore_errors=True)
    notebooks = []
    for name in names:
        folder = output / "projects" / name
        folder.mkdir(parents=True)
        notebooks.append(shutil.copy(HERE / f"{name}.ipynb", folder))
        if name == "quickstart":
            shutil.copy(HERE / "mlops.toml", folder)
    results = mlops.run_notebooks(
        *map(str, notebooks),
        output=str(output),
        html=str(output),
        junit=str(output / "junit.xml"),
        summary=str(output / "summary.md"),
        timeout=600,
        jobs=2,
        show=len(names) == 1,
    )
    print(results)
    return results.exit_code


if __name__ == "__main__":
    chosen = sys.argv[2:] or ["quickstart"]
    every = sorted(path.stem for path in HERE.glob("*.ipynb"))
    sys.exit(
        main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo").resolve(), every if chosen == ["all"] else chosen)
    )
