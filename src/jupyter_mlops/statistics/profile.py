"""What a model was trained on, in some tens of kilobytes: a sketch of each column, and what else a monitor asks of it.

A window of predictions is a profile too: counted on the grid of the one that it is held against, so that windows add.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import Any, Final, Literal

import numpy as np

from .column import Kind
from .pairs import Pairs
from .repeats import Repeats
from .sketches import Numbers, Sketch, Words

Role = Literal["feature", "prediction"]
_FORMAT: Final = 1
_MOST_BYTES: Final = 64_000_000


@dataclass(frozen=True)
class Known:
    """One column.

    Attributes
    ----------
    kind : str
        What it holds: number, truth, text, time, mixed, or nothing.
    sketch : Numbers or Words
        Of a hidden column only how many cells are there and how many are missing.
    role : {"feature", "prediction"}
    hidden : bool
        Whether it is personal: no value of it is in here.
    """

    kind: Kind
    sketch: Sketch
    role: Role = "feature"
    hidden: bool = False

    @property
    def is_only_counted(self) -> bool:
        """Whether nothing is known of its values: they are of people, of several kinds, or name rows."""
        return (
            self.hidden or self.kind == "mixed" or (self.kind in ("number", "time") and isinstance(self.sketch, Words))
        )

    @property
    def cells(self) -> int:
        """How many rows have been looked at."""
        return self.sketch.rows + self.sketch.missing + getattr(self.sketch, "infinite", 0)


@dataclass(frozen=True)
class Profile:
    """All columns of a table.

    Attributes
    ----------
    rows : int
    columns : mapping of str to Known
    importance : mapping of str to float
        What each feature is worth to the model; they add up to 1. Empty where it is not known.
    pairs : Pairs, optional
        How numbers go together; None where there are no two of them.
    distinct : float, optional
        Of a reference: the share of its rows that would be left without copies, of ``distinct_rows`` that were looked at.
    repeats : Repeats, optional
        Of a window: which rows have come again.
    performance : mapping
        What the model was worth on data of its own time; JSON, for whoever measures performance.
    notes : tuple of str
        What was left out or sampled, in words.
    lacking : mapping of str to int
        Of a window: for how many rows a column of the reference was not there at all.
    changed : mapping of str to str
        Of a window: columns that were of another kind, and of which.
    new : mapping of str to str
        Of a window: columns that the reference has not, by their kinds.
    newest : mapping of str to (float or None, int)
        Of a piece of a window: the newest time in a column, and how many of the future are left out; a sum has none.
    """

    rows: int
    columns: Mapping[str, Known]
    importance: Mapping[str, float] = field(default_factory=dict)
    pairs: Pairs | None = None
    distinct: float | None = None
    distinct_rows: int = 0
    repeats: Repeats | None = None
    performance: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lacking: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, str] = field(default_factory=dict)
    new: Mapping[str, str] = field(default_factory=dict)
    newest: Mapping[str, tuple[float | None, int]] = field(default_factory=dict)

    def __add__(self, other: Profile) -> Profile:
        """Put two windows on one grid together: as if they had been counted at once."""
        if self.columns.keys() != other.columns.keys():
            raise ValueError("they are counted on different grids")
        columns = {
            name: replace(known, sketch=_sum(known.sketch, other.columns[name].sketch))
            for name, known in self.columns.items()
        }
        lacking = {
            name: self.lacking.get(name, 0) + other.lacking.get(name, 0) for name in {**self.lacking, **other.lacking}
        }
        return replace(
            self,
            rows=self.rows + other.rows,
            columns=columns,
            pairs=self.pairs + other.pairs if self.pairs and other.pairs else None,
            repeats=self.repeats + other.repeats if self.repeats and other.repeats else None,
            lacking=lacking,
            changed={**self.changed, **other.changed},
            new={**self.new, **other.new},
            newest={},
        )

    @cached_property
    def empty(self) -> Profile:
        """The same grid, with nothing counted on it."""
        columns = {name: replace(known, sketch=known.sketch.emptied()) for name, known in self.columns.items()}
        return Profile(0, columns, pairs=self.pairs.emptied() if self.pairs else None, repeats=Repeats.nothing())

    def of(self, role: Role) -> dict[str, Known]:
        """Give the columns of a role."""
        return {name: known for name, known in self.columns.items() if known.role == role}

    def with_answers(self, answers: Profile) -> Profile:
        """Add the columns of what the model has answered."""
        named = {name: replace(known, role="prediction") for name, known in answers.columns.items()}
        return replace(self, columns={**self.columns, **named})

    def to_bytes(self, grid: bool = True) -> bytes:
        """Write it as compressed JSON; without the grid for one that lies beside its reference."""
        said = {
            "format": _FORMAT,
            "rows": self.rows,
            "columns": {name: _packed(known, grid=grid) for name, known in self.columns.items()},
            **({"pairs": self.pairs.packed(grid=grid)} if self.pairs else {}),
            **({"repeats": self.repeats.packed()} if self.repeats else {}),
            **{name: getattr(self, name) for name in _PLAIN if getattr(self, name)},
        }
        return gzip.compress(json.dumps(said, allow_nan=False).encode(), 6, mtime=0)

    @classmethod
    def of_bytes(cls, stored: bytes, grid: Profile | None = None) -> Profile:
        """Read what ``to_bytes`` has written; ``grid`` is the reference of one that was written without its own.

        Raises
        ------
        ValueError
            Where it is none, or of a later form.
        """
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(stored)) as file:
                said = json.loads(file.read(_MOST_BYTES))  # a file of a few kilobytes may unfold into gigabytes
            columns = {
                name: _unpacked(packed, grid.columns[name] if grid else None)
                for name, packed in said["columns"].items()
            }
            plain: dict[str, Any] = {name: said[name] for name in _PLAIN if name in said}
            if "notes" in plain:
                plain["notes"] = tuple(plain["notes"])
            if "pairs" in said and (grid is None or grid.pairs):
                plain["pairs"] = Pairs.unpacked(said["pairs"], grid.pairs if grid else None)
            if "repeats" in said:
                plain["repeats"] = Repeats.unpacked(said["repeats"])
            return cls(said["rows"], columns, **plain)
        except (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"it is no profile, or one of a later release: {error}") from error

    @cached_property
    def digest(self) -> str:
        """What tells its grid from others: by it a window knows on which it is."""
        return hashlib.sha256(replace(self, performance={}).to_bytes()).hexdigest()[:12]


_PLAIN: Final = (
    "importance",
    "distinct",
    "distinct_rows",
    "performance",
    "notes",
    "lacking",
    "changed",
    "new",
    "newest",
)


def added(windows: Any, reference: Profile) -> Profile:
    """Add windows up; nothing where there are none."""
    return reduce(Profile.__add__, windows, reference.empty)


def _sum(one: Sketch, other: Sketch) -> Sketch:
    if isinstance(one, Numbers) and isinstance(other, Numbers):
        return one + other
    if isinstance(one, Words) and isinstance(other, Words):
        return one + other
    raise ValueError("they are counted on different grids")


def _packed(known: Known, *, grid: bool) -> dict[str, Any]:
    sketch = known.sketch
    said: dict[str, Any] = {"kind": known.kind}
    if known.role != "feature":
        said["role"] = known.role
    if known.hidden:
        said["hidden"] = True
    if isinstance(sketch, Words):
        counts = dict(sketch.counts) if grid else list(sketch.counts.values())
        return {**said, "words": counts, "rest": sketch.rest, "missing": sketch.missing}
    plain = {name: None if value != value else value for name, value in vars(sketch).items() if np.isscalar(value)}
    said["numbers"] = _array(sketch.counts, "<u4" if sketch.counts.max(initial=0) < 2**32 else "<i8")
    if grid:
        exact = np.array_equal(sketch.edges, sketch.edges.astype("<f4"))
        said["edges"] = _array(sketch.edges, "<f4" if exact else "<f8")
    return said | plain


def _unpacked(said: Mapping[str, Any], grid: Known | None) -> Known:
    known = {"kind": said["kind"], "role": said.get("role", "feature"), "hidden": said.get("hidden", False)}
    if "words" in said:
        counts = said["words"] if grid is None else dict(zip(grid.sketch.counts, said["words"], strict=True))
        return Known(sketch=Words(counts, said["rest"], said["missing"]), **known)
    edges = grid.sketch.edges if grid and isinstance(grid.sketch, Numbers) else _read(said["edges"]).astype(np.float64)
    plain: dict[str, Any] = {
        name: float("nan") if said[name] is None else said[name]
        for name in ("missing", "infinite", "least", "most", "mean", "squares", "below", "above")
    }
    return Known(sketch=Numbers(edges, _read(said["numbers"]).astype(np.int64), **plain), **known)


def _array(values: Any, kind: str) -> list[str]:
    return [kind, base64.b64encode(values.astype(kind).tobytes()).decode()]


def _read(said: list[str]) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(said[1]), dtype=said[0])
