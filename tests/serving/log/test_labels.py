"""Labels that come later: late, early, twice, changed, for nobody; told each time, and never a crash."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.serving.files import files_of
from jupyter_mlops.serving.log import labels
from jupyter_mlops.serving.log.compaction import compact
from jupyter_mlops.serving.log.labelling import label
from jupyter_mlops.serving.log.labels import FILE
from jupyter_mlops.serving.log.reader import read, read_frame
from jupyter_mlops.serving.log.results import Labelled
from jupyter_mlops.serving.results import Endpoint
from jupyter_mlops.settings import LogSettings
from jupyter_mlops.workspace import Workspace

from ...conftest import Face
from .support import DAY, NOON, append, writer


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Five predictions, 0 to 4."""
    with writer(tmp_path / "log") as written:
        for number in range(5):
            append(written, id=str(number), time=NOON + number)
    return tmp_path / "log"


def give(log: Path, given: dict[Any, Any] | pd.DataFrame, **options: Any) -> Labelled:
    data = given if isinstance(given, pd.DataFrame) else pd.DataFrame({"id": list(given), "y": list(given.values())})
    options = {"on": "id", "column": None, "dry_run": False} | options
    return label(log, "tumour", data, options["on"], options["column"], dry_run=options["dry_run"])


def labels_of(log: Path) -> list[Any]:
    return list(read(log)["label"].to_pylist())


def problems(done: Labelled) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in done.frame().itertuples(index=False)]


def test_a_label_stands_beside_its_prediction(log: Path) -> None:
    assert labels_of(log) == [None] * 5
    done = give(log, {"1": 1, "3": 0})
    assert (done.new, done.unknown, done.ok, len(done.problems)) == (2, 0, True, 0)
    for _ in range(2):
        frame = read_frame(log)
        assert frame["label"].isna().tolist() == [True, False, True, False, True]
        assert labels_of(log) == [None, 1, None, 0, None]
        age = pd.Timestamp.now(tz="UTC") - frame["labelled"][1]
        assert age < pd.Timedelta("5min")
        compact(log, LogSettings(days=36_500))
    assert read(log, columns=["label"], ids=["1"]).to_pylist() == [{"label": 1}]


def test_the_last_label_wins_and_the_change_is_told(log: Path) -> None:
    give(log, {"1": 1, "2": 0})
    before = read_frame(log)["labelled"][2]
    done = give(log, {"1": 0, "2": 0, "3": 1})
    assert (done.new, done.same, done.changed, done.ok) == (1, 1, 1, True)
    assert problems(done) == [("1", "changed", 1, 0)]
    assert labels_of(log) == [None, 0, 0, 1, None]
    assert read_frame(log)["labelled"][2] == before


def test_true_is_not_one(log: Path) -> None:
    give(log, {"1": 1, "2": 0.0})
    assert give(log, {"1": 1.0, "2": 0}).same == 2
    done = give(log, {"1": True, "2": False})
    assert (done.same, done.changed, done.kinds) == (0, 2, {"truth": 2})
    assert labels_of(log) == [None, True, False, None, None]


def test_a_label_that_is_faster_than_its_prediction_waits_for_it(log: Path) -> None:
    done = give(log, {"1": 1, "later": 7})
    assert (done.new, done.unknown, done.ok) == (2, 1, False)
    assert problems(done) == [("later", "unknown", None, 7)]
    assert "kept" in str(done)
    with writer(log) as written:
        append(written, id="later", time=NOON + 60)
    assert labels_of(log) == [None, 1, None, None, None, 7]
    assert give(log, {"later": 7}).ok


def test_a_row_of_a_request_has_an_id_of_its_own(log: Path) -> None:
    with writer(log) as written:
        append(written, 3, id="many", time=NOON + 60)
    assert give(log, {"many": "a", "many/1": "b", "many/2": "c", "many/3": "d"}).unknown == 1
    assert labels_of(log)[-3:] == ["a", "b", "c"]


