"""What the processes of versions are forked from: it has imported what models need, and holds no model."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def leaving_out(*names: str) -> Iterator[None]:
    """Let libraries be imported as if these were not installed.

    scikit-learn asks for pytest and Dask where they are there, and does with them nothing that an endpoint could want:
    0.4 s of the first answer, and 15 MB. A model that wants one finds it later on.
    """
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None stops an import
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with leaving_out("dask", "pytest"):
    from ... import estimators  # noqa: F401  # first: skops looks through all modules that are there, for each of its types
    from . import process  # noqa: F401
    from .shortcut import for_arrays

for_arrays()

# What has been imported stays for good: no collection looks at it, nor copies its pages into every process.
gc.collect()
gc.freeze()
