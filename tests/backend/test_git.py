"""What git says of a folder: a look that changes nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from jupyter_mlops.backend import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    run(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def run(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode("utf-8", "surrogateescape")


def commit(folder: Path) -> None:
    run(folder, "add", ".")
    run(folder, "commit", "-q", "--allow-empty", "-m", "x")


def test_no_repository(tmp_path: Path) -> None:
    assert git.look(tmp_path) == git.Git()


def test_a_repository_without_commits(repository: Path) -> None:
    (repository / "a.py").write_text("a = 1\n")
    found = git.look(repository)
    assert (found.commit, found.branch, found.diff) == (None, "main", "")
    assert "no commit yet" in found.note


def test_changes_and_new_sources_are_in_the_diff_and_the_index_is_left_alone(repository: Path) -> None:
    (repository / "a.py").write_text("a = 1\n")
    commit(repository)
    (repository / "a.py").write_text("a = 2\n")
    (repository / "new ü.py").write_text("b = 1\n")
    (repository / "data.bin").write_bytes(os.urandom(100))
    (repository / "play.ipynb").write_text("{}")
    before = run(repository, "status", "--porcelain")
    found = git.look(repository)
    assert "+a = 2" in found.diff
    assert "new ü.py" in found.diff
    assert "+b = 1" in found.diff
    assert "data.bin" not in found.diff
    assert "ipynb" not in found.diff
    assert run(repository, "status", "--porcelain") == before


def test_the_diff_can_be_applied_again(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (repository / "a.py").write_text("a = 1\n")
    commit(repository)
    (repository / "a.py").write_bytes(b"a = 'caf\xe9'\n")  # not UTF-8
    (repository / "b.py").write_text("b = 1")  # no newline at the end
    found = git.look(repository)
    clone = tmp_path_factory.mktemp("clone")
    run(clone, "clone", "-q", str(repository), ".")
    patch = clone / "patch"
    patch.write_text(found.diff, encoding="utf-8", errors="surrogateescape")
    run(clone, "apply", "patch")
    assert (clone / "a.py").read_bytes() == (repository / "a.py").read_bytes()
    assert (clone / "b.py").read_bytes() == (repository / "b.py").read_bytes()


def test_what_is_too_large_is_named_and_the_rest_is_kept(repository: Path) -> None:
    (repository / "table.csv").write_text("1\n")
    commit(repository)
    (repository / "table.csv").write_text("2\n" * 2_000_000)
    (repository / "huge.json").write_text("[" + "1," * 200_000 + "1]")
    (repository / "small.py").write_text("a = 1\n")
    found = git.look(repository)
    assert "+a = 1" in found.diff
    assert len(found.diff) < 1000
    assert "table.csv" in found.note
    assert "huge.json" in found.note


def test_a_detached_head(repository: Path) -> None:
    commit(repository)
    run(repository, "checkout", "-q", "--detach")
    found = git.look(repository)
    assert found.commit
    assert found.branch is None


def test_a_remote_is_without_credentials(repository: Path) -> None:
    commit(repository)
    run(repository, "remote", "add", "origin", "https://me:word@example.org/team/churn.git")
    assert git.look(repository).remote == "https://example.org/team/churn.git"


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("https://bob:p@ssw0rdXY@github.com/x/y.git?private_token=abcdef#readme", "https://github.com/x/y.git"),
        ("https://bob:pa/ss@github.com/x/y.git", "https://github.com/x/y.git"),
        ("https://bob:12/ss@github.com/x/y.git", "https://github.com/x/y.git"),
        ("https://bob:p@ss/word@github.com:8443/x/y.git", "https://github.com:8443/x/y.git"),
        ("https://bob:p?s#s@github.com/x/y.git", "https://github.com/x/y.git"),
        ("https://bob:pa://ss@github.com/x/y.git", "https://github.com/x/y.git"),
        ("https://bob:pw@gitserver/x/y.git", "https://gitserver/x/y.git"),
        ("https://bob:pw@[::1]:3000/x.git", "https://[::1]:3000/x.git"),
        ("bob:secretpw@host:x/y.git", "host:x/y.git"),
        ("bob:se@cret@host:x/y.git", "host:x/y.git"),
        ("git@github.com:x/y.git", "github.com:x/y.git"),
        ("ssh://git@github.com/x/y.git", "ssh://github.com/x/y.git"),
        ("https://cdn.example.org/npm/vega@5.1/cars.csv", "https://cdn.example.org/npm/vega@5.1/cars.csv"),
        ("https://github.com/x/y.git", "https://github.com/x/y.git"),
        ("/srv/git/a@b/y.git", "/srv/git/a@b/y.git"),
        ("../y.git", "../y.git"),
        ("", ""),
    ],
)
def test_nothing_of_what_opens_an_address_is_left(url: str, left: str) -> None:
    assert git.without_credentials(url) == left


@pytest.fixture
def submodule(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository within the repository, with a file ``sub.py``."""
    other = tmp_path_factory.mktemp("other")
    run(other, "init", "-q")
    (other / "sub.py").write_text("s = 1\n")
    commit(other)
    run(repository, "submodule", "--quiet", "add", str(other), "sub")
    commit(repository)
    return repository / "sub"


def test_a_submodule(repository: Path, submodule: Path) -> None:
    (submodule / "sub.py").write_text("s = 2\n")
    assert git.look(repository).diff == ""  # its own repository
    assert git.look(submodule).diff != ""


@pytest.mark.skipif(os.name == "nt", reason="such names can't be made there")
def test_a_file_name_that_is_not_utf_8(repository: Path) -> None:
    commit(repository)
    (repository / os.fsdecode(b"bad\xff.py")).write_text("a = 1\n")
    assert "+a = 1" in git.look(repository).diff


def test_a_broken_repository_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere")
    assert git.look(tmp_path) == git.Git()


def test_a_binary_file_that_has_changed_is_named_and_the_diff_can_be_applied(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (repository / "a.py").write_text("a = 1\n")
    (repository / "picture.png").write_bytes(os.urandom(2000))
    commit(repository)
    (repository / "a.py").write_text("a = 2\n")
    (repository / "picture.png").write_bytes(os.urandom(2000))
    (repository / "odd.txt").write_bytes(b"\0\1\2")  # new, and no text though it is called so
    found = git.look(repository)
    assert found.note == "binary, and left out of the diff: odd.txt, picture.png"
    clone = tmp_path_factory.mktemp("clone")
    run(clone, "clone", "-q", str(repository), ".")
    (clone / "patch").write_text(found.diff, encoding="utf-8", errors="surrogateescape")
    run(clone, "apply", "patch")
    assert (clone / "a.py").read_text() == "a = 2\n"


def test_a_large_file_that_is_gone_does_not_drop_the_rest(repository: Path) -> None:
    (repository / "table.csv").write_text("1,2,3\n" * 500_000)
    (repository / "a.py").write_text("a = 1\n")
    commit(repository)
    (repository / "table.csv").unlink()
    (repository / "a.py").write_text("a = 2\n")
    found = git.look(repository)
    assert "+a = 2" in found.diff
    assert "too large for the diff, and left out of it: table.csv" in found.note


def test_changes_within_a_submodule_are_noted(repository: Path, submodule: Path) -> None:
    assert git.look(repository).note == ""
    (submodule / "sub.py").write_text("s = 2\n")
    assert git.look(repository).note == "changes within submodules, which are left out of the diff: sub"