def test_what_is_missing_is_told_and_skipped(log: Path) -> None:
    data = pd.DataFrame({"id": ["1", None, "3", "", "4"], "y": [1.0, 2.0, None, 4.0, 5.0]})
    done = give(log, data)
    assert (done.new, done.missing, done.ok) == (2, 3, True)
    assert [row[:2] for row in problems(done)] == [("", "no id"), ("3", "no label"), ("", "no id")]
    assert labels_of(log) == [None, 1.0, None, None, 5.0]


def test_an_id_that_stands_twice_is_told(log: Path) -> None:
    done = give(log, pd.DataFrame({"id": ["1", "1", "2", "2"], "y": [1, 1, 1, 0]}))
    assert (done.new, done.doubled, done.contradicting, done.ok) == (2, 2, 1, False)
    assert problems(done) == [("2", "two labels", 1, 0)]
    assert labels_of(log) == [None, 1, 0, None, None]


def test_labels_of_another_type_are_told_and_read_as_text_until_all_are_of_one(log: Path) -> None:
    give(log, {"1": 1, "2": 0})
    done = give(log, {"3": "malignant"})
    assert (done.ok, done.kinds) == (False, {"number": 2, "text": 1})
    assert "as text" in str(done)
    assert labels_of(log) == [None, "1", "0", "malignant", None]
    done = give(log, {"1": "malignant", "2": "benign"})
    assert (done.ok, done.changed, done.kinds) == (True, 2, {"text": 3})
    assert labels_of(log) == [None, "malignant", "benign", "malignant", None]


@pytest.mark.parametrize(
    ("values", "read_as"),
    [
        ([1, 2], [1, 2]),
        ([1.5, 2], [1.5, 2.0]),
        ([True, False], [True, False]),
        (["a", "ünï"], ["a", "ünï"]),
        ([np.float32(0.5), np.int8(3)], [0.5, 3.0]),
        ([2**70, 1], [float(2**70), 1.0]),
        ([-(2**63), 2**63 - 1], [-(2**63), 2**63 - 1]),
        ([float("inf"), 1.0], [float("inf"), 1.0]),
        ([datetime.date(2024, 2, 29), pd.Timestamp("2024-01-01")], ["2024-02-29", "2024-01-01T00:00:00"]),
        ([[1, 2], {"a": None}], ["[1,2]", '{"a":null}']),
        ([decimal.Decimal("1.5"), decimal.Decimal(2)], [1.5, 2.0]),
        (["\ud800", ""], ["?", ""]),
        ([True, 2], ["true", "2"]),
        ([b"\xff", b"a"], ['"/w=="', '"YQ=="']),
    ],
    ids=str,
)
def test_labels_of_every_type(log: Path, values: list[Any], read_as: list[Any]) -> None:
    give(log, pd.DataFrame({"id": ["1", "2"], "y": pd.Series(values, dtype=object)}))
    assert labels_of(log)[1:3] == read_as
    assert give(log, pd.DataFrame({"id": ["1", "2"], "y": pd.Series(values, dtype=object)})).same == 2


@pytest.mark.parametrize("dtype", ["category", "Int64", "string", "float32", "boolean"])
def test_labels_in_every_column_of_pandas(log: Path, dtype: str) -> None:
    data = pd.DataFrame({"id": [1, 2, 3], "y": pd.array([1, 0, None], dtype=dtype)})
    done = give(log, data)
    assert (done.new, done.missing, done.unknown) == (2, 1, 0)


def test_ids_that_became_numbers_are_read_as_they_were(log: Path) -> None:
    assert give(log, pd.DataFrame({"id": [1.0, None, 3.0], "y": [1, 1, 1]})).unknown == 0
    assert labels_of(log) == [None, 1, None, 1, None]


