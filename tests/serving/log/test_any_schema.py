"""Models of random columns, asked with random rows: what is read is what was asked."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.serving.log.compaction import compact
from jupyter_mlops.serving.log.reader import read
from jupyter_mlops.serving.model.columns import Column
from jupyter_mlops.serving.model.signature import ColumnSchema, Signature
from jupyter_mlops.settings import LogSettings

from .support import KINDS, answered, rows, writer

SOON = [*range(60), 513, 672]  # the last two: nulls beside whole numbers that no float can hold
LATER = [seed for seed in range(2000) if seed not in SOON]
NAMES = [
    "id",
    "time",
    "",
    "a",
    "a.b",
    "input",
    "input.a",
    "block.0",
    "label",
    "ünï",
    "1",
    "prediction",
    "\n",
    "A",
    "x y",
    "🦕",
    "0",
]


def cell(kind: str, chance: random.Random) -> Any:
    """A value as JSON gives it."""
    text = "".join(chance.choice("aé\0\n\"'🦕 ") for _ in range(chance.randint(0, 5)))
    return {
        "boolean": lambda: chance.random() < 0.5,
        "integer": lambda: chance.choice([0, -(2**31), 2**31 - 1, 3.0]),
        "long": lambda: chance.choice([0, -(2**63), 2**63 - 1, 2**53 + 1]),
        "float": lambda: chance.choice([0.1, -0.0, 1e-40, 3, 1e38]),
        "double": lambda: chance.choice([0.1, 1e308, 5e-324, 7]),
        "string": lambda: text,
        "binary": lambda: base64.b64encode(text.encode()).decode(),
        "datetime": lambda: chance.choice(["2024-02-29", "1700-01-01T00:00:00.5", "2200-01-01"]),
        "any": lambda: chance.choice([text, 1, 2**80, [None, {"k": [text]}], {}, False]),
    }[kind]()


def same(kind: str, given: Any, found: Any) -> bool:
    if given is None:
        return found is None or found != found
    match kind:
        case "float":
            return bool(np.float32(given) == np.float32(found))
        case "binary":
            return bool(base64.b64decode(given) == found)
        case "datetime":
            return bool(pd.Timestamp(given) == found)
        case "any":
            return bool(json.loads(found) == given)
    return bool(given == found)


@pytest.mark.parametrize("seed", [*SOON, *(pytest.param(n, marks=pytest.mark.long) for n in LATER)])
def test_what_is_read_is_what_was_asked(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    names = chance.sample(NAMES, chance.randint(1, len(NAMES)))
    kinds = [chance.choice([*KINDS] if chance.random() < 0.8 else ["double"]) for _ in names]
    required = [chance.random() < 0.6 for _ in names]
    model = Signature(
        ColumnSchema(tuple(Column(n, k, r, KINDS[k]) for n, k, r in zip(names, kinds, required, strict=True)))
    )
    asked: list[list[Any]] = []
    for _ in range(chance.randint(1, 3)):
        with writer(tmp_path, model) as log:
            for _ in range(chance.randint(1, 4)):
                batch = [
                    [
                        None
                        if (not r or k in ("float", "double", "any")) and k != "datetime" and chance.random() < 0.3
                        else cell(k, chance)
                        for k, r in zip(kinds, required, strict=True)
                    ]
                    for _ in range(chance.randint(1, 5))
                ]
                given = rows(model, names, *batch)
                log.append([answered(len(batch))], given, np.arange(len(batch)))
                asked += batch
        if chance.random() < 0.4:
            compact(tmp_path, LogSettings(days=36_500))
    table = read(tmp_path)
    assert table.num_rows == len(asked)
    assert table.column_names[8:-3] == [f"input.{name}" for name in names]
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        for row, found in zip(asked, table[f"input.{name}"].to_pylist(), strict=True):
            assert same(kind, row[place], found), (name, kind, row[place], found)
