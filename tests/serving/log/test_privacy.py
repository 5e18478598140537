"""Personal columns: left out, or hashed by the project's own key; a name that protects nobody is an error."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlops.errors import Conflict, InvalidUsage
from jupyter_mlops.serving.log.compaction import compact
from jupyter_mlops.serving.log.privacy import KEY_FILE, Privacy, project_key
from jupyter_mlops.serving.log.reader import read
from jupyter_mlops.settings import LogSettings

from .support import answered, rows, signature, tensor, writer

KEY = b"k" * 32
PERSON = signature(name="string", patient="long", born="datetime", age="double", consent="boolean", note="any")
NAMES = ["name", "patient", "born", "age", "consent", "note"]
ROW = ["Ada Lovelace", 1815, "1815-12-10", 36.0, True, {"a": "Byron"}]


def logged(
    folder: Path, *cells: Any, drop: Any = (), hash: Any = (), model: Any = PERSON, version: int = 1
) -> list[Any]:
    names = NAMES if model is PERSON else [column.name for column in model.inputs.columns]
    with writer(folder, model, version=version, privacy=Privacy(frozenset(drop), frozenset(hash), KEY)) as log:
        log.append([answered(len(cells))], rows(model, names, *cells), np.zeros(len(cells)))
    return list(read(folder).to_pylist())


def test_what_is_dropped_is_nowhere_in_the_files(tmp_path: Path) -> None:
    (row,) = logged(tmp_path, ROW, drop=NAMES)
    assert not [name for name in row if name.startswith("input")]
    (row,) = logged(tmp_path / "some", ROW, drop=["name", "note"])
    assert "input.name" not in row
    assert row["input.patient"] == 1815
    for _ in range(2):
        written = b"".join(file.read_bytes() for file in (tmp_path / "some").rglob("*") if file.is_file())
        assert b"Lovelace" not in written
        assert b"Byron" not in written
        compact(tmp_path / "some", LogSettings(days=36_500))


def test_what_is_hashed_is_the_same_for_the_same_value(tmp_path: Path) -> None:
    other = ["Ada", 1852, "1852-11-27", 37.0, False, {"a": "Babbage"}]
    first, second, third = logged(tmp_path, ROW, other, ROW, hash=NAMES)
    for name in NAMES:
        assert first[f"input.{name}"] == third[f"input.{name}"] != second[f"input.{name}"]
        assert len(first[f"input.{name}"]) == 64
    assert first["input.name"] == hmac.digest(KEY, b"Ada Lovelace", hashlib.sha256).hex()
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"Lovelace" not in written
    assert b"Byron" not in written


def test_a_null_stays_null(tmp_path: Path) -> None:
    optional = signature(False, name="string", patient="long", age="double", note="any")
    nothing, something = logged(
        tmp_path, [None] * 4, ["a", 1, 2.0, 3], hash=["name", "patient", "age", "note"], model=optional
    )
    assert {nothing[f"input.{name}"] for name in ("name", "patient", "age", "note")} == {None}
    assert something["input.patient"] == hmac.digest(KEY, b"1", hashlib.sha256).hex()


def test_a_value_has_one_hash_in_whichever_type_a_version_takes_it(tmp_path: Path) -> None:
    found = set()
    for version, (kind, value) in enumerate({"long": 7, "integer": 7, "double": 7, "float": 7, "string": "7"}.items()):
        row = logged(tmp_path, [value], hash=["patient"], model=signature(patient=kind), version=version)[-1]
        found.add(row["input.patient"])
    row = logged(tmp_path, [7], [None], hash=["patient"], model=signature(False, patient="long"), version=9)[-2]
    assert found == {row["input.patient"]}


@pytest.mark.parametrize("word", ["drop", "hash"])
def test_a_name_that_the_model_does_not_have_is_an_error_before_anything_is_written(tmp_path: Path, word: str) -> None:
    with pytest.raises(InvalidUsage, match=f"can't {word} the column 'nmae'.*Did you mean name"):
        logged(tmp_path, ROW, **{word: ["nmae"]})
    with pytest.raises(InvalidUsage, match="takes an array"):
        writer(tmp_path, tensor("float64", -1, 3), privacy=Privacy(frozenset({"0"}), frozenset(), KEY))
    assert not list(tmp_path.iterdir())


def test_hashing_wants_a_key(tmp_path: Path) -> None:
    with pytest.raises(InvalidUsage, match="without a key"):
        writer(tmp_path, PERSON, privacy=Privacy(hash=frozenset({"name"})))


def test_the_key_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    key = project_key(tmp_path / ".mlops")
    assert len(key) == 32
    assert project_key(tmp_path / ".mlops") == key
    path = tmp_path / ".mlops" / KEY_FILE
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(key[:5])
    with pytest.raises(Conflict, match="no key"):
        project_key(tmp_path / ".mlops")


def test_processes_that_begin_at_once_have_one_key(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from jupyter_mlops.serving.log.privacy import project_key\n"
        "for _ in range(12):\n"
        "    if os.fork() == 0:\n"
        "        os.write(1, project_key(Path(sys.argv[1])).hex().encode() + b'\\n'); os._exit(0)\n"
        "for _ in range(12): os.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    lines = done.stdout.split()
    assert len(lines) == 12
    assert set(lines) == {project_key(tmp_path).hex()}
