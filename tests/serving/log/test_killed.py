"""Writers and compactions that are killed, by SIGKILL, at any moment: each prediction that was acknowledged is there, once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from jupyter_mlops.serving.log import compaction
from jupyter_mlops.serving.log.compaction import LOCK, compact
from jupyter_mlops.serving.log.folder import DAYS, parts, segments
from jupyter_mlops.serving.log.reader import read, read_frame
from jupyter_mlops.settings import LogSettings

from .support import DAY, NOON, append, writer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no fork and no SIGKILL")
SCRIPT = str(Path(__file__).with_name("killing.py"))
KEPT = LogSettings(days=10, megabytes=1024)


class Acknowledged:
    """Collects what the writers have told, while they tell it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.ids: list[str] = []
        self._process = process
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            name, rows = line.split()
            self.ids += [name, *(f"{name}/{row}" for row in range(1, int(rows)))]

    def finish(self) -> list[str]:
        assert self._process.wait() == 0
        self._thread.join()
        return self.ids


def check_whole(folder: Path) -> None:
    """Look into each row: a batch that was torn, or read while half of it was there, would show."""
    frame = read_frame(folder)
    np.testing.assert_array_equal(frame["input.b"], 2 * frame["input.a"])
    np.testing.assert_array_equal(frame["prediction"], 3 * frame["input.a"])
    assert frame["id"].is_unique
    assert frame["time"].is_monotonic_increasing


