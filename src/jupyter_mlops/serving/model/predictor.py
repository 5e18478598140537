"""Answer the requests that wait together: read each, ask the model once, and give each its own rows back."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

from ...errors import MlopsError
from ..log.writer import Answered, LogWriter
from ..wire import MAX_ROWS, Frame
from .columns import RequestRefused
from .loader import LoadedModel
from .protocols import Protocols
from .refusing import refused_by_model
from .replies import Question, Reply, refusal, refused

_log = logging.getLogger(__name__)

MOST_ROWS = 10_000
"""Rows that are predicted at once, if not one request alone has more: the others shall not wait for ever."""


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
    protocols : Protocols, optional
        In which words requests and answers are; by default, of a model without a name.
    """

    def __init__(
        self,
        model: LoadedModel,
        log: LogWriter | None = None,
        *,
        together: bool = True,
        max_rows: int = MAX_ROWS,
        protocols: Protocols | None = None,
    ) -> None:
        self._model = model
        self._protocols = protocols or Protocols(model)
        self._log = log
        self._max_rows = max_rows
        self._together = together and model.answers_rows_alike

    def answer(self, frames: Sequence[Frame]) -> list[tuple[int, Reply]]:
        """Answer requests, each under its key; one that is refused does not touch the others."""
        replies: list[tuple[int, Reply]] = []
        read: list[Question] = []
        for frame in frames:
            try:
                read.append(self._protocols.read(frame, self._max_rows))
            except RequestRefused as error:
                replies.append((frame.key, refused(frame, error)))
            except Exception:
                replies.append((frame.key, _failed(frame)))
        for group in self._groups(read):
            try:
                replies += self._answer(group)
            except Exception:  # whatever nobody foresaw: the others who wait for this process shall not notice
                replies += [(frame.key, _failed(frame)) for frame, _, _ in group]
        return replies

    def _groups(self, read: Sequence[Question]) -> list[list[Question]]:
        """Put together what names its columns in the same way."""
        if not self._together:
            return [[one] for one in read]
        groups: dict[Any, list[Question]] = {}
        for question in read:
            groups.setdefault((type(question.sent), question.sent.kind), []).append(question)
        return [part for group in groups.values() for part in _parts(group)]

    def _answer(self, group: list[Question]) -> list[tuple[int, Reply]]:
        inputs = self._model.signature.inputs
        frames, sent = [question.frame for question in group], [question.sent for question in group]
        counts = [len(rows) for rows in sent]
        try:
            rows = inputs.rows(type(sent[0]).together(sent), bare=self._model.takes_arrays)  # type: ignore[arg-type]
            if len(group) > 1 and not inputs.is_plain(rows):
                return self._one_by_one(group)  # a null in a request changes the type for it, and for it alone
            predictions = self._model.predict(rows)
        except RequestRefused as error:
            return [(frames[0].key, refused(frames[0], error))] if len(group) == 1 else self._without_bad(group)
        except (ValueError, RecursionError) as error:
            if len(group) > 1:  # one of them is at fault
                return self._one_by_one(group)
            return [(frames[0].key, refused(frames[0], refused_by_model(error, rows, inputs)))]
        except Exception:
            if len(group) > 1:
                return self._one_by_one(group)
            return [(frames[0].key, _failed(frames[0]))]
        if self._log is not None:
            try:
                self._log.append(_told(frames, counts), rows, predictions)
            except MlopsError:
                _log.exception("the predictions could not be remembered, so they are not given")
                return [(frame.key, _forgotten(frame)) for frame in frames]
        return write_answers(group, predictions, counts)

    def _without_bad(self, group: list[Question]) -> list[tuple[int, Reply]]:
        """Refuse those that don't fit the model; the others are still asked together."""
        good: list[Question] = []
        replies: list[tuple[int, Reply]] = []
        for question in group:
            try:
                self._model.signature.inputs.rows(question.sent)
            except RequestRefused as error:
                replies.append((question.frame.key, refused(question.frame, error)))
            else:
                good.append(question)
        return replies + (self._answer(good) if replies and good else self._one_by_one(good))

    def _one_by_one(self, group: list[Question]) -> list[tuple[int, Reply]]:
        return [reply for one in group for reply in self._answer([one])]


def write_answers(group: Sequence[Question], predictions: Any, counts: Sequence[int]) -> list[tuple[int, Reply]]:
    """Write the answer of each request from the predictions for all, each in its own protocol."""
    alone = len(counts) == 1
    shares = [slice(None)] if alone else [slice(*ends) for ends in pairwise(accumulate(counts, initial=0))]
    prepared: dict[str, Any] = {}
    replies: list[tuple[int, Reply]] = []
    for (frame, _, writer), rows, count in zip(group, shares, counts, strict=True):
        if writer.kind not in prepared:
            prepared[writer.kind] = writer.prepare(predictions)
        try:
            reply = writer.write(prepared[writer.kind], rows)._replace(rows=count)
        except RequestRefused as error:
            reply = refused(frame, error)
        replies.append((frame.key, reply))
    return replies


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


def _forgotten(frame: Frame) -> Reply:
    message = "The prediction could not be written to the log, and is not given without."
    return refusal(frame, 503, "LOG_NOT_WRITABLE", message)


def _failed(frame: Frame) -> Reply:
    """Say so of the error that is being handled; what it is stands in the log alone."""
    _log.exception("request %s failed", frame.about.get("id"))
    message = f"The server failed. Its log has the reason, under request {frame.about.get('id')}."
    return refusal(frame, 500, "INTERNAL_ERROR", message)


def _parts(group: list[Question]) -> list[list[Question]]:
    parts: list[list[Question]] = []
    room = 0
    for one in group:
        room -= len(one.sent)
        if room < 0 or not parts:
            parts.append([])
            room = MOST_ROWS - len(one.sent)
        parts[-1].append(one)
    return parts
