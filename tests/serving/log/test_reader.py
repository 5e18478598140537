"""Which rows are asked for, which files are opened for them, and what is kept for how long."""

from __future__ import annotations

import datetime
import random
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.serving.log import compaction, part, reader, segment
from jupyter_mlops.serving.log.compaction import compact
from jupyter_mlops.serving.log.folder import DAYS, parts, segments
from jupyter_mlops.serving.log.reader import read, read_frame
from jupyter_mlops.settings import LogSettings

from .support import DAY, NOON, answered, append, signature, writer

FOREVER = LogSettings(days=36_500, megabytes=100_000)


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """Seven days, the first five of them compacted, one request at each noon and one an hour later by version 2."""
    for day in range(7):
        with writer(tmp_path) as first, writer(tmp_path, version=2) as second:
            append(first, id=f"noon {day}", time=NOON + day * DAY)
            append(second, id=f"later {day}", time=NOON + day * DAY + 3600)
        if day == 4:
            compact(tmp_path, FOREVER)
    return tmp_path


def ids(folder: Path, **question: Any) -> list[str]:
    return list(read(folder, **question)["id"].to_pylist())


def test_all_is_in_the_order_of_time(week: Path) -> None:
    assert ids(week) == [f"{when} {day}" for day in range(7) for when in ("noon", "later")]
    assert [len(parts(week)), len(segments(week))] == [5, 4]


def test_since_is_inclusive_and_until_is_not(week: Path) -> None:
    assert ids(week, since=NOON + 5 * DAY) == ["noon 5", "later 5", "noon 6", "later 6"]
    assert ids(week, until=NOON + DAY) == ["noon 0", "later 0"]
    assert ids(week, since=NOON + 2 * DAY, until=NOON + 2 * DAY + 3600) == ["noon 2"]
    assert ids(week, since=NOON + 9 * DAY) == ids(week, until=NOON) == []


@pytest.mark.parametrize(
    "moment",
    [
        NOON + 6 * DAY,
        int(NOON + 6 * DAY),
        np.float64(NOON + 6 * DAY),
        datetime.datetime.fromtimestamp(NOON + 6 * DAY, datetime.UTC),
        datetime.datetime.fromtimestamp(NOON + 6 * DAY),
        pd.Timestamp(NOON + 6 * DAY, unit="s", tz="Asia/Tokyo"),
        "2025-11-30T12:00:00+00:00",
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_time_is_given_in_many_ways(week: Path, moment: Any) -> None:
    assert ids(week, since=moment) == ["noon 6", "later 6"]


def test_a_time_is_given_as_how_long_ago(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        append(log, id="old", time=time.time() - 7300)
        append(log, id="new", time=time.time() - 60)
        assert ids(tmp_path, since="2h") == ["new"]
        assert ids(tmp_path, until="2h") == ["old"]


def test_ids_versions_limit_and_columns(week: Path) -> None:
    assert ids(week, ids=["later 6", "noon 1", "none"]) == ["noon 1", "later 6"]
    assert ids(week, ids="noon 1") == ["noon 1"]
    assert ids(week, ids=[]) == []
    assert ids(week, versions=[2], limit=2) == ["later 5", "later 6"]
    assert ids(week, versions="2", until=NOON + DAY) == ["later 0"]
    assert ids(week, limit=3) == ["later 5", "noon 6", "later 6"]
    assert ids(week, limit=0) == []
    assert len(ids(week, limit=100)) == 14
    assert ids(week, limit=9)[0] == "later 2"
    table = read(week, columns=["prediction", "time"], limit=1)
    assert table.column_names == ["prediction", "time"]
    assert read(week, columns=[]).column_names == []


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"since": "soon"}, "'soon' is no time"),
        ({"limit": -1}, "0 or more"),
        ({"columns": ["predicton"]}, "no column 'predicton'. Did you mean prediction?"),
    ],
)
def test_what_can_not_be_asked_is_told(week: Path, question: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidUsage, match=says):
        read(week, **question)


