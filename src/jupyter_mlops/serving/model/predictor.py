"""Answer the requests that wait together: read each, ask the model once, and give each its own rows back."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ...errors import MlopsError
from ..log.writer import Answered, LogWriter
from ..wire import MAX_ROWS, Frame, error_body
from .columns import RequestRefused
from .formats import TooLarge, read_table, write_answer
from .loader import LoadedModel
from .signature import Table

_log = logging.getLogger(__name__)

MOST_ROWS = 10_000
"""Rows that are predicted at once, if not one request alone has more: the others shall not wait for ever."""


@dataclass(frozen=True)
class Reply:
    """What a client gets: status, media type and body; and how many rows were predicted."""

    status: int
    body: bytes
    media_type: str = "application/json"
    rows: int = 0


class Predictor:
    """One version of a model, asked in batches.

    Parameters
    ----------
    model : LoadedModel
    log : LogWriter, optional
        Written before any answer is given.
    together : bool
        Whether requests may be predicted together, where the model answers rows alike.
    max_rows : int
        Rows that a request may have.
    """

    def __init__(
        self, model: LoadedModel, log: LogWriter | None = None, *, together: bool = True, max_rows: int = MAX_ROWS
    ) -> None:
        self._model = model
        self._log = log
        self._max_rows = max_rows
        self._together = together and model.answers_rows_alike

    def answer(self, frames: Sequence[Frame]) -> list[tuple[int, Reply]]:
        """Answer requests, each under its key; one that is refused does not touch the others."""
        replies: list[tuple[int, Reply]] = []
        read: list[tuple[Frame, Table]] = []
        for frame in frames:
            try:
                read.append((frame, self._limited(read_table(frame.body, frame.about.get("type")))))
            except RequestRefused as refusal:
                replies.append((frame.key, refused(refusal)))
            except Exception:
                replies.append((frame.key, _failed(frame)))
        for group in self._groups(read):
            try:
                replies += self._answer(group)
            except Exception:  # whatever nobody foresaw: the others who wait for this process shall not notice
                replies += [(frame.key, _failed(frame)) for frame, _ in group]
        return replies

    def _limited(self, table: Table) -> Table:
        if len(table.rows) > self._max_rows:
            message = f"{len(table.rows)} rows are more than the {self._max_rows} of one request; send several."
            raise TooLarge("TOO_MANY_ROWS", message)
        return table

    def _groups(self, read: Sequence[tuple[Frame, Table]]) -> list[list[tuple[Frame, Table]]]:
        """Put together what names its columns in the same way."""
        if not self._together:
            return [[one] for one in read]
        groups: dict[Any, list[tuple[Frame, Table]]] = {}
        for frame, table in read:
            groups.setdefault(table.kind, []).append((frame, table))
        return [part for group in groups.values() for part in _parts(group)]

    def _answer(self, group: list[tuple[Frame, Table]]) -> list[tuple[int, Reply]]:
        inputs = self._model.signature.inputs
        frames, tables = [frame for frame, _ in group], [table for _, table in group]
        counts = [len(table.rows) for table in tables]
        try:
            rows = inputs.rows(Table.together(tables), bare=self._model.takes_arrays)
            if len(group) > 1 and not inputs.is_plain(rows):
                return self._one_by_one(group)  # a null in a request changes the type for it, and for it alone
            predictions = self._model.predict(rows)
        except RequestRefused as refusal:
            return [(frames[0].key, refused(refusal))] if len(group) == 1 else self._without_bad(group)
        except (ValueError, RecursionError) as error:
            if len(group) > 1:  # one of them is at fault
                return self._one_by_one(group)
            message = f"The model refuses these values: {error}"
            return [(frames[0].key, refused(RequestRefused("MODEL_REFUSED_INPUT", message)))]
        except Exception:
            if len(group) > 1:
                return self._one_by_one(group)
            return [(frames[0].key, _failed(frames[0]))]
        if self._log is not None:
            try:
                self._log.append(_told(frames, counts), rows, predictions)
            except MlopsError:
                _log.exception("the predictions could not be remembered, so they are not given")
                return [(frame.key, _forgotten()) for frame in frames]
        bodies = write_answers(predictions, counts)
        return [
            (frame.key, Reply(200, body, rows=rows)) for frame, body, rows in zip(frames, bodies, counts, strict=True)
        ]

    def _without_bad(self, group: list[tuple[Frame, Table]]) -> list[tuple[int, Reply]]:
        """Refuse those that don't fit the model; the others are still asked together."""
        good: list[tuple[Frame, Table]] = []
        replies: list[tuple[int, Reply]] = []
        for frame, table in group:
            try:
                self._model.signature.inputs.rows(table)
            except RequestRefused as refusal:
                replies.append((frame.key, refused(refusal)))
            else:
                good.append((frame, table))
        return replies + (self._answer(good) if replies and good else self._one_by_one(good))

    def _one_by_one(self, group: list[tuple[Frame, Table]]) -> list[tuple[int, Reply]]:
        return [reply for one in group for reply in self._answer([one])]


def write_answers(predictions: Any, counts: Sequence[int]) -> list[bytes]:
    """Write the answer of each request from the predictions for all."""
    if len(counts) == 1:
        return [write_answer(predictions)]
    if hasattr(predictions, "toarray"):  # sparse
        predictions = predictions.toarray()
    if isinstance(predictions, np.ndarray):
        predictions = predictions.tolist()  # once for all: slices of a list are written faster than slices of an array
    cut = predictions.iloc if hasattr(predictions, "iloc") else predictions
    return [write_answer(cut[start:end]) for start, end in pairwise(accumulate(counts, initial=0))]


def refused(error: RequestRefused) -> Reply:
    """Say what is wrong with a request."""
    return Reply(error.status, error_body(error.code, error.message, error.column))


def _told(frames: Sequence[Frame], counts: Sequence[int]) -> list[Answered]:
    now = time.time()
    return [
        Answered(
            about["id"], about["time"], (now - about["time"]) * 1000, rows, about["role"], _tags(about.get("tags"))
        )
        for (_, about, _), rows in zip(frames, counts, strict=True)
    ]


def _tags(text: str | None) -> dict[str, str] | None:
    """Read ``team=red, batch=7``."""
    if not text:
        return None
    pairs = (pair.partition("=") for pair in text.split(","))
    return {key.strip(): value.strip() for key, _, value in pairs if key.strip()}


def _forgotten() -> Reply:
    message = "The prediction could not be written to the log, and is not given without."
    return Reply(503, error_body("LOG_NOT_WRITABLE", message))


def _failed(frame: Frame) -> Reply:
    """Say so of the error that is being handled; what it is stands in the log alone."""
    _log.exception("request %s failed", frame.about.get("id"))
    message = f"The server failed. Its log has the reason, under request {frame.about.get('id')}."
    return Reply(500, error_body("INTERNAL_ERROR", message))


def _parts(group: list[tuple[Frame, Table]]) -> list[list[tuple[Frame, Table]]]:
    parts: list[list[tuple[Frame, Table]]] = []
    room = 0
    for one in group:
        room -= len(one[1].rows)
        if room < 0 or not parts:
            parts.append([])
            room = MOST_ROWS - len(one[1].rows)
        parts[-1].append(one)
    return parts
