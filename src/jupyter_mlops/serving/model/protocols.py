"""Which protocol a request speaks, and in which one it is answered."""

from __future__ import annotations

from typing import Any

from ..wire import Frame
from .formats import MlflowWriter, read_table
from .loader import LoadedModel
from .replies import Question
from .tensors import datatype_of, described, outputs, promised
from .v2 import V2


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

    def read(self, frame: Frame) -> Question:
        """Read a request.

        Raises
        ------
        RequestRefused
            With the HTTP status, a code and, where there is one, the column at fault.
        """
        if frame.about.get("protocol") == "v2":
            return self._v2.read(frame)
        return Question(frame, read_table(frame.body, frame.about.get("type")), self._mlflow)

    def told(self) -> dict[str, Any]:
        """Say which tensors go in and come out, as the open inference protocol's metadata has them."""
        if self._outputs is None:
            return {"inputs": self._inputs, "outputs": promised(self._model.signature, self._model.method)}
        made = [
            {"name": name, "datatype": datatype_of(tensor.dtype), "shape": [-1, *tensor.shape[1:]]}
            for name, tensor in self._outputs.items()
        ]
        return {"inputs": self._inputs, "outputs": made}
