"""What comes back with the hour or the weekday: a real log of weeks, beside a profile that has seen them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.monitoring.buckets import Buckets, Who, size_of
from jupyter_mlops.monitoring.comparison import compare
from jupyter_mlops.monitoring.results import Column
from jupyter_mlops.monitoring.seasons import DAY, PERIODS, Seasons
from jupyter_mlops.monitoring.traffic import Traffic
from jupyter_mlops.serving.log.writer import Answered, LogWriter
from jupyter_mlops.serving.model.columns import Column as Cells
from jupyter_mlops.serving.model.signature import ColumnSchema, Signature
from jupyter_mlops.statistics import profiling
from jupyter_mlops.statistics.alarms import QUALITY
from jupyter_mlops.statistics.profile import Profile

HOUR = 3600.0
BEGIN = 2_000 * 7 * DAY
WEEKS = 3
Values = Callable[[np.random.Generator, float, int], pd.DataFrame]


def season(chance: np.random.Generator, at: float, rows: int) -> pd.DataFrame:
    """Nights are colder, and people come at week-ends."""
    hour, day = at % DAY / HOUR, at // DAY % 7
    return pd.DataFrame(
        {
            "warmth": chance.normal(15 + 8 * np.sin(2 * np.pi * hour / 24), 4, rows),
            "private": chance.random(rows) < (0.9 if day >= 5 else 0.2),
            "height": chance.normal(0, 1, rows),
        }
    ).astype(float)


def rows_at(at: float) -> int:
    """Much by day, little by night."""
    return 300 if 8 <= at % DAY / HOUR < 20 else 60


@dataclass
class Watched:
    folder: Path
    reference: Profile

    @classmethod
    def of(cls, folder: Path, values: Values, hours: int) -> Watched:
        """Write a log of hours, beside the profile of four weeks of the season."""
        chance = np.random.default_rng(0)
        moments = BEGIN + HOUR * np.arange(4 * 7 * 24)
        seen = profiling.learn(pd.concat([season(chance, at, rows_at(at)) for at in moments], ignore_index=True))
        schema = ColumnSchema(tuple(Cells(name, "double", True, np.dtype("float64")) for name in seen.columns))
        with LogWriter(folder / "log", Signature(schema), endpoint="e", model="m", version=1) as log:
            for hour in range(hours):
                at = BEGIN + hour * HOUR
                for part in range(4):
                    when, frame = at + part * 900, values(chance, at, rows_at(at) // 4)
                    log.append([Answered(f"{when}", when, 1.0, len(frame), "champion")], frame, np.zeros(len(frame)))
        return cls(folder, seen)

    def look(self, end: float) -> tuple[dict[str, Column], Traffic]:
        """Look at the hour before a moment."""
        span = (end - HOUR, end)
        buckets = Buckets(self.folder / "log", self.folder / "kept", size_of(HOUR), end)
        seasons = Seasons(self.folder / "log", self.folder / "kept", buckets, end)
        who = Who("m", 1, "champion")
        window = buckets.window(*span, who, self.reference)
        level = QUALITY / 24
        columns = compare(self.reference, window, 0.2, level)
        columns = seasons.without(columns, self.reference, window, who, span, 0.2, level)
        return {one.name: one for one in columns}, Traffic.of(buckets, *span)


def test_nights_and_week_ends_ring_only_until_they_have_been_seen(tmp_path: Path) -> None:
    hours = WEEKS * 7 * 24
    watched = Watched.of(tmp_path, season, hours)
    first, _ = watched.look(BEGIN + 4 * HOUR)
    assert first["warmth"].outcome == "fail"  # by itself it is another world
    assert first["height"].ok
    for hour in range(2 * 7 * 24, hours, 17):  # each hour of the day, and each day
        found, traffic = watched.look(BEGIN + (hour + 1) * HOUR)
        assert not [one for one in found.values() if one.outcome == "fail"], hour
        assert traffic.reading().outcome == "pass", hour
    assert "as at this time of earlier weeks" in found["warmth"].why
    assert "by itself: median" in found["warmth"].why


@pytest.mark.parametrize("days", [pytest.param(3, marks=pytest.mark.long), 10])
def test_a_drift_in_a_season_rings_and_goes_on_ringing(tmp_path: Path, days: float) -> None:
    hours = (WEEKS + 1) * 7 * 24
    turned = BEGIN + hours * HOUR - days * DAY

    def drifting(chance: np.random.Generator, at: float, rows: int) -> pd.DataFrame:
        return season(chance, at, rows).assign(warmth=lambda f: f["warmth"] + (10.0 if at >= turned else 0.0))

    watched = Watched.of(tmp_path, drifting, hours)
    assert watched.look(turned)[0]["warmth"].outcome != "fail"
    for hour in (2, 10, 24 * days):
        assert watched.look(turned + hour * HOUR)[0]["warmth"].outcome == "fail", hour


def test_traffic_that_fails_to_come_rings_at_any_hour(tmp_path: Path) -> None:
    hours = 15 * 24 + 14
    watched = Watched.of(tmp_path, season, hours)
    evening = BEGIN + (hours - 6) * HOUR  # of the night before the last day: as usual
    assert watched.look(evening)[1].reading().outcome == "pass"
    quiet = watched.look(BEGIN + (hours + 1) * HOUR)[1].reading()  # an hour by day in which nothing came
    assert quiet.outcome == "fail"
    assert "usual are 300" in quiet.why


def test_the_same_time_of_a_week_before_is_that_of_the_clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        noon = pd.Timestamp("2025-10-28 12:00", tz="Europe/Berlin").timestamp()  # the clocks were set back on the 26th
        week, day = PERIODS
        before = [pd.Timestamp(start, unit="s", tz="Europe/Berlin") for start, _ in week.before(noon, noon + HOUR)]
        assert [f"{at:%m-%d %H:%M}" for at in before] == ["10-21 12:00", "10-14 12:00", "10-07 12:00", "09-30 12:00"]
        assert {
            f"{pd.Timestamp(end, unit='s', tz='Europe/Berlin'):%H:%M}" for _, end in day.before(noon, noon + HOUR)
        } == {"13:00"}
    finally:
        monkeypatch.undo()
        time.tzset()