@pytest.mark.parametrize("rounds", [15, pytest.param(200, marks=pytest.mark.long)])
def test_each_prediction_of_killed_writers_is_there_once_while_all_is_read_and_compacted(
    tmp_path: Path, rounds: int
) -> None:
    command = [sys.executable, SCRIPT, "writers", str(tmp_path), str(rounds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        told = Acknowledged(process)
        reads = compacted = 0
        while process.poll() is None:
            before = set(told.ids)
            found = Counter(read(tmp_path, columns=["id"])["id"].to_pylist())
            assert before <= found.keys(), "what was acknowledged before the reading began is in it"
            assert max(found.values(), default=1) == 1
            reads += 1
            compacted += compact(tmp_path, KEPT).segments
        acknowledged = told.finish()
    assert reads > 3
    compacted += compact(tmp_path, KEPT).segments
    assert compacted >= 2 * rounds  # as many as had begun for sure
    assert segments(tmp_path) == []
    found = set(read(tmp_path, columns=["id"])["id"].to_pylist())
    assert len(acknowledged) > 1000
    assert set(acknowledged) <= found
    check_whole(tmp_path)


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with all that a compaction finds: days of before, segments, torn ones, a day that is over its time."""
    folder = tmp_path_factory.mktemp("unfinished")
    for day in (30, 1, 0):
        with writer(folder) as log:
            append(log, 3, time=NOON - day * DAY)
    compact(folder, LogSettings(days=100), now=NOON)
    for day in (1, 1, 0, 0, 0):
        with writer(folder, version=day + 1) as log:
            append(log, 2, time=NOON - day * DAY)
            append(log, 1, time=NOON - day * DAY - 1)
    with (segments(folder)[0].path).open("ab") as file:
        file.write(b"\xff\xff\xff\xff\x10\x00\x00\x00torn")
    (folder / "segments" / "2025-11-24.1-00000000000000000000000000000000.arrows.part").write_bytes(b"begun")
    (folder / DAYS / "2025-11-24-000.parquet.part").write_bytes(b"begun")
    (folder / "segments" / "2025-11-24.1-00000000000000000000000000000000.arrows").write_bytes(b"")
    return folder


def test_a_compaction_that_is_killed_at_any_line_does_no_harm(unfinished: Path, tmp_path: Path) -> None:
    everything = read(unfinished)
    recent = [row for row in everything.to_pylist() if row["time"].timestamp() > NOON - 10 * DAY]
    assert len(recent) == everything.num_rows - 3 == 21
    command = [sys.executable, SCRIPT, "compactions", str(unfinished), str(tmp_path), "3"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    copies = [tmp_path / name for name in done.stdout.split()]
    assert len(copies) > 50
    states = set()
    for copy in copies:
        states.add((len(segments(copy)), len(parts(copy)), len(list(copy.rglob("*.part")))))
        rows = read(copy).to_pylist()
        assert [row for row in rows if row["time"].timestamp() > NOON - 10 * DAY] == recent
        assert len(rows) in (21, 24)
        compact(copy, KEPT, now=NOON)
        assert read(copy).to_pylist() == recent
        assert segments(copy) == []
        assert [str(file.day) for file in parts(copy)] == ["2025-11-23", "2025-11-24"]
        assert not list(copy.rglob("*.part"))
    assert len(states) > 5, "they were killed at different steps"


def test_a_segment_that_a_killed_compaction_has_left_does_not_come_back_when_its_day_goes(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        append(log, time=NOON)
    (file,) = segments(tmp_path)
    content = file.path.read_bytes()
    compact(tmp_path, KEPT, now=NOON)
    file.path.write_bytes(content)  # as if it had been killed before it removed the segment
    assert read(tmp_path).num_rows == 1
    assert compact(tmp_path, KEPT, now=NOON).rows == 0
    assert read(tmp_path).num_rows == 1
    file.path.write_bytes(content)
    assert compact(tmp_path, KEPT, now=NOON + 20 * DAY).removed == ("2025-11-24-000.parquet",)
    assert read(tmp_path).num_rows == 0


def test_segments_that_can_not_be_removed_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, while somebody reads them."""
    monkeypatch.setattr(compaction, "_unlink", lambda path: None)
    for number in range(1, 4):
        with writer(tmp_path) as log:
            append(log)
        assert compact(tmp_path, KEPT, now=NOON).segments == 1
        assert read(tmp_path).num_rows == number
    assert compact(tmp_path, KEPT, now=NOON + 20 * DAY).removed == ()
    assert read(tmp_path).num_rows == 3
    monkeypatch.undo()
    assert compact(tmp_path, KEPT, now=NOON + 20 * DAY).removed == ("2025-11-24-000.parquet",)
    assert read(tmp_path).num_rows == 0


def test_any_torn_end_is_the_end(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        ids = [append(log) for _ in range(3)]
        sizes = [segments(tmp_path)[0].path.stat().st_size]
        ids.append(append(log, 4))
        sizes.append(segments(tmp_path)[0].path.stat().st_size)
    (file,) = segments(tmp_path)
    content = file.path.read_bytes()
    for length in range(sizes[0], sizes[1]):
        file.path.write_bytes(content[:length])
        assert read(tmp_path, columns=["id"])["id"].to_pylist() == ids[:3]
        file.path.write_bytes(content[:length] + bytes(64))  # as after a loss of power
        assert read(tmp_path, columns=["id"])["id"].to_pylist()[:3] == ids[:3]
    for length in range(0, 400, 7):  # not even a beginning
        file.path.write_bytes(content[:length])
        assert read(tmp_path).num_rows == 0


def test_two_compactions_at_once_give_way_to_each_other(tmp_path: Path) -> None:
    from filelock import FileLock

    with writer(tmp_path) as log:
        append(log)
    with FileLock(tmp_path / LOCK):
        assert compact(tmp_path, KEPT).gave_way
        command = [sys.executable, "-m", "jupyter_mlops.serving.log.compaction", str(tmp_path), "--days", "36500"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "another compaction is at work\n"
        assert len(segments(tmp_path)) == 1
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "1 segments with 1 rows taken in, 0 files removed\n"


def test_readers_never_see_a_row_twice_or_not_at_all_while_segments_become_days(tmp_path: Path) -> None:
    """A compaction that runs without pause, beside readers: the moments between its steps are what is tested."""
    total = 0
    stop = threading.Event()
    seen: list[str] = []

    def look() -> None:
        while not stop.is_set():
            least = total
            found = read(tmp_path, columns=["id"])["id"].to_pylist()
            if len(set(found)) != len(found) or len(found) < least:
                seen.append(f"{len(found)} rows, {len(set(found))} ids, at least {least}")
                return

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(60):
        with writer(tmp_path) as log:
            append(log, 2)
            total += 2
            append(log, 1)
            total += 1
        compact(tmp_path, LogSettings(days=36_500, megabytes=1024 if number % 2 else 1))
    stop.set()
    for reader in readers:
        reader.join()
    assert seen == []
    assert read(tmp_path).num_rows == total == 180


def test_a_live_segment_is_neither_compacted_nor_removed(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        live = append(log, time=NOON - 100 * DAY)
        done = compact(tmp_path, LogSettings(days=1, megabytes=1), now=NOON)
        assert (done.segments, done.removed) == (0, ())
        assert read(tmp_path)["id"].to_pylist() == [live]
        again = append(log, time=NOON - 100 * DAY)
        assert read(tmp_path)["id"].to_pylist() == [live, again]


def test_a_segment_that_nobody_can_read_is_put_aside(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        append(log)
    (file,) = segments(tmp_path)
    file.path.write_bytes(bytes(1000))
    assert compact(tmp_path, LogSettings(days=36_500)).rows == 0
    assert segments(tmp_path) == []
    assert file.path.with_name(file.path.name + ".broken").read_bytes() == bytes(1000)


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    from jupyter_mlops.errors import Conflict

    with writer(tmp_path) as log:
        append(log)
    compact(tmp_path, LogSettings(days=36_500))
    (file,) = parts(tmp_path)
    file.path.write_bytes(b"PAR1 no more")
    with pytest.raises(Conflict, match=file.path.name):
        read(tmp_path)


def test_versions_with_other_columns_share_a_day(tmp_path: Path) -> None:
    from .support import answered, signature

    for version, (kind, values) in enumerate(
        {"long": [1, 2], "double": [0.5, 1.5], "string": ["a", "2"]}.items(), start=1
    ):
        model = signature(a=kind, **{f"only {version}": "long"})
        with writer(tmp_path, model, version=version) as log:
            from jupyter_mlops.serving.model.table import Table

            rows = model.inputs.frame(Table(["a", f"only {version}"], [[value, version] for value in values]))
            log.append([answered(2, time=NOON + version)], rows, np.array(values))
        for _ in range(2):
            table = read(tmp_path)
            assert table.num_rows == 2 * version
            kinds = {1: pa.int64(), 2: pa.float64(), 3: pa.string()}
            assert table.schema.field("input.a").type == kinds[version]
            compact(tmp_path, LogSettings(days=36_500))
    rows = table.to_pylist()
    assert [row["input.a"] for row in rows] == ["1", "2", "0.5", "1.5", "a", "2"]
    assert [row["input.only 2"] for row in rows] == [None, None, 2, 2, None, None]
    assert table.column_names[8:] == [
        "input.a", "input.only 1", "input.only 2", "input.only 3", "prediction", "label", "labelled",
    ]  # fmt: skip