@pytest.mark.parametrize(
    ("columns", "options", "says"),
    [
        (["prediction_id", "y"], {}, "no column 'id'"),
        (["id"], {}, "only the ids"),
        (["id", "y", "z"], {}, "Which column has the labels\\? There are y, z"),
        (["id", "label"], {"column": "lable"}, "no column 'lable'. Did you mean label"),
        (["id", "id", "y"], {}, "2 columns 'id'"),
        (["id", "y", "y"], {"column": "y"}, "2 columns 'y'"),
    ],
)
def test_what_can_not_be_understood_is_refused_in_words(
    log: Path, columns: list[str], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidUsage, match=says) as refused:
        give(log, pd.DataFrame([["1"] * len(columns)], columns=columns), **options)
    assert len(str(refused.value).splitlines()) <= 3
    assert not (log / FILE).exists()


def test_no_rows_and_no_table(log: Path) -> None:
    assert give(log, {}).new == 0
    with pytest.raises(InvalidUsage, match="is no table"):
        label(log, "tumour", "text", "id", None, dry_run=False)
    arrow: Any = pa.table({"id": ["1"], "y": [1]})
    assert label(log, "tumour", arrow, "id", None, dry_run=False).new == 1


def test_a_dry_run_keeps_nothing(log: Path) -> None:
    assert give(log, {"1": 1, "none": 1}, dry_run=True).unknown == 1
    assert labels_of(log) == [None] * 5
    give(log, {"1": 1})
    done = give(log, {"1": 0, "2": 0}, dry_run=True)
    assert (done.new, done.changed) == (1, 1)
    assert labels_of(log) == [None, 1, None, None, None]


