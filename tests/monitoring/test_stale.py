"""Data that is out of date: a column that stays behind, rows that come again and again; a real log, looked at as time goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.monitoring.buckets import Buckets, Who, size_of
from jupyter_mlops.monitoring.clocks import Clock
from jupyter_mlops.monitoring.readings import Reading
from jupyter_mlops.monitoring.stale import Clocks, repeated
from jupyter_mlops.serving.log.writer import Answered, LogWriter
from jupyter_mlops.serving.model.columns import Column as Cells
from jupyter_mlops.serving.model.signature import ColumnSchema, Signature
from jupyter_mlops.statistics import profiling
from jupyter_mlops.statistics.profile import Profile, added
from jupyter_mlops.statistics.repeats import Repeats

HOUR, DAY = 3600.0, 86_400.0
BEGIN = 20_000 * DAY
MONDAY = 20_003 * DAY
KINDS = {"measured": ("datetime", "datetime64[us]"), "sent": ("double", "float64"), "born": ("datetime", "datetime64[us]"), "x": ("double", "float64")}  # fmt: skip
When = Callable[[float], float]


def rows(at: float, number: int, measured: When) -> pd.DataFrame:
    chance = np.random.default_rng(int(at))
    seconds = measured(at) - chance.exponential(60, number)
    born = at - chance.uniform(18, 80, number) * 365 * DAY
    return pd.DataFrame({
        "measured": (seconds * 1e6).astype("datetime64[us]"),
        "sent": np.floor(seconds * 1e3),  # milliseconds since 1970
        "born": (born * 1e6).astype("datetime64[us]"),
        "x": chance.normal(size=number),
    })  # fmt: skip


@dataclass
class Feed:
    """A log to which a feed writes every ten minutes, and a monitor that looks once an hour."""

    folder: Path
    measured: When
    size: int = 30
    wrong: dict[float, float] = field(default_factory=dict)
    reference: Profile = field(init=False)

    def __post_init__(self) -> None:
        early = BEGIN - 100 * DAY
        self.reference = profiling.learn(pd.concat([rows(early + n * 600, 40, lambda at: at) for n in range(100)], ignore_index=True))  # fmt: skip

    def hours(self, first: int, last: int, *, active: Callable[[float], bool] = lambda at: True) -> dict[str, list[Reading]]:  # fmt: skip
        schema = ColumnSchema(tuple(Cells(name, kind, True, np.dtype(dtype)) for name, (kind, dtype) in KINDS.items()))
        found: dict[str, list[Reading]] = {}
        for hour in range(first, last):
            start = BEGIN + hour * HOUR
            with LogWriter(self.folder / "log", Signature(schema), endpoint="e", model="m", version=1) as log:
                for at in start + 600 * np.arange(6.0):
                    if active(at):
                        frame = rows(at, self.size, self.measured)
                        if at in self.wrong:
                            frame.loc[0, "measured"] += pd.Timedelta(seconds=self.wrong[at])
                        log.append([Answered(f"{at}", at + 1, 1.0, self.size, "champion")], frame, np.zeros(self.size))
            buckets = Buckets(self.folder / "log", self.folder / "kept", size_of(HOUR), start + HOUR)
            pieces = buckets.pieces(start, start + HOUR, Who("m", 1, "champion"), self.reference)
            window = added((piece for _, piece in pieces), self.reference)
            told = [*Clocks(self.folder, start, buckets.size).readings("m", pieces), *repeated(self.reference, window)]  # fmt: skip
            for one in told:
                found.setdefault(one.name, []).append(one)
        return found


def test_a_column_that_stays_behind_is_told_and_is_over_when_it_comes_on(tmp_path: Path) -> None:
    feed = Feed(tmp_path, lambda at: min(at, BEGIN + 30 * HOUR) if at < BEGIN + 33 * HOUR else at)
    calm = feed.hours(0, 30)
    assert set(calm) == {"stale:measured", "stale:sent", "repeats"}  # who was born when does not go on with the clock
    assert {one.outcome for found in calm.values() for one in found} == {"pass"}
    assert calm["stale:measured"][-1].value == pytest.approx(600, abs=300)
    behind = feed.hours(30, 33)
    for name in ("stale:measured", "stale:sent"):
        assert [one.level for one in behind[name]][1:] == [
            "minor",
            "minor",
        ]  # it may be a rest that nobody has seen yet
        assert "nothing newer than 2024-10-05 0" in behind[name][-1].why
        assert "newer ones came within 10 min" in behind[name][-1].why
        assert behind[name][-1].value == pytest.approx(3 * HOUR, abs=HOUR / 2)
    back = feed.hours(33, 35)
    assert {one.outcome for one in back["stale:measured"]} == {"pass"}


@pytest.mark.parametrize("pattern", ["batch", "office"])
def test_what_is_renewed_in_batches_or_sleeps_at_night_is_not_stale(tmp_path: Path, pattern: str) -> None:
    """A table that comes every six hours is old at their end; and where nobody asks nothing can be new."""
    if pattern == "batch":
        found = Feed(tmp_path, lambda at: at // (6 * HOUR) * 6 * HOUR).hours(0, 50)
    else:
        found = Feed(tmp_path, lambda at: at).hours(0, 3 * 24, active=lambda at: 8 <= at % DAY / HOUR < 18)
    assert {one.outcome for one in found["stale:measured"]} == {"pass"}


def test_a_feed_that_stands_still_is_told_and_rows_that_are_alike_by_themselves_are_not(tmp_path: Path) -> None:
    once = Feed(tmp_path, lambda at: at)
    frame = rows(BEGIN, 40, lambda at: at)
    profile = once.reference

    def told(*parts: pd.DataFrame, reference: Profile = profile) -> Reading:
        from dataclasses import replace

        from jupyter_mlops.statistics.repeats import Repeats

        counted = [replace(profiling.count(reference, part), repeats=Repeats.of(part)) for part in parts]
        (found,) = repeated(reference, added(counted, reference))
        return found

    assert told(frame, frame).outcome == "pass"  # half: somebody has asked twice
    again = told(*[frame] * 10)
    assert (again.level, again.value) == ("major", pytest.approx(0.9))
    assert again.why == "90% of 400 rows are copies of others, and in the reference 0%"
    assert told(*[rows(BEGIN + n * 600, 40, lambda at: at) for n in range(10)]).value == 0
    assert told(frame).outcome == "inconclusive"
    few = profiling.learn(pd.DataFrame({"a": np.arange(4_000) % 5, "b": np.arange(4_000) % 3}))
    alike = told(pd.DataFrame({"a": np.arange(900) % 5, "b": np.arange(900) % 3}), reference=few)
    assert (alike.outcome, alike.level) == ("inconclusive", "none")
    lists = profiling.learn(pd.DataFrame({"a": [[1, 2]] * 100}))
    assert list(repeated(lists, lists)) == []


def test_what_was_seen_is_kept_once_and_a_torn_file_is_seen_again(tmp_path: Path) -> None:
    feed = Feed(tmp_path, lambda at: at)
    feed.hours(0, 8)
    kept = (tmp_path / "clocks.json").read_text()
    buckets = Buckets(tmp_path / "log", tmp_path / "kept", size_of(HOUR), BEGIN + 8 * HOUR)
    pieces = buckets.pieces(BEGIN, BEGIN + 8 * HOUR, Who("m", 1, "champion"), feed.reference)
    Clocks(tmp_path, BEGIN, 300).readings("m", pieces)
    assert (tmp_path / "clocks.json").read_text() == kept
    (tmp_path / "clocks.json").write_text("torn")
    assert Clocks(tmp_path, BEGIN, 300).readings("m", pieces[-1:]) == []
    assert {one.outcome for one in Clocks(tmp_path, BEGIN, 300).readings("m", pieces)} <= {"pass"}
    earlier = {"measured": {"unit": 1.0, "first": [1, 1], "last": [2, 1e10], "seen": 3e9, "renewed": 99, "waits": {"2024-10-05": 1e9}}}  # fmt: skip
    (tmp_path / "clocks.json").write_text(json.dumps({"m": earlier}))  # of an earlier release: it is seen anew
    (told,) = (one for one in Clocks(tmp_path, BEGIN, 300).readings("m", pieces) if one.name == "stale:measured")
    assert told.value == pytest.approx(600, abs=300)
    (tmp_path / "clocks.json").unlink()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: Clocks(tmp_path, BEGIN, 300).readings(f"m{name}", pieces), range(24)))
    assert len(json.loads((tmp_path / "clocks.json").read_text())) == 24


@pytest.mark.parametrize("rows_of_a_request", [1, 30])
def test_a_row_from_the_future_neither_rings_nor_blinds(tmp_path: Path, rows_of_a_request: int) -> None:
    """By years, or by hours, as of a client whose clock is of another time zone; also where it is the only row of its piece."""

    def measured(at: float) -> float:
        return min(at, BEGIN + 20 * HOUR)

    feed = Feed(tmp_path, measured, rows_of_a_request)
    feed.wrong = {BEGIN + 4 * HOUR + 1200: 80 * 365 * DAY, BEGIN + 12 * HOUR + 1200: 6 * HOUR}
    calm = feed.hours(0, 20)["stale:measured"]
    assert {one.outcome for one in calm} == {"pass"}
    assert any("1 value of the future left out" in one.why for one in calm)
    assert [one.outcome for one in feed.hours(20, 23)["stale:measured"]][1:] == ["fail", "fail"]


def watched(
    hours: Iterable[int], value: When, clock: Clock | None = None, *, away: Callable[[int], bool] = lambda _: False
) -> tuple[Clock, list[Reading]]:
    """Look once an hour, at pieces of five minutes with rows in each."""
    told = []
    for hour in hours:
        if away(hour):
            continue
        start = MONDAY + hour * HOUR
        for at in (start + 300 * piece for piece in range(1, 13)):
            clock = Clock.begin(at, value(at)) if clock is None else clock.after(at, value(at), start)
        assert clock is not None
        told += [clock.reading("x", 300)] if clock.goes_on else []
    assert clock is not None
    return clock, told


def test_one_incident_does_not_become_what_is_usual() -> None:
    days = range(30 * 24)
    stood, again = MONDAY + 10 * DAY, MONDAY + 28 * DAY

    def value(at: float) -> float:
        return stood if stood < at < stood + 3 * DAY else min(at, again)

    clock, told = watched(days, value)
    levels = [one.level for one in told]
    assert set(levels[: 10 * 24 - 6]) == {"none"}
    assert levels.count("major") >= 2 * 24  # the first time, and the second one, as soon as ever
    assert set(levels[14 * 24 : 28 * 24 - 6]) == {"none"}
    assert levels[28 * 24 + 3] == "major"
    assert clock.usual < HOUR
    json.dumps(clock.to_dict())
    assert Clock.read(json.loads(json.dumps(clock.to_dict()))) == clock


@pytest.mark.parametrize("begins", range(0, 7 * 24, 19))
def test_what_rests_at_night_and_at_the_week_end_rings_at_no_time(begins: int) -> None:
    """Rows come at all hours; what they tell of is of 6 to 22 o'clock from Monday to Friday."""

    def value(at: float) -> float:
        day, within = divmod(at - MONDAY, DAY)
        if day % 7 >= 5:
            return MONDAY + (day - day % 7 + 4) * DAY + 22 * HOUR
        if within < 6 * HOUR:
            return MONDAY + (day - (1 if day % 7 else 3)) * DAY + 22 * HOUR
        return MONDAY + day * DAY + min(within, 22 * HOUR)

    _, told = watched(range(begins, begins + 28 * 24), value)
    assert "major" not in {one.level for one in told}
    assert {one.level for one in told[14 * 24 :]} == {"none"}
    stood = MONDAY + (begins + 28 * 24) * HOUR
    _, told = watched(range(begins, begins + 35 * 24), lambda at: value(min(at, stood)))
    assert "major" in {one.level for one in told}


