"""What was saved is held against a clean kernel: hidden state, and metrics."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.display import Badge, Card, Table, mime
from jupyter_mlops.headless.outcome import CellRecord
from jupyter_mlops.headless.saved import compared, hidden, metrics_of

from .conftest import book_of, executed, run


def save(counts: list[int], *cells: str, outputs: dict[int, str] | None = None) -> None:
    book = book_of(*cells)
    for index, (cell, count) in enumerate(zip(book.cells, counts, strict=True)):
        cell.execution_count = count
        if text := (outputs or {}).get(index):
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    nbformat.write(book, "a.ipynb")


@pytest.mark.parametrize(
    ("counts", "cells", "code", "said"),
    [
        # the second cell used what stands below it
        ([1, 3, 2], ["x = 1", "print(x)", "x = 5"], 13, "x from In [2], which stands below In [3] but ran before it"),
        ([2, 1], ["print(x)", "x = 5"], 1, "cell 1 (print(x)) ran when it was saved, and fails in a clean kernel"),
    ],
)
def test_check_order_finds_hidden_state(
    write: Callable[..., str], counts: list[int], cells: list[str], code: int, said: str
) -> None:
    write("a.ipynb", "1")
    save(counts, *cells)
    ran = run("a.ipynb", "--check-order")
    assert ran.code == code
    assert any(said in note for note in ran.data["notebooks"][0]["notes"])


@pytest.mark.parametrize(
    ("counts", "cells", "said"),
    [
        ([1, 2], ["x = 1", "print(x)"], []),
        ([1, 3], ["x = 1", "print(x)"], ["of 3 executions in the kernel that saved it 1 are no longer in it"]),
        ([2, 1], ["print('a')", "print('b')"], []),
        ([1, 1], ["x = 1", "print(x)"], []),  # of two kernels
        ([None, None], ["x = 1", "print(x)"], ["saved without counts of its cells"]),
    ],
)
def test_what_is_no_hidden_state(tmp_path: Path, counts: list[int | None], cells: list[str], said: list[str]) -> None:
    book = book_of(*cells)
    for cell, count in zip(book.cells, counts, strict=True):
        cell.execution_count = count
    passed = tuple(CellRecord(index, index + 1, cell, "passed", source_index=index) for index, cell in enumerate(cells))
    found, notes = hidden(book, tmp_path / "a.ipynb", passed)
    assert found == []
    assert len(notes) == len(said)
    assert all(each in note for each, note in zip(said, notes, strict=True))


def test_compare_outputs_holds_metrics_against_those_saved(write: Callable[..., str]) -> None:
    write("a.ipynb", "1")
    save([1], "print('accuracy', 0.9500001)\nprint('took 3.1 s')", outputs={0: "accuracy 0.95\ntook 9.9 s\n"})
    assert run("a.ipynb", "--compare-outputs").code == 0
    ran = run("a.ipynb", "--compare-outputs", "--tolerance", "1e-9")
    assert (ran.code, ran.data["notebooks"][0]["verdict"]) == (13, "not the same as saved")
    assert "cell 1: accuracy 0.95 → 0.9500001" in ran.data["notebooks"][0]["message"]
    save([1], "print(1)")
    book = executed("a.ipynb")
    book.cells.append(nbformat.v4.new_code_cell("panel()", metadata={"tags": ["interactive-only"]}, outputs=[nbformat.v4.new_output("stream", name="stdout", text="n 3")]))  # fmt: skip
    nbformat.write(book, "a.ipynb")
    ran = run("a.ipynb", "--compare-outputs")
    assert ran.code == 6
    assert "nothing to compare" in ran.data["notebooks"][0]["message"]
    assert run("a.ipynb", "--tolerance", "-1").code == 2


@pytest.mark.parametrize(
    ("text", "metrics"),
    [
        ("accuracy   0.9510", [("accuracy", 0.951)]),
        ("val loss: 1e-3\nF1=80.5%", [("val loss", 0.001), ("F1", 0.805)]),
        ("{'auc': 0.9, 'n': 12, \"f\": np.float64(0.5)}", [("auc", 0.9), ("n", 12.0), ("f", 0.5)]),
        ("0.9473684210526315", [("", 0.9473684210526315)]),
        ("np.float64(0.5)", [("", 0.5)]),
        ("run:a0b03045 · 0.3 s\nport 39275\nmax time 3\n2026-11-28", []),
        ("1,234.5", [("", 1234.5)]),
        ("nan", [("", float("nan"))]),
    ],
)
def test_what_is_a_metric(text: str, metrics: list[tuple[str, float]]) -> None:
    cell = book_of("x").cells[0]
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    found = [(name, round(value, 12)) for name, value in metrics_of(cell)]
    assert str(found) == str([(name, round(value, 12)) for name, value in metrics])  # as text: nan is nan


def test_lines_that_are_data_cost_no_time() -> None:
    cell = book_of("x").cells[0]
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="a " * 100_000 + "\naccuracy 0.5")]
    begin = time.process_time()
    assert list(metrics_of(cell)) == [("accuracy", 0.5)]
    assert time.process_time() - begin < 1


def test_results_of_ours_are_read_by_their_data_and_what_is_of_the_server_is_no_metric() -> None:
    run = Card(
        "scaled", Badge("finished", "good"), facts=[("took", "3 s"), ("rows", 426)],
        tables=[Table(("metric", "value", "best before"), [("accuracy", 0.1 + 0.2, Badge("0.2 (+0.1)", "good")), ("loss", float("nan"), ""), ("time", 3.0, "")])],
    )  # fmt: skip
    gate = Card("Promote", tables=[Table(("gate", "must be", "is", "outcome"), [("accuracy", ">= 0.9", 0.95, "pass")])])
    audit = Table(("#", "what"), [(1, "accuracy >= 0.9")])
    cell = book_of("x").cells[0]
    cell.outputs = [
        nbformat.v4.new_output("display_data", data={"text/plain": "accuracy 7", **mime.render(view, "R", {})})
        for view in (run, gate, audit)
    ]
    assert str(list(metrics_of(cell))) == str([("accuracy", 0.1 + 0.2), ("loss", float("nan")), ("accuracy", 0.95)])
    for broken in (
        None,
        [],
        {"view": 3},
        {"view": {"tables": [{"columns": ["metric", "value"], "rows": [1, [2]]}]}},
        {"view": {"tables": [{"columns": {"a": 1}, "rows": []}, {"columns": ["metric", "value"], "rows": None}]}},
    ):
        cell.outputs = [nbformat.v4.new_output("display_data", data={f"{mime.PREFIX}card.v1+json": broken})]
        assert list(metrics_of(cell)) == []


CARD = """base  ✓ finished
  run        run:6dda7b1c · 2.4 s
  model      DecisionTreeClassifier(max_depth=3, random_state=0)
metric     value   against the best before
──────────────────────────────────────────
accuracy  0.9512  ✓ 0.9161 (+0.042)
  Next: %mlops register NAME --run last
"""


def test_the_card_of_a_run_has_its_metrics_and_no_others() -> None:
    one, other = book_of("x"), book_of("x")
    other.cells[0].id = one.cells[0].id
    for book, text in ((one, CARD), (other, CARD.replace("0.9512", "0.9400").replace("2.4 s", "9 s"))):
        book.cells[0].outputs = [nbformat.v4.new_output("display_data", data={"text/plain": text})]
    assert compared(one, other, 1e-6) == (1, ["cell 1: accuracy 0.9512 → 0.9400"])
