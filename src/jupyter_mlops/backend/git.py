"""What git says of a folder: commit, branch, remote, and what is not committed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

# A repository on a slow disk must not hold a cell.
_SECONDS = 5.0
# What a diff may weigh, in bytes: more is data in git, not code.
_MOST = 2_000_000
_MOST_OF_A_FILE = 200_000
# New files that are code; notebooks are kept on their own, without what they show.
_SOURCES = (
    ".py",
    ".pyi",
    ".pyx",
    ".r",
    ".R",
    ".jl",
    ".sql",
    ".sh",
    ".toml",
    ".cfg",
    ".ini",
    ".yaml",
    ".yml",
    ".json",
    ".txt",
    ".md",
    ".in",
)

# What surely begins with a host, so that an "@" further on is part of the path.
_HOST = re.compile(r"(?:[\w-]+(?:\.[\w-]+)+|localhost|\[[\da-fA-F:.]+\])(?::\d+)?(?:[/?#]|$)")
_SCP = re.compile(r"[^/@]+@.*?[\w\]]:")


@dataclass(frozen=True)
class Git:
    """The state of a repository.

    Attributes
    ----------
    commit, branch, remote : str, optional
        None where there is no commit yet, no branch (a detached head), or no remote.
        The remote is without user and password.
    diff : str
        What is not committed: changes of tracked files, and new source files. Notebooks are left out.
    note : str
        What of it could not be taken, in words; empty as a rule.
    """

    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    diff: str = ""
    note: str = ""


def commit(folder: Path) -> str | None:
    """Give the commit of a folder, where it has one."""
    return (_git(folder, "rev-parse", "--verify", "--quiet", "HEAD") or "").strip() or None


def look(folder: Path) -> Git:
    """Describe the repository that a folder is in; nothing of it is changed."""
    if _git(folder, "rev-parse", "--is-inside-work-tree") is None:
        return Git()
    at = commit(folder)
    branch = (_git(folder, "symbolic-ref", "--quiet", "--short", "HEAD") or "").strip() or None
    remote = (_git(folder, "config", "--get", "remote.origin.url") or "").strip()
    diff, note = _uncommitted(folder, at) if at else ("", "there is no commit yet, so no diff")
    return Git(at, branch, without_credentials(remote) or None, diff, note)


def without_credentials(url: str) -> str:
    """Take out of an address what may open it: user, password, query and fragment.

    A password may have any character in it, an ``@`` or a ``/`` too. Where it can't be told what the host is,
    all is taken up to the last ``@``: half an address is better than half a password.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:  # scp's form, user@host:path
        return url.rpartition("@")[2] if _SCP.match(url) else url
    while "@" in rest and not _HOST.match(rest):
        rest = rest.partition("@")[2]
    return scheme + mark + re.split("[?#]", rest, maxsplit=1)[0]


def root(folder: Path) -> Path | None:
    """Give the top folder of the repository."""
    top = (_git(folder, "rev-parse", "--show-toplevel") or "").strip()
    return Path(top) if top else None


def _uncommitted(folder: Path, at: str) -> tuple[str, str]:
    """Take the diff to the last commit, new files included, by an index of our own: the user's is left alone."""
    top = root(folder) or folder
    new, left_out = _new_sources(top)
    changed = (_git(top, "diff", "--name-only", "-z", at) or "").split("\0")
    large = [name for name in changed if name and _size(top / name) > _MOST]
    with tempfile.TemporaryDirectory(prefix="mlops-git-") as scratch:
        index = Path(scratch) / "index"
        theirs = (_git(top, "rev-parse", "--git-path", "index") or "").strip()
        if theirs and (top / theirs).is_file():
            shutil.copyfile(top / theirs, index)
        env = {"GIT_INDEX_FILE": str(index)}
        if new:
            names = "\0".join(new)
            _git(top, "add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul", env=env, stdin=names)
        # fmt: off
        diff = _git(
            top, "-c", "core.quotePath=false", "diff", at, "--no-color", "--no-ext-diff", "--no-textconv",
            "--ignore-submodules=dirty", "--", ".", ":(exclude)*.ipynb",
            *(f":(exclude,literal){name}" for name in large), env=env, most=_MOST,
        )
        # fmt: on
    if diff is None:
        return (
            "",
            f"the uncommitted diff took over {_SECONDS:.0f} s, or weighs over {_MOST / 1e6:.0f} MB; it is left out",
        )
    left_out += large
    note = f"too large for the diff, and left out of it: {', '.join(left_out[:3])}" if left_out else ""
    return diff, note


def _new_sources(top: Path) -> tuple[list[str], list[str]]:
    """List the new files that are code; and of those the ones that are too large."""
    found = (_git(top, "ls-files", "--others", "--exclude-standard", "-z", most=_MOST) or "").split("\0")
    sources = [name for name in found if name.endswith(_SOURCES)]
    small = [name for name in sources if _size(top / name) <= _MOST_OF_A_FILE]
    return small[:500], sorted({*sources} - {*small[:500]})


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _git(
    folder: Path, *words: str, env: dict[str, str] | None = None, stdin: str = "", most: int = 1_000_000
) -> str | None:
    """Ask git; None where it is missing, fails, takes too long or says more than ``most`` bytes."""
    git = shutil.which("git")
    if git is None:
        return None
    # Its own settings of the user's machine: no pager, no prompt for a password, no lock taken for a mere look.
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryFile() as out:
        try:
            answer = subprocess.run(
                [git, *words],
                cwd=folder,
                env={**os.environ, **quiet, **(env or {})},
                input=stdin.encode("utf-8", "surrogateescape"),
                stdout=out,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if answer.returncode != 0 or out.tell() > most:
            return None
        out.seek(0)
        return out.read().decode("utf-8", "surrogateescape")
