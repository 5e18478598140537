"""What the tests of the log share: signatures, rows, requests and a writer."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlops.serving.log.privacy import Privacy
from jupyter_mlops.serving.log.writer import Answered, LogWriter
from jupyter_mlops.serving.model.columns import Column
from jupyter_mlops.serving.model.signature import _DTYPES, ColumnSchema, Signature, TensorSchema
from jupyter_mlops.serving.model.table import Table

NOON = 1_763_985_600.0  # 2025-11-24 12:00 UTC
DAY = 86_400.0
_numbers = itertools.count()

KINDS = {**_DTYPES, "any": np.dtype("O")}


def signature(required: bool = True, /, **columns: str) -> Signature:
    """A signature of these columns and MLflow types."""
    return Signature(ColumnSchema(tuple(Column(n, kind, required, KINDS[kind]) for n, kind in columns.items())))


def tensor(dtype: str, *shape: int) -> Signature:
    return Signature(TensorSchema(Column(None, dtype, True, np.dtype(dtype)), shape))


NUMBERS = signature(a="double", b="double")


def rows(signature: Signature, names: list[str] | None, *cells: Any) -> Any:
    """Rows as a request brings them, checked."""
    return signature.inputs.frame(Table(names, list(cells)))


def numbers(count: int) -> pd.DataFrame:
    a = np.arange(count, dtype=float)
    return pd.DataFrame(np.array([a, 2 * a]).T, columns=["a", "b"], copy=False)


def writer(
    folder: Path, signature: Signature = NUMBERS, *, version: int = 1, privacy: Privacy | None = None
) -> LogWriter:
    return LogWriter(
        folder, signature, endpoint="tumour", model="tumour", version=version, privacy=privacy or Privacy()
    )


def answered(count: int = 1, *, time: float = NOON, **more: Any) -> Answered:
    return Answered(more.pop("id", f"request-{next(_numbers)}"), time, more.pop("latency_ms", 1.5), count, **more)


def append(log: LogWriter, count: int = 1, *, time: float = NOON, predictions: Any = None, **more: Any) -> str:
    """Append one request, and give its id."""
    request = answered(count, time=time, **more)
    log.append([request], numbers(count), np.arange(count) if predictions is None else predictions)
    return request.id
