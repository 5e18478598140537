"""Pictures: escaped, the same in both forms, legible where there is nothing to show."""

from __future__ import annotations

import json
import math

import pytest

from jupyter_mlops.display import (
    Badge,
    Card,
    Code,
    Link,
    Picture,
    Table,
    Time,
    ago,
    bytes_of,
    change,
    figure,
    html,
    layers,
    mime,
    short,
    span,
    text,
)
from jupyter_mlops.display.progress import Progress, waiting

from .waiting import until

HOSTILE = "<script>alert('x')</script>\"&"


@pytest.mark.parametrize(
    "view",
    [
        Table((HOSTILE,), [(HOSTILE,), (Badge(HOSTILE),), (Link(HOSTILE, "https://a/?" + HOSTILE),), (Code(HOSTILE),)], title=HOSTILE, note=HOSTILE),
        Card(HOSTILE, Badge(HOSTILE), [(HOSTILE, HOSTILE)], text=HOSTILE, next=HOSTILE),
        Table((), [], empty=HOSTILE),
    ],
)  # fmt: skip
def test_whatever_is_shown_is_escaped(view: Table | Card) -> None:
    drawn = html.render(view)
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn
    assert "<script>" in text.render(view)  # text is text


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:x", "//evil", "file:///etc/passwd", None, ""]
)
def test_only_web_addresses_become_links(href: str | None) -> None:
    assert "<a " not in html.render(Card("x", facts=[("link", Link("here", href))]))


def test_a_web_address_becomes_a_link() -> None:
    assert '<a href="http://127.0.0.1:5000/#/x"' in html.render(
        Card("x", facts=[("l", Link("here", "http://127.0.0.1:5000/#/x"))])
    )


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert "\x1b" not in text.render(Card("\x1b[31mred", facts=[("a\x07", "b\x9b")]))


def test_rich_markup_in_names_is_text() -> None:
    assert "[bold]x[/bold]" in text.render(Table(("[bold]c[/bold]",), [("[bold]x[/bold]",)]))


def test_long_names_are_folded_and_not_cut() -> None:
    name = "x" * 500
    assert text.render(Table(("name",), [(name,)])).count("x") == 500
    assert name in html.render(Table(("name",), [(name,)]))
    assert max(map(len, text.render(Table(("name",), [(name,)])).splitlines())) <= 110


def test_an_empty_table_says_what_to_do() -> None:
    view = Table(("a",), [], empty="Nothing yet: do this.")
    assert "Nothing yet: do this." in text.render(view)
    assert "Nothing yet: do this." in html.render(view)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.97314, "0.9731"), (1.0, "1"), (12000, "12,000"), (0.0, "0"), (1234.56, "1,234.6"), (0.00001234, "1.23e-05"),
        (math.nan, "NaN"), (-math.inf, "-∞"), (True, "True"), (None, ""), ("text", "text"), (0.0012, "0.0012"), (1.7976931348623157e308, "1.798e+308"),
    ],
)  # fmt: skip
def test_figures_are_written_for_people(value: object, written: str) -> None:
    assert figure(value) == written


def test_times_and_sizes_are_written_for_people() -> None:
    assert [span(s) for s in (0.44, 12, 200, 7500, 400_000)] == ["0.4 s", "12 s", "3 min", "2 h 5 min", "4 d"]
    assert ago(100, now=102) == "just now"
    assert ago(0, now=3600) == "1 h ago"
    assert [bytes_of(b) for b in (12, 1500, 2_500_000_000)] == ["12 B", "1.5 kB", "2.5 GB"]
    assert [change(d) for d in (0.0123, -0.5, 0.0)] == ["+0.0123", "-0.5", "±0"]


def test_a_picture_keeps_the_order_that_it_was_given_where_the_lines_allow_it() -> None:
    boxes = {"data": layers.Box(0, "data")}
    boxes |= {f"run {n}": layers.Box(1, f"run {n}") for n in range(12)}
    boxes |= {f"version {n}": layers.Box(2, f"version {n}") for n in range(12)}
    lines = [("data", f"run {n}") for n in range(12)] + [(f"run {n}", f"version {n}") for n in range(12)]
    boxes["alias"] = layers.Box(3, "alias")
    figure = layers.draw(boxes, [*lines, ("version 9", "alias")], ("", "", "", ""))
    heights = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}
    drawn = sorted((name for name in heights if name.startswith("version")), key=lambda name: heights[name])
    assert drawn == [f"version {n}" for n in range(12)]


def test_a_word_is_said_only_where_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(Progress, "say", lambda self, text: said.append(text))
    with waiting("quick …", after=5):
        pass
    with waiting("slow …", after=0.01):
        until(lambda: said)
    assert said == ["slow …"]


def test_a_picture_scrolls_where_its_words_would_be_too_small() -> None:
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (800).to_bytes(4, "big") + (300).to_bytes(4, "big")
    shown = html.render(Card("x", pictures=[Picture(png, "a picture")]))
    assert "min-width:600px" in shown
    assert '<div class="scroll"><img' in shown


def test_a_long_text_is_cut_and_its_length_said() -> None:
    assert short("x" * 100) == "x" * 100
    assert short("x" * 7000) == "x" * 100 + "… (7,000 characters)"


def test_the_data_for_jupyterlab_are_plain_and_json_knows_each_of_them() -> None:
    cells = (
        HOSTILE, 1, 2.5, True, None, math.nan, -math.inf, Badge("done", "good"), Link(HOSTILE, "https://a/"),
        Link("x", "javascript:alert(1)"), Code("%mlops runs"), Time(5.0),
    )  # fmt: skip
    table = Table([str(number) for number in range(len(cells))], [cells], title=HOSTILE)
    [(kind, said)] = mime.render(Card(HOSTILE, tables=[table]), "Runs", {"run_id": "3f"}).items()
    assert kind == "application/vnd.jupyter-mlops.card.v1+json"
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert (said["result"], said["subject"]) == ("Runs", {"run_id": "3f"})
    assert said["view"]["tables"][0]["rows"] == [[
        HOSTILE, 1, 2.5, True, None, {"number": "NaN"}, {"number": "-Infinity"}, {"badge": "done", "tone": "good"},
        {"link": HOSTILE, "href": "https://a/"}, {"link": "x", "href": None}, {"code": "%mlops runs"},
        {"time": 5.0, "exact": False},
    ]]  # fmt: skip
    assert [*mime.render(table, "Runs", {})] == ["application/vnd.jupyter-mlops.table.v1+json"]


@pytest.mark.parametrize(
    "view",
    [
        Card("a card of a model", markdown="# it"),
        Table(["a"] * 11, [["x"] * 11] * 1000),
        Card("large", text="x" * 2_000_000),
    ],
)
def test_what_html_shows_better_or_is_too_much_has_no_data_for_jupyterlab(view: Table | Card) -> None:
    assert mime.render(view, "Any", {}) == {}