def test_windows_that_are_looked_at_together_are_one_time() -> None:
    """As a clock does that calls ``monitor --since 24h`` once an hour: between two looks nobody was away."""
    clock = Clock.begin(MONDAY, MONDAY)
    for at in range(round(MONDAY) + 3_600, round(MONDAY) + 12 * 86_400, 3_600):
        clock = clock.after(at, at, at - DAY)
    assert clock.usual == HOUR
    stood = clock.last[1]
    for hour in range(1, 8):
        clock = clock.after(stood + hour * HOUR, stood, stood + hour * HOUR - DAY)
    assert clock.waited == 7 * HOUR
    assert clock.reading("x", 300).level == "major"


def test_while_nobody_looks_nothing_is_waited_or_learnt() -> None:
    """The feed stood still while the monitor was away, and stands still when it is back."""
    stood = MONDAY + 9 * DAY + HOUR

    def value(at: float) -> float:
        return min(at, stood) if at < stood + 2 * DAY else min(at, MONDAY + 14 * DAY)

    away = range(9 * 24, 12 * 24)
    clock, told = watched(range(12 * 24 + 6), value, away=lambda hour: hour in away)
    assert {one.level for one in told} == {"none"}
    assert max(clock.waits.values()) < HOUR
    away = range(13 * 24 + 20, 16 * 24)
    _, told = watched(range(12 * 24 + 6, 16 * 24 + 1), value, clock, away=lambda hour: hour in away)
    assert told[-1].why.startswith("nothing newer than")
    assert told[-1].why.endswith("for 1 h, and newer ones came within 5 min")


def test_one_row_that_comes_again_and_again_is_as_much_as_it_is() -> None:
    for seed in range(30):
        frame = pd.DataFrame({"value": np.random.default_rng(seed).normal(size=10_000)})
        frame.iloc[:3_000] = 0.5
        parts = [Repeats.of(frame.iloc[start : start + 2_500]) for start in range(0, 10_000, 2_500)]
        assert all(parts)
        whole, total = Repeats.of(frame), parts[0] + parts[1] + parts[2] + parts[3]  # type: ignore[operator]
        assert whole is not None
        assert whole.distinct == total.distinct
        assert whole.distinct == pytest.approx(0.7, abs=0.1)