def test_a_column_of_another_version_is_null(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        append(log)
    with writer(tmp_path, signature(c="long"), version=2) as log:
        log.append([answered()], pd.DataFrame({"c": [1]}), np.zeros(1))
    assert read(tmp_path, versions=[2], columns=["input.a", "input.c"]).to_pylist() == [{"input.a": None, "input.c": 1}]


def test_a_log_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    frame = read_frame(tmp_path / "none")
    assert list(frame.columns) == [
        "id", "time", "endpoint", "model", "version", "arm", "latency_ms", "tags", "label", "labelled",
    ]  # fmt: skip
    assert len(frame) == 0
    assert str(frame["time"].dtype) == "datetime64[us, UTC]"
    assert read(tmp_path / "none", columns=["input.a", "id"]).column_names == ["input.a", "id"]
    assert compact(tmp_path / "none", FOREVER) == compaction.Compacted()


def test_days_and_segments_that_can_hold_nothing_are_not_read(week: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    read_segment, read_piece = segment.read, part.Part.read

    def segments_read(path: Path, columns: Any = None) -> Any:
        opened.append(path.name[:10])
        return read_segment(path, columns)

    def pieces_read(self: part.Part, *question: Any) -> Any:
        opened.append(str(self.file.day))
        return read_piece(self, *question)

    monkeypatch.setattr(reader.segment, "read", segments_read)
    monkeypatch.setattr(part.Part, "read", pieces_read)
    read(week, since=NOON + 2 * DAY, until=NOON + 3 * DAY)
    assert opened == ["2025-11-26"]
    opened.clear()
    read(week, since=NOON + 5 * DAY - 3600)
    assert opened == ["2025-11-29"] * 2 + ["2025-11-30"] * 2
    opened.clear()
    read(week, limit=5)  # four in the segments, one more: the earlier days have nothing newer
    assert [day for day in opened if day < "2025-11-29"] == ["2025-11-28"]
    opened.clear()
    read(week, versions=[1], until=NOON + 6.5 * DAY, since=NOON + 5.5 * DAY)
    assert opened == ["2025-11-30"]


def test_a_segment_whose_last_write_was_before_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    with writer(tmp_path) as log:
        append(log, time=NOON)
    os.utime(segments(tmp_path)[0].path, (NOON + 1, NOON + 1))
    monkeypatch.setattr(reader.segment, "read", lambda *_: pytest.fail("it was read"))
    assert ids(tmp_path, since=NOON + 2 * 3600) == []


def test_what_is_asked_of_any_log_is_what_a_frame_would_say(tmp_path: Path) -> None:
    """Random logs, of many segments and row groups, beside pandas."""
    for seed in range(25):
        chance = random.Random(seed)
        folder = tmp_path / str(seed)
        expected = []
        for number in range(chance.randint(1, 12)):
            version = chance.randint(1, 3)
            with writer(folder, version=version) as log:
                for _ in range(chance.randint(1, 5)):
                    moment = NOON + chance.choice([0, 0.5, 1, 86_400, 200_000]) + chance.choice([0, chance.random()])
                    rows = chance.randint(1, 4)
                    name = append(log, rows, time=moment)
                    expected += [
                        (round(moment * 1e6), name if not row else f"{name}/{row}", version) for row in range(rows)
                    ]
            if chance.random() < 0.3 or number == 0:
                part._GROUP_ROWS, before = chance.choice([2, 3, 100]), part._GROUP_ROWS
                compact(folder, FOREVER)
                part._GROUP_ROWS = before
        frame = pd.DataFrame(expected, columns=["time", "id", "version"])
        for _ in range(12):
            question: dict[str, Any] = {}
            chosen = frame
            if chance.random() < 0.5:
                question["since"] = NOON + chance.choice([0, 0.5, 86_400, 100_000])
                chosen = chosen[chosen.time >= question["since"] * 1e6]
            if chance.random() < 0.5:
                question["until"] = NOON + chance.choice([0.5, 86_401, 300_000])
                chosen = chosen[chosen.time < question["until"] * 1e6]
            if chance.random() < 0.3:
                question["versions"] = chance.sample([1, 2, 3], 2)
                chosen = chosen[chosen.version.isin(question["versions"])]
            if chance.random() < 0.3:
                question["ids"] = chance.sample(list(frame.id), 1)
                chosen = chosen[chosen.id.isin(question["ids"])]
            found = read(folder, **question)
            assert sorted(found["id"].to_pylist()) == sorted(chosen.id), (seed, question)
            times = [round(moment.timestamp() * 1e6) for moment in found["time"].to_pylist()]
            assert times == sorted(chosen.time)
            limit = chance.randint(0, 6)
            newest = read(folder, limit=limit, **question)["time"].to_pylist()
            assert [round(moment.timestamp() * 1e6) for moment in newest] == sorted(chosen.time)[
                len(chosen) - limit if limit < len(chosen) else 0 :
            ]
        shutil.rmtree(folder)


def test_rows_of_a_request_stay_in_their_order(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        append(log, 300, id="late", time=NOON + 1)
        append(log, 300, id="early", time=NOON)
    order = [f"{name}/{row}" if row else name for name in ("early", "late") for row in range(300)]
    assert ids(tmp_path) == order
    compact(tmp_path, FOREVER)
    assert ids(tmp_path) == order
    assert ids(tmp_path, limit=500) == order[100:]


def test_days_go_when_their_time_is_over(week: Path) -> None:
    now = NOON + 6 * DAY
    done = compact(week, LogSettings(days=2), now=now)
    assert len(done.removed) == 4
    assert ids(week)[0] == "noon 4"
    assert compact(week, LogSettings(days=2), now=now).removed == ()


def test_the_oldest_go_when_there_is_too_much(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for day in range(4):
        with writer(tmp_path) as log:
            for _ in range(4):
                noise = pd.DataFrame(chance.random((10_000, 2)), columns=["a", "b"])
                log.append([answered(10_000, id=f"{day}", time=NOON + day * DAY)], noise, chance.random(10_000))
    with writer(tmp_path) as log:
        append(log, id="live", time=NOON - 50 * DAY)
        done = compact(tmp_path, LogSettings(days=36_500, megabytes=2))
        assert done.segments == 4
        assert 0 < len(done.removed) < 4
        assert sum(file.path.stat().st_size for file in [*parts(tmp_path), *segments(tmp_path)]) <= 2_000_000
        left = ids(tmp_path)
        assert {"live", "3"} <= {*left}
        assert "0" not in left


def test_a_large_day_has_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "PART_BYTES", 20_000)
    total = 0
    for _ in range(12):
        with writer(tmp_path) as log:
            for _ in range(3):
                append(log, 200)
                total += 200
        compact(tmp_path, FOREVER)
    assert 1 < len(parts(tmp_path)) < 12
    assert len(set(ids(tmp_path))) == total
    assert not list((tmp_path / DAYS).glob("*.part"))


def test_reading_while_a_file_vanishes_lists_again(week: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compaction runs in the moment between the listing and the opening."""
    listed = reader.parts

    def parts_then_compaction(folder: Path) -> Any:
        found = listed(folder)
        monkeypatch.setattr(reader, "parts", listed)
        compact(folder, LogSettings(days=5), now=NOON + 6 * DAY)
        return found

    monkeypatch.setattr(reader, "parts", parts_then_compaction)
    assert ids(week) == [f"{when} {day}" for day in range(1, 7) for when in ("noon", "later")]


def test_reading_while_a_segment_is_taken_in_after_the_listing_of_segments(
    week: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = reader.segments

    def segments_then_compaction(folder: Path) -> Any:
        found = listed(folder)
        monkeypatch.setattr(reader, "segments", listed)
        compact(folder, FOREVER)
        return found

    monkeypatch.setattr(reader, "segments", segments_then_compaction)
    assert len(ids(week)) == len(set(ids(week))) == 14


def test_a_segment_that_is_cleaned_up_before_it_is_locked_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = segment.hold

    def cleaned_up(descriptor: int) -> None:
        monkeypatch.setattr(segment, "hold", hold)
        compact(tmp_path, FOREVER)
        assert not list(tmp_path.rglob("*.part"))
        hold(descriptor)

    (tmp_path / "segments").mkdir()
    monkeypatch.setattr(segment, "hold", cleaned_up)
    with writer(tmp_path) as log:
        name = append(log)
        assert ids(tmp_path) == [name]


def test_a_frame_for_people(week: Path) -> None:
    frame = read_frame(week, limit=2)
    assert frame["time"].dt.tz is not None
    assert frame["prediction"].tolist() == [0, 0]
