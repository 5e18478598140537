"""What a client is told when the model itself refuses the rows: in a sentence, and of which column it is true."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd

from .columns import RequestRefused
from .signature import ColumnSchema, Rows, Schema

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z])|\n")
_ABOUT_VALUES: Final = re.compile(r"\bnans?\b|\binf|\bmissing\b|\bnulls?\b|\bNone\b|\bNA\b", re.IGNORECASE)


def refused_by_model(error: Exception, rows: Rows, schema: Schema) -> RequestRefused:
    """Write the refusal of rows that fit the signature, and that the model does not take.

    Parameters
    ----------
    error : Exception
        Of the model. Its first sentence is told: scikit-learn goes on about what one could train instead.
    rows : DataFrame or array
        What the model was asked.
    schema : ColumnSchema or TensorSchema
    """
    said = str(error).strip()
    column = None
    if isinstance(schema, ColumnSchema) and _ABOUT_VALUES.search(said):
        column = _first_without_value(rows, schema.labels, narrow="float32" in said)
    sentence = _SENTENCE.split(said, maxsplit=1)[0]
    return RequestRefused("MODEL_REFUSED_INPUT", f"The model refuses these values: {sentence}", column)


def _first_without_value(rows: Rows, labels: list[str], *, narrow: bool) -> str | None:
    frame = pd.DataFrame(rows)
    for number, label in enumerate(labels):
        cells = frame.iloc[:, number]
        if cells.isna().any():
            return label
        if isinstance(cells.dtype, np.dtype) and cells.dtype.kind == "f":
            with np.errstate(over="ignore"):  # a tree works with smaller numbers
                values = cells.to_numpy(np.float32 if narrow else None)
            if np.isinf(values).any():
                return label
    return None