def test_many_who_label_at_once(log: Path) -> None:
    threads = [threading.Thread(target=lambda: [give(log, {"1": 1, f"{n}": 2}) for n in range(20)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert labels_of(log) == [2, 1, 2, 2, 2] or labels_of(log) == [2, 2, 2, 2, 2]


def test_labels_are_all_there_or_none_when_their_process_is_killed(log: Path) -> None:
    script = (
        "import sys, os, threading, time, pandas as pd; from pathlib import Path\n"
        "from jupyter_mlops.serving.log.labelling import label\n"
        "data = pd.DataFrame({'id': [str(n) for n in range(200_000)], 'y': 1})\n"
        "threading.Thread(target=lambda: (time.sleep(float(sys.argv[2])), os.kill(os.getpid(), 9))).start()\n"
        "label(Path(sys.argv[1]), 'tumour', data, 'id', None, dry_run=False)\n"
    )
    for pause in ("0.05", "0.3", "0.6"):
        subprocess.run([sys.executable, "-c", script, str(log), pause], check=False)
        assert labels_of(log) in ([None] * 5, [1] * 5)
    give(log, {"1": 5})
    assert labels_of(log)[1] == 5


def test_labels_go_with_the_predictions_that_they_belong_to(log: Path) -> None:
    give(log, {"1": 1, "later": 2})
    compact(log, LogSettings(days=10), now=time.time() + 5 * DAY)
    assert give(log, {"1": 1}).same == 1
    compact(log, LogSettings(days=10), now=time.time() + 20 * DAY)
    assert give(log, {"1": 1}).new == 1


def test_what_is_new_is_told_by_a_number_and_not_by_the_clock(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert labels.since(log, "") == ([], "")
    give(log, {"1": 1})
    ids, first = labels.since(log, "")
    assert ids == ["1"]
    monkeypatch.setattr(time, "time", lambda: NOON + 10 * DAY)
    give(log, {"2": 1})
    monkeypatch.setattr(time, "time", lambda: NOON)
    give(log, {"3": 1, "2": 1})
    ids, second = labels.since(log, first)
    assert ids == ["2", "3"]
    assert labels.since(log, second) == ([], second)
    labels.forget_before(log, 1e12)  # its numbers go on
    give(log, {"4": 1})
    assert labels.since(log, second)[0] == ["4"]
    for file in log.glob("labels.db*"):
        file.unlink()
    give(log, {"5": 1})
    assert labels.since(log, second)[0] == ["5"]  # of another file


def test_labels_of_an_earlier_release_are_read_and_numbered(log: Path) -> None:
    with contextlib.closing(sqlite3.connect(log / "labels.db")) as db, db:
        db.execute("CREATE TABLE labels (id TEXT PRIMARY KEY, label NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID")  # fmt: skip
        db.execute("INSERT INTO labels VALUES ('1', 7, 'number', 1e9)")
    with ThreadPoolExecutor(8) as pool:
        marks = list(pool.map(lambda _: labels.since(log, ""), range(8)))
    assert {(*ids,) for ids, _ in marks} == {("1",)}
    assert len({mark for _, mark in marks}) == 1
    assert labels_of(log)[1] == 7
    give(log, {"2": 1})
    assert labels.since(log, marks[0][1])[0] == ["2"]


def test_many_labels_are_joined_to_many_rows(tmp_path: Path) -> None:
    with writer(tmp_path) as written:
        for number in range(30):
            append(written, 1000, id=f"r{number}", time=NOON + number)
    ids = read(tmp_path)["id"].to_pylist()
    done = give(tmp_path, {name: place for place, name in enumerate(ids) if place % 3})
    assert (done.new, done.unknown) == (20_000, 0)
    assert labels_of(tmp_path) == [place if place % 3 else None for place in range(30_000)]
    assert read(tmp_path, limit=2)["label"].to_pylist() == [29_998, 29_999]


@pytest.fixture
def served(project: Path) -> Path:
    """A project whose endpoint ``tumour`` has answered."""
    folder = files_of(Workspace.here().state.folder, "tumour").predictions
    with writer(folder) as written:
        append(written, 2, id="a", time=NOON)
    return folder


def test_the_command_through_every_face(face: Face, served: Path) -> None:
    df = pd.DataFrame({"prediction_id": ["a", "a/1", "b"], "label": [1, 0, 1], "note": ["", "", ""]})
    done = face("label tumour --data df --on prediction_id --column label", df=df).data
    assert (done["new"], done["unknown"], done["kinds"]) == (3, 1, {"number": 3})
    assert "problems" not in done
    assert labels_of(served) == [1, 0]
    refused = face("label tumour --data df --on prediction_id", df=df)
    assert "label, note" in refused.error
    assert refused.exit_code == InvalidUsage.exit_code
    refused = face("label tumuor --data df", df=df)
    assert "tumuor" in refused.error
    assert refused.exit_code == 3
    assert not files_of(Workspace.here().state.folder, "tumuor").predictions.exists()
    refused = face("label ../tumour --data df", df=df)
    assert "can't be the name" in refused.error


def test_the_card_says_every_doubt(served: Path) -> None:
    mlops.label("tumour", data=pd.DataFrame({"id": ["a"], "y": [1]}))
    df = pd.DataFrame({"id": ["a", "a/1", "b", "<b>", None], "y": [0, 1, 1, 2, 1]})
    done = mlops.label("tumour", data=df)
    text = str(done)
    assert text.startswith("Labels of tumour from y")
    for told in ("new      3", "changed  1: the last wins", "unknown  2", "missing  1", "<b>"):
        assert told in text
    assert "<td>&lt;b&gt;</td>" in done._repr_mimebundle_()["text/html"].replace(' style="text-align:left"', "")


def test_the_log_of_an_endpoint(served: Path) -> None:
    endpoint = Endpoint("tumour", "tumour", 1, "", 0, 0, 0.0)
    mlops.label("tumour", data=pd.DataFrame({"id": ["a"], "y": [1]}))
    frame = endpoint.log()
    assert frame["id"].tolist() == ["a", "a/1"]
    assert frame["input.b"].tolist() == [0, 2]
    assert frame["label"].fillna(-1).tolist() == [1, -1]
    assert endpoint.log(limit=1)["id"].tolist() == ["a/1"]
    assert endpoint.log(ids=["a"], since=NOON, until="2026-01-01")["id"].tolist() == ["a"]
    empty = Endpoint("other", "other", 1, "", 0, 0, 0.0).log()
    assert [*empty.columns[:2], *empty.columns[-2:]] == ["id", "time", "label", "labelled"]
    assert len(empty) == 0
