"""Bodies that were right once: none is answered with a 5xx, and what is answered is what a second reader makes of it."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
import requests
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from . import reference

ROWS = pd.DataFrame(
    {
        "a": [0.5, -1.25, 1e-3, 7.0, 2.5, 1e9] * 5,
        "b": range(30),
        "c": ["x", "y:z", "ü", "", "null", "{}"] * 5,
        "d": [True, False, True, True, False, False] * 5,
    }
)
UNKNOWN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
MODEL = make_pipeline(
    make_column_transformer((OrdinalEncoder(**UNKNOWN), ["c"]), remainder="passthrough"),
    HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=1),
).fit(ROWS, [row * 1.5 for row in range(30)])
TOKENS = [
    b"null", b"true", b"-1", b"2.0", b"2.5", b"1e400", b"-1e400", b"NaN", b"-Infinity", b"1180591620717411303424", b"9" * 400,
    b'"a"', b'"\\ud800"', b'"\\u0000"', b"[]", b"{}", b"[1]", b"-0.0", b"1e3", b"01", b"9223372036854775808", b'"\xff"',
    b"[" * 1000 + b"]" * 1000, b'{"a":' * 1000 + b"1" + b"}" * 1000, b'"a":1,"a":2', b"", b" ", b"/**/", b"1e-400", b"0" * 50,
]  # fmt: skip


def bodies() -> list[bytes]:
    """Write good ones, in every format."""
    few = ROWS[:3]
    formats: list[Any] = [
        {"dataframe_split": few.to_dict(orient="split")},
        {"dataframe_split": {"data": few.to_numpy().tolist()}},
        {"dataframe_records": few.to_dict(orient="records")},
        {"instances": few.to_dict(orient="records")},
        {"instances": few.to_numpy().tolist()},
        {"inputs": few.to_dict(orient="list"), "params": {"t": 1}},
        {"inputs": few.iloc[0].to_dict()},
    ]
    return [json.dumps(each).encode() for each in formats]


def mutated(seed: int, count: int) -> Iterator[bytes]:
    """Spoil good bodies: in their bytes, in their tokens, and in what they are made of."""
    chance = random.Random(seed)
    good = bodies()
    for _ in range(count):
        body = chance.choice(good)
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            body = chance.choice([_byte, _cut, _token, _token, _token, _repeat, _structure, _structure])(body, chance)
        yield body


def _byte(body: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(body) + 1)
    return body[:place] + bytes([chance.randrange(256)]) + body[place + chance.choice([0, 1]) :]


def _cut(body: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(body) + 1)
    return body[:start] + body[start + chance.choice([1, 2, 5, len(body)]) :]


def _repeat(body: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(body) + 1)
    part = body[start : start + chance.randrange(1, 40)]
    return body[:start] + part + body[start:]


def _token(body: bytes, chance: random.Random) -> bytes:
    """Put something else in the place of a value."""
    starts = [place + 1 for place, byte in enumerate(body) if byte in b"[,:"]
    if not starts:
        return body
    start = chance.choice(starts)
    end = next((place for place in range(start, len(body)) if body[place] in b",]}"), len(body))
    return body[:start] + chance.choice(TOKENS) + body[end:]


def _structure(body: bytes, chance: random.Random) -> bytes:
    """Take out, rename, wrap or double a part of what it is made of."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    at: Any = document
    while True:
        if not isinstance(at, list | dict) or not at:
            break
        step = chance.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if chance.random() < 0.5:
            _change(at, step, chance)
            break
        at = at[step]
    try:
        return json.dumps(document).encode()
    except RecursionError:
        return body


def _change(at: Any, step: Any, chance: random.Random) -> None:
    what = chance.randrange(5)
    if what == 0:
        del at[step]
    elif what == 1 and isinstance(at, dict):
        at[chance.choice(["a", "b", "e", "instances", "columns", "0", "params"])] = at.pop(step)
    elif what == 2:
        at[step] = [at[step]]
    elif what == 3 and isinstance(at, list):
        at.insert(step, at[step])
    else:
        at[step] = chance.choice([None, True, 1, 2.0, 0.5, "x", [], {}, 2**62, float("nan")])


@pytest.fixture(scope="module")
def url(served: Callable[..., Any]) -> str:
    """Where the model is asked."""
    return f"{served('mutated', MODEL, ROWS).url}/invocations"


def check(url: str, seed: int, count: int) -> Counter[int]:
    """Send mutated bodies, and hold every answer beside the second reader's."""
    seen: Counter[int] = Counter()
    with requests.Session() as session:
        for body in mutated(seed, count):
            answer = session.post(url, data=body, timeout=20)
            said = answer.json()
            seen[answer.status_code] += 1
            rows = reference.read(body)
            if rows is None:
                assert answer.status_code == 400, (body, said)
                assert set(said) == {"error_code", "message", "column"}
                assert said["column"] is None or isinstance(said["column"], str)
                continue
            frame = pd.DataFrame([row.model_dump() for row in rows], columns=list(ROWS)).astype({"a": float})
            assert answer.status_code == 200, (body, said)
            assert said["predictions"] == MODEL.predict(frame).tolist(), body
    return seen


def test_mutated_bodies_are_refused_or_read_as_a_second_reader_does(url: str) -> None:
    seen = check(url, 1, 600)
    assert set(seen) == {200, 400}
    assert min(seen.values()) > 20


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_five_thousand_mutated_bodies(url: str) -> None:
    assert set(check(url, 2, 5000)) == {200, 400}
