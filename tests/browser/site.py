"""An environment in which our package is what its wheel holds, and all that it needs is the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Site:
    """A Python with our wheel in it.

    Attributes
    ----------
    python : Path
    env : dict
        For processes that are to know nothing of who runs the test.
    """

    python: Path
    env: dict[str, str]

    def run(self, code: str, folder: Path) -> str:
        """Run Python in a folder, and give what it printed."""
        command = [str(self.python), "-c", code]
        done = subprocess.run(
            command, cwd=folder, env=self.env, capture_output=True, text=True, check=False, timeout=180
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout


def build(place: Path) -> Site:
    """Build the wheel, install it, and link what it needs: an hour of downloads would test nothing more."""
    pip = [sys.executable, "-m", "pip"]
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "JUPYTER_MLOPS_SKIP_LABEXTENSION")
    }
    wheels = place / "wheels"
    _run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)], env)
    home = place / "venv"
    venv.create(home, symlinks=True)
    (wheel,) = wheels.glob("*.whl")
    _run([*pip, f"--python={home}", "install", "--quiet", "--no-deps", str(wheel)], env)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    # A line of a .pth adds a folder, and reads no .pth in it: an editable install of ours stays out.
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for part in ("share/jupyter", "etc/jupyter"):
        _link(Path(sys.prefix, part), home / part)
    folders = {f"JUPYTER_{name}_DIR": str(place / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    paths = {
        "HOME": str(place),
        "PATH": f"{home / 'bin'}{os.pathsep}{env['PATH']}",
        "IPYTHONDIR": str(place / "ipython"),
    }
    settings = place / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    env = {
        name: value
        for name, value in env.items()
        if not name.startswith(("JUPYTER", "MLFLOW", "MLOPS", "JPY", "PYTEST"))
    }
    return Site(home / "bin" / "python", env | folders | paths | {"MPLBACKEND": "agg"})


def _link(there: Path, here: Path) -> None:
    """Link each file that is only there: ours, of the wheel, stays."""
    here.mkdir(parents=True, exist_ok=True)
    for found in there.iterdir():
        mine = here / found.name
        if found.name in ("jupyter-mlops", "jupyter_mlops.json"):
            continue
        if (found.is_dir() and mine.exists()) or (
            not mine.exists() and found.name in ("labextensions", "jupyter_server_config.d")
        ):
            _link(found, mine)
        elif not mine.exists():
            mine.symlink_to(found)


def _run(command: list[str], env: dict[str, str]) -> None:
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
