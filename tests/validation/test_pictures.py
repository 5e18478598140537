"""What a report looks like: its card, and the plots of its findings."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from jupyter_mlops.display.plots import COLOURS
from jupyter_mlops.display.progress import Progress

from .test_quality import clean, report

LONG = "a_name_that_was_made_by_joining_seven_tables_"


def test_columns_that_begin_alike_are_bars_of_their_own() -> None:
    gaps = np.arange(400) % 3 == 0
    found = report(clean().assign(**{f"{LONG}{n}": np.where(gaps, np.nan, n) for n in range(3)}))
    (axes,) = found.plot("DQ003").axes
    assert len({bar.get_y() for bar in axes.patches}) == 3
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches].count(COLOURS[1]) == 1
    assert {text.get_text()[-8:] for text in axes.get_yticklabels()} == {f"_tables_{n}"[-8:] for n in range(3)}


def test_sentences_wrap_where_other_tables_scroll() -> None:
    found = report(clean().assign(age=None))
    assert '<div class="sentences"><table>' in found._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [(clean().assign(age=7), "DQ004"), (clean().assign(member=None, age=7), "DQ003"), (clean(), "")],
)
def test_what_comes_next_is_the_worst(frame: object, code: str) -> None:
    shown = str(report(frame, only=["DQ"]))
    assert (f'report["{code}"].findings' in shown) if code else "findings" not in shown


def test_checks_that_could_not_run_for_one_reason_are_one_row() -> None:
    shown = str(report(clean(20), only=["DQ"]))
    assert "2 checks inconclusive" in shown
    assert "DQ007, DQ008: There are fewer than 30 rows." in " ".join(shown.split())
    assert "DQ017 inconclusive" in shown


def test_one_is_told_as_one() -> None:
    found = report(clean().assign(**{" x": 1.5}), reference=clean())
    assert found["DQ001"].findings[0].seen == "1 column is new:  x."
    assert found["DQ002"].findings[0].seen == "1 name has white space around it:  x."


def test_the_last_word_of_the_progress_is_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(Progress, "say", lambda self, text: said.append(text))
    report(clean(), only=["DQ00"])
    assert said[-2:] == ["Taking the digest of the data …", "9 checks of df …"]
