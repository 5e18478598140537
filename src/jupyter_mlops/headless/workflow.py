"""``ci init``: the file with which a CI system runs the notebooks."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..backend import git
from ..disk import write_whole
from ..display import Badge, Card, Cell, View
from ..errors import Conflict, InvalidUsage
from ..result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Provider: TypeAlias = Literal["github", "gitlab", "plain"]

_FILES: dict[Provider, str] = {
    "github": ".github/workflows/notebooks.yml",
    "gitlab": ".gitlab-ci.yml",
    "plain": "ci/notebooks.sh",
}
# Where there is a pipeline already, ours is included in it.
_BESIDE = ".gitlab/notebooks.yml"


@dataclass(frozen=True, repr=False)
class Workflow(Result):
    """The file that was written, or would be."""

    provider: Provider
    path: str
    text: str
    dry_run: bool
    then: str

    def view(self) -> View:
        """Draw where it is, and what comes next."""
        facts: list[tuple[str, Cell]] = [("then", self.then)]
        badge = Badge("dry run", "idle") if self.dry_run else Badge("written", "good")
        return Card(self.path, badge, facts=facts, text=self.text if self.dry_run else "")


def begin(provider: Provider | None, notebooks: Sequence[str], *, force: bool, dry_run: bool) -> Workflow:
    """Write the file.

    Raises
    ------
    Conflict
        Where there is one that is not ours to overwrite.
    InvalidUsage
        Where there is no notebook here.
    """
    top = git.root(Path.cwd()) or Path.cwd()
    provider = provider or _guess(top)
    here = Path.cwd().relative_to(top) if Path.cwd().is_relative_to(top) else Path()
    chosen = list(notebooks) or _found(here)
    text = _drawn(provider, top, chosen)
    path = top / _FILES[provider]
    then = "commit it: it runs with the next change"
    if provider == "gitlab" and path.exists() and not force and path.read_text(encoding="utf-8") != text:
        path = top / _BESIDE
        then = f"add to .gitlab-ci.yml: include: [{{local: {_BESIDE}}}]"
    if provider == "plain":
        then = f"let your CI run sh {_FILES['plain']}"
    shown = path.relative_to(top).as_posix()
    if path.exists() and not force and path.read_text(encoding="utf-8") != text:
        raise Conflict(
            f"There is a {shown} already, and it is another one.", f"%mlops ci init --provider {provider} --force"
        )
    if not dry_run:
        write_whole(path, text)
        if provider == "plain":
            path.chmod(0o755)
    return Workflow(provider, shown, text, dry_run, then)


def _guess(top: Path) -> Provider:
    """Say whose pipeline there is, or where the repository lies; GitHub's where neither says."""
    if (top / ".gitlab-ci.yml").is_file():
        return "gitlab"
    config = top / ".git" / "config"
    remote = config.read_text(encoding="utf-8", errors="replace") if config.is_file() else ""
    return "gitlab" if "gitlab" in remote and not (top / ".github").is_dir() else "github"


def _found(here: Path) -> list[str]:
    """Name the notebooks of this folder, as the shell will: those to come are meant too."""
    if _worked_in(Path.cwd().glob("*.ipynb")):
        return [(here / "*.ipynb").as_posix()]
    below = [path for path in Path.cwd().glob("*/*.ipynb") if not path.parent.name.startswith(".")]
    folders = sorted({path.parent for path in _worked_in(below)})
    if not folders:
        raise InvalidUsage("There is no notebook here, nor in a folder below.", "%mlops ci init notebooks/*.ipynb")
    return [(here / folder.relative_to(Path.cwd()) / "*.ipynb").as_posix() for folder in folders]


def _worked_in(paths: Iterable[Path]) -> list[Path]:
    """Leave out what git ignores, and what ``run`` has executed: both are made, and not worked in."""
    found = list(paths)
    if not found:
        return []
    ignored: set[str] = set()
    with contextlib.suppress(OSError):  # there is no git
        done = subprocess.run(
            ["git", "check-ignore", "-z", "--stdin"],  # noqa: S607 - git is found on the user's path
            input="\0".join(map(str, found)), capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        ignored = set(done.stdout.split("\0"))
    return [path for path in found if str(path) not in ignored and not _executed(path)]


def _executed(path: Path) -> bool:
    try:
        return "mlops" in json.loads(path.read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _drawn(provider: Provider, top: Path, notebooks: Sequence[str]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader(__package__, "ci")
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - no HTML
    name = f"{provider}.{'sh' if provider == 'plain' else 'yml'}.j2"
    dependencies = next((each for each in ("requirements.txt", "pyproject.toml") if (top / each).is_file()), "")
    theirs = {"requirements.txt": "-r requirements.txt ", "pyproject.toml": ". "}.get(dependencies, "")
    install = f"python -m pip install {theirs}'jupyter-mlops[headless]'"
    return environment.get_template(name).render(
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        dependencies=dependencies,
        depends_on=dependencies or _FILES[provider],
        install=install,
        notebooks=" ".join(map(_word, notebooks)),
    )


def _word(notebook: str) -> str:
    """Quote a name for the shell, but for the stars in it.

    Raises
    ------
    InvalidUsage
        For one with a line break, or what CI would take for its own.
    """
    if any(sign in notebook for sign in "\n\r{}$"):
        raise InvalidUsage(
            f"{notebook!r} has signs in it that mean something to CI.",
            "name the notebooks by a pattern: notebooks/*.ipynb",
        )
    return "*".join(shlex.quote(part) if part else "" for part in notebook.split("*"))
