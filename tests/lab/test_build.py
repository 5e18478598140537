"""JupyterLab's part: one version, nothing built in git, and a wheel that is the same wherever it is built from."""

from __future__ import annotations

import hashlib
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import jupyter_mlops as mlops

ROOT = Path(__file__).parents[2]
LAB = ROOT / "labextension"
SHARED = "share/jupyter/labextensions/jupyter-mlops"


def test_python_and_extension_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert json.loads((LAB / "package.json").read_text())["version"] == project["version"] == mlops.__version__


def test_the_lock_names_no_registry() -> None:
    assert not re.search(r"https?://", (LAB / "yarn.lock").read_text())


def test_what_is_built_is_not_in_git() -> None:
    tracked = subprocess.run(["git", "ls-files", "labextension"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not [name for name in tracked.stdout.splitlines() if re.search(r"/(dist|lib|node_modules)/|sha256", name)]


def test_no_room_of_typescript_is_larger_than_can_be_overlooked() -> None:
    lengths = {str(path.relative_to(LAB)): len(path.read_text().splitlines()) for path in LAB.glob("src/**/*.ts*")}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_any_change_of_the_sources_is_seen(tmp_path: Path) -> None:
    digest = runpy.run_path(str(LAB / "tools.py"))["digest_of_sources"]
    for name in ("src", "style", "schema"):
        shutil.copytree(LAB / name, tmp_path / name)
    before = digest(tmp_path)
    assert digest(tmp_path) == before
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "built.js").write_text("1")
    assert digest(tmp_path) == before, "what a build writes is no source"
    index = tmp_path / "src" / "index.ts"
    index.write_bytes(index.read_bytes().replace(b"\n", b"\r\n"))
    assert digest(tmp_path) == before, "git on Windows writes other ends of lines"
    index.rename(index.with_name("other.ts"))
    assert digest(tmp_path) != before


def _wheel(source: Path, into: Path, path: str, *words: str) -> Path:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(into), str(source)]
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "JUPYTER_MLOPS_SKIP_LABEXTENSION")
    }
    done = subprocess.run([*build, *words], env=env | {"PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (wheel,) = into.glob("*.whl")
    return wheel


def _contents(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as file:
        return {name: hashlib.sha256(file.read(name)).hexdigest() for name in file.namelist()}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_clean_clone_builds_without_node_and_its_sdist_gives_the_same_wheel(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    bare = tmp_path / "bin"  # what a machine without Node has
    bare.mkdir()
    for tool in ("git", "sh", "env", "uname"):
        (bare / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    wheel = _contents(_wheel(clone, tmp_path / "wheel", str(bare)))
    built = [name for name in wheel if SHARED in name]
    assert any("remoteEntry" in name for name in built)
    assert any(name.endswith("etc/jupyter/jupyter_server_config.d/jupyter_mlops.json") for name in wheel), (
        "it is switched on"
    )
    assert not [name for name in wheel if "node_modules" in name or name.endswith((".ts", ".tsx"))]

    sdist = "import sys; from hatchling.build import build_sdist; print(build_sdist(sys.argv[1]))"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(tmp_path / "hatch"), "hatchling>=1.27,<2"], check=True)  # fmt: skip
    env = os.environ | {"PYTHONPATH": str(tmp_path / "hatch")}
    subprocess.run([sys.executable, "-c", sdist, str(tmp_path)], cwd=clone, env=env, check=True, capture_output=True)
    (packed,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    assert (source / "labextension" / "dist" / "package.json").exists()
    # Without an index: neither Node nor the builder is asked for, as all is built already.
    again = _contents(_wheel(source, tmp_path / "again", str(bare)))
    assert not (source / "labextension" / "node_modules").exists()
    assert again == wheel
