"""Secrets that a notebook was given: they reach its kernel, and nothing that is written or shown."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .. import secrets
from .outcome import Failure

_SHORTEST = 6  # what is shorter stands in too many innocent words
_SHORTEST_OF_ENVIRONMENT = 12  # there are passwords such as "postgres", and a notebook that says so


class Concealed:
    """What is kept out of everything that an execution leaves behind.

    Parameters
    ----------
    values : dict
        The parameters that were given: those are secret that are called so, or look so.
    environ : dict, optional
        Of the process; what is called a secret there is one in what cells show, too.

    Attributes
    ----------
    values : dict
        The parameters, with ``***`` in place of each secret.
    """

    def __init__(self, values: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> None:
        masked, _ = secrets.mask_pairs(values)
        self.values = {name: value if masked[name] == str(value) else masked[name] for name, value in values.items()}
        given = {text for name, value in values.items() if self.values[name] is not value for text in _texts(value)}
        around = secrets.secret_values({}, os.environ if environ is None else environ)
        known = {*given, *(value for value in around if len(value) >= _SHORTEST_OF_ENVIRONMENT)}
        lines = {line.strip() for value in known for line in value.splitlines()}
        # As they are, and as repr writes them.
        self._known = sorted(
            {form for line in lines if len(line) >= _SHORTEST for form in (line, repr(line)[1:-1])},
            key=len,
            reverse=True,
        )

    def text(self, text: str) -> str:
        """Take the secrets that are known out of a text; all else is as it was."""
        for value in self._known:
            if value in text:
                text = text.replace(value, "***")
        return text

    def message(self, text: str) -> str:
        """Take also out what only looks like a secret: messages and tracebacks are read by many."""
        return secrets.mask(self.text(text))[0]

    def failure(self, failure: Failure) -> Failure:
        """Take secrets out of what a cell raised."""
        return replace(failure, message=self.message(failure.message), traceback=self.message(failure.traceback))

    def cell(self, cell: Any) -> None:
        """Take the secrets that are known out of a cell, and out of what it shows."""
        if not self._known:
            return
        cell.source = self.text(cell.source)
        for output in cell.get("outputs", []):
            for name, value in output.items():
                output[name] = self._tree(value)

    def widgets(self, book: Any) -> None:
        """Take the secrets that are known out of the state of a notebook's widgets."""
        if self._known and "widgets" in book.metadata:
            book.metadata["widgets"] = self._tree(book.metadata["widgets"])

    def _tree(self, tree: Any) -> Any:
        if isinstance(tree, str):
            return self.text(tree)
        if isinstance(tree, dict):
            return type(tree)({name: self._tree(value) for name, value in tree.items()})
        return [self._tree(value) for value in tree] if isinstance(tree, list) else tree


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from _texts(each)
