"""The question that scikit-learn asks of every array: answered alike, and without narwhals."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_ASK = """
import json
import numpy as np, pandas as pd
from narwhals.stable.v2 import dependencies
from sklearn.linear_model import LogisticRegression
from sklearn.utils import validation
from jupyter_mlops.serving.model import shortcut

asked = []
def seen(name):
    ask = getattr(dependencies, name)
    def see(thing):
        asked.append(type(thing).__name__)
        return ask(thing)
    setattr(dependencies, name, see)
X, y = np.arange(20.0).reshape(10, 2), np.arange(10) > 4
frame = pd.DataFrame(X, columns=["a", "b"])
model = LogisticRegression().fit(frame, y)
for name in ("is_into_dataframe", "is_into_series"):
    seen(name)
before = model.predict(X).tolist()
count = asked.count("ndarray")
shortcut.for_arrays()
asked.clear()
after = model.predict(X).tolist()
things = [X, frame, frame["a"], [1], None, np.matrix([1])]
print(json.dumps({
    "before": count,
    "after": asked.count("ndarray"),
    "same": before == after == model.predict(frame).tolist(),
    "frames": [dependencies.is_into_dataframe(thing) for thing in things],
    "series": [dependencies.is_into_series(thing) for thing in things],
}))
"""


def test_an_array_is_answered_at_once_and_all_else_as_before() -> None:
    pytest.importorskip("narwhals", reason="this scikit-learn asks nobody")
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", _ASK], capture_output=True, text=True, check=True)
    said = json.loads(run.stdout)
    assert said["before"] > 0, "this scikit-learn asks in another way, and the shortcut is none"
    assert said["after"] == 0
    assert said["same"]
    assert said["frames"] == [False, True, False, False, False, False]
    assert said["series"] == [False, False, True, False, False, False]
