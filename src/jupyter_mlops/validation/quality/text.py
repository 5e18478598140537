"""Text: broken encodings, white space, spellings of one word, and numbers and times that are kept as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from ..catalogues import DATA
from ..column import Column
from ..data import Data, counted, share
from ..findings import Finding
from .names import listed
from .quoting import quoted

# UTF-8 read as Latin-1 or cp1252: a capital A or a with a mark, and a sign after it that follows in no language.
_MOJIBAKE: Final = re.compile("[ÃÂ][\u0080-\u00bf]|â€[™œ\u009d“”¦]|\ufffd|ï»¿")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\ufeff]")
_NUMBER: Final = re.compile(r"\s*[-+]?[$€£]?\s?(\d{1,3}([,.' ]\d{3})+|\d+)([.,]\d+)?([eE][-+]?\d+)?\s?[%€$£]?\s*")
_DATE: Final = re.compile(r"\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?\s*(Z|[+-]\d\d:?\d\d)?\s*")  # fmt: skip
_NEARLY_ALL: Final = 0.95
_MOST: Final = 100_000  # values that are looked at: a pattern that is there shows in fewer


@DATA.check(
    "DQ019", "Broken characters", "'MÃ¼ller' is not 'Müller': names no longer match, and one category becomes two."
)
def encoding(data: Data) -> Iterator[Finding]:
    """Look for text that was read in another encoding than it was written in, and for invisible signs."""
    for column, words in _texts(data):
        for pattern, what, do in (
            (_MOJIBAKE, "text that was read in the wrong encoding", "read the file again: pd.read_csv(…, encoding='utf-8')"),
            (_CONTROL, "signs that can't be seen", f"df[{column.label!r}].str.replace(r'[\\x00-\\x1f\\u200b\\ufeff]', '', regex=True)"),
        ):  # fmt: skip
            bad = words[words.str.contains(pattern, regex=True)]
            if len(bad):
                rows = int(column.counts.reindex(bad).sum())
                yield Finding("error", f"{column.label} holds {what} in {share(rows, len(data))}, such as {quoted(data, column, _cut(bad.iloc[0]))}.", do, (column.label,), {"rows": rows})  # fmt: skip


@DATA.check("DQ020", "White space and spellings", "'Berlin', 'berlin ' and 'BERLIN' are three categories for a model, and one for people.")  # fmt: skip
def spellings(data: Data) -> Iterator[Finding]:
    """Look for values that differ in white space or in capitals only."""
    for column, words in _texts(data):
        padded = words[words != words.str.strip()]
        if len(padded):
            rows = int(column.counts.reindex(padded).sum())
            yield Finding("warning", f"{column.label} has white space around {share(rows, len(data))}.", f"df[{column.label!r}].str.strip()", (column.label,), {"rows": rows})  # fmt: skip
        if column.distinct > len(column.there) / 2:  # names of rows: two that differ in capitals are two
            continue
        folded = words.str.strip().str.replace(r"\s+", " ", regex=True).str.casefold()
        groups = words.groupby(folded.to_numpy()).agg(list)
        several = groups[groups.map(len) > 1]
        several = several[several.map(lambda spelt: len({word.strip() for word in spelt}) > 1)]
        if len(several):
            told = quoted(data, column, "; ".join(" = ".join(map(_cut, spelt[:3])) for spelt in several.head(3)))
            yield Finding("warning", f"{column.label} spells {counted(len(several), 'value', 'values')} in several ways: {told}.", f"df[{column.label!r}].str.strip().str.casefold()", (column.label,), {"values": len(several)})  # fmt: skip


@DATA.check(
    "DQ021",
    "Numbers and times as text",
    "Text is compared letter by letter: '10' comes before '9', and a scaler refuses it.",
)
def other_types(data: Data) -> Iterator[Finding]:
    """Look for text that nearly always is a number, or a time."""
    for column, words in _texts(data):
        if not len(words):
            continue
        weights = column.counts.reindex(words)
        for pattern, what, do in (
            (_NUMBER, "a number", f"pd.to_numeric(df[{column.label!r}], errors='coerce')"),
            (_DATE, "a time", f"pd.to_datetime(df[{column.label!r}], format=…)"),
        ):
            fits = words.str.fullmatch(pattern).to_numpy(dtype=bool)
            part = float(weights[fits].sum() / weights.sum())
            if part >= _NEARLY_ALL and not _is_code(column, words, what):
                odd = tuple(map(_cut, words[~fits][:3]))
                but = f", but for {quoted(data, column, listed(odd))}" if odd else ""
                yield Finding("warning", f"{column.label} is text, and {what} in {100 * part:.4g}%{but}.", do, (column.label,), {"share": part})  # fmt: skip
                break


@DATA.check(
    "DQ022", "Text that is a category", "A category is kept in a tenth of the memory, and says which values there are."
)
def as_category(data: Data) -> Iterator[Finding]:
    """Look for text of few values that come again and again."""
    for column, _ in _texts(data):
        if isinstance(column.values.dtype, pd.CategoricalDtype) or column is data.target:
            continue
        if 1 < column.distinct <= data.limits.categories and len(column.there) >= 1000 * data.limits.repeats:
            yield Finding("note", f"{column.label} has {column.distinct} values in {len(column.there):,} rows.", f"df[{column.label!r}] = df[{column.label!r}].astype('category')", (column.label,), {"distinct": column.distinct})  # fmt: skip


def _texts(data: Data) -> Iterator[tuple[Column, pd.Series[Any]]]:
    """Give the columns of text, each with its values, once each."""
    for column in data.columns:
        if column.kind == "text":
            yield column, pd.Series(column.counts.index[:_MOST]).astype(str)


def _is_code(column: Column, words: pd.Series[Any], what: str) -> bool:
    """Whether digits are a code and no number: with zeros before it, of one length, as postcodes and phone numbers are."""
    if what != "a number":
        return False
    digits = words[words.str.fullmatch(r"\d+")]
    return (
        len(digits) > 0
        and bool(digits.str.startswith("0").sum() > len(digits) / 100)
        and bool((digits.str.len() > 1).all())
    )


def _cut(word: object) -> str:
    text = str(word)
    return repr(text if len(text) <= 24 else f"{text[:23]}…")
