"""Which protocol a request speaks, and in which one it is answered."""

from __future__ import annotations

from typing import Any, Final

from ..wire import ARROW, Frame
from . import arrow
from .answers import MlflowWriter
from .formats import CSV, JSON, check_rows, media_type_of, read_table
from .loader import LoadedModel
from .replies import Question
from .table import Sent
from .tensors import datatype_of, described, outputs, promised
from .v2 import V2

_SPOKEN: Final = (JSON, CSV, ARROW)
_HINT: Final = f"Send {JSON}, {CSV} with a header, or {ARROW}."


class Protocols:
    """The protocols that a version of a model speaks.

    Parameters
    ----------
    model : LoadedModel
    name, version : str
        As clients are told.
    predictions : array, DataFrame or list, optional
        What the model answers to its own example: they show which outputs it has.
    """

    def __init__(self, model: LoadedModel, name: str = "", version: str = "", predictions: Any = None) -> None:
        self._model = model
        self._inputs = described(model.signature.inputs)
        self._outputs = None if predictions is None else outputs(predictions, model.method)
        known = None if self._outputs is None else list(self._outputs)
        self._v2 = V2(model, name, version, known)
        self._mlflow = MlflowWriter()
        self._arrow = arrow.ArrowWriter(model.method)

    def read(self, frame: Frame, most_rows: int) -> Question:
        """Read a request of at most so many rows.

        Raises
        ------
        RequestRefused
            With the HTTP status, a code and, where there is one, the column at fault.
        """
        question = self._v2.read(frame) if frame.about.get("protocol") == "v2" else self._invocation(frame, most_rows)
        check_rows(len(question.sent), most_rows)
        return question

    def _invocation(self, frame: Frame, most_rows: int) -> Question:
        media_type = media_type_of(frame.about.get("type"), _SPOKEN, _HINT)
        sent: Sent = arrow.read(frame.body, most_rows) if media_type == ARROW else read_table(frame.body, media_type)
        return Question(frame, sent, self._arrow if frame.about.get("accept") == ARROW else self._mlflow)

    def told(self) -> dict[str, Any]:
        """Say which tensors go in and come out, as the open inference protocol's metadata has them."""
        if self._outputs is None:
            return {"inputs": self._inputs, "outputs": promised(self._model.signature, self._model.method)}
        made = [
            {"name": name, "datatype": datatype_of(tensor.dtype), "shape": [-1, *tensor.shape[1:]]}
            for name, tensor in self._outputs.items()
        ]
        return {"inputs": self._inputs, "outputs": made}
