"""What a model process gives back: a reply, and who writes one in the words of a protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..wire import Frame, error_body
from .columns import RequestRefused
from .table import Sent


class Reply(NamedTuple):
    """What a client gets: status, body, media type, and headers beside that; and how many rows were predicted."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] | None = None
    rows: int = 0


class Writer(Protocol):
    """Writes the answers of a protocol; those of one ``kind`` prepare the predictions of a batch alike."""

    @property
    def kind(self) -> str:
        """The protocol's name."""

    def prepare(self, predictions: Any) -> Any:
        """Convert the predictions of all requests at once."""

    def write(self, prepared: Any, rows: slice) -> Reply:
        """Write the answer of the request that has these rows."""


class Question(NamedTuple):
    """A request that has been read, and who writes its answer."""

    frame: Frame
    sent: Sent
    writer: Writer


def refused(frame: Frame, error: RequestRefused) -> Reply:
    """Say what is wrong with a request."""
    return refusal(frame, error.status, error.code, error.message, error.column)


def refusal(frame: Frame, status: int, code: str, message: str, column: str | None = None) -> Reply:
    """Say no, in the words of the protocol that the request came in."""
    return Reply(status, error_body(code, message, column, v2=frame.about.get("protocol") == "v2"))


def dense(predictions: Any) -> Any:
    """Fill a sparse matrix up."""
    return predictions.toarray() if hasattr(predictions, "toarray") else predictions


def is_parts(predictions: Any) -> bool:
    """Whether there are several outputs, each with an array: ``predict_proba`` of a classifier of several targets."""
    return (
        isinstance(predictions, list | tuple)
        and bool(predictions)
        and all(isinstance(part, np.ndarray) and part.ndim == 2 for part in predictions)
    )


def share_of(predictions: Any) -> Callable[[slice], Any]:
    """Say how each request gets its own of the predictions for all."""
    if is_parts(predictions):
        return lambda rows: [part[rows] for part in predictions]
    if hasattr(predictions, "iloc"):
        return lambda rows: predictions.iloc[rows]
    if isinstance(predictions, np.ndarray):
        predictions = predictions.tolist()  # once for all: slices of a list are written faster than slices of an array
    return lambda rows: predictions[rows]
