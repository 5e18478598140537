"""A model to be asked: a version from the registry, loaded without running its author's code, or an estimator at hand."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ... import mlmodel
from ...errors import InvalidUsage
from ...estimators import load_estimator, load_pickle
from ...frames import a_kind
from ..checks import CantSay, unquoted
from .answers import Answers, ask
from .seal import Seal


@dataclass(frozen=True)
class Candidate:
    """One model.

    Attributes
    ----------
    name : str
        As messages call it: ``tumour/3``.
    estimator : object, optional
        None where it can't be loaded safely: then its predictions are given.
    folder : Path, optional
        Its files.
    said : mapping
        What its ``MLmodel`` file says.
    source : str
        What it is, whatever its number: ``models:/m-…``.
    run_id : str
        The run that it came from.
    why_not : str
        Why it can't be asked.
    seal : Seal, optional
        What its files must fit; None where it is no version.
    classifies : bool
        Of one whose estimator does not say: whether it gives labels, by the target.
    """

    name: str
    estimator: Any = None
    folder: Path | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    run_id: str = ""
    why_not: str = ""
    seal: Seal | None = None
    classifies: bool = False

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """The columns of its signature; empty where it has none."""
        signature = self.said.get("signature")
        written = signature.get("inputs") if isinstance(signature, Mapping) else None
        found = json.loads(written) if written else []
        return found if isinstance(found, list) else []

    @property
    def wants(self) -> list[str] | None:
        """The names of its columns; None where it takes an array, or any."""
        named = [column.get("name") for column in self.inputs if column.get("type") != "tensor"]
        if named and all(name is not None for name in named):
            return [str(name) for name in named]
        fitted_on = getattr(self.estimator, "feature_names_in_", None)
        return None if fitted_on is None else [str(name) for name in fitted_on]

    @property
    def width(self) -> int | None:
        """How many columns it wants, where that is known."""
        if self.wants is not None:
            return len(self.wants)
        found = getattr(self.estimator, "n_features_in_", None)
        return None if found is None else int(found)

    def lacks(self, frame: pd.DataFrame) -> list[str]:
        """List the columns that it wants and that are not there."""
        return [name for name in self.wants or () if name not in frame.columns]

    def rows(self, frame: pd.DataFrame) -> Any:
        """Take from a frame what the model wants.

        Raises
        ------
        CantSay
            Where it lacks columns.
        """
        if lacking := self.lacks(frame):
            raise CantSay(f"The data lacks what {self.name} wants: {', '.join(lacking[:5])}.")
        if self.wants is not None:
            chosen = frame[self.wants]
            takes_names = getattr(self.estimator, "feature_names_in_", None)
            return chosen if takes_names is not None or self.inputs else chosen.to_numpy()
        if self.width is not None and self.width != frame.shape[1]:
            raise CantSay(f"{self.name} wants {self.width} columns without names, and the data has {frame.shape[1]}.")
        return frame if self.width is None else frame.to_numpy()  # one that says nothing may look for names

    def ask(self, frame: pd.DataFrame) -> Answers:
        """Ask it for all rows.

        Raises
        ------
        CantSay
            Where it can't be asked, or refuses the rows.
        """
        if self.estimator is None:
            raise CantSay(self.why_not or "Only its predictions are known.")
        rows = self.rows(frame)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ask(self.estimator, rows, classifies=self.classifies)
        except Exception as error:  # whatever a model makes of rows
            said = " ".join(unquoted(str(error), known=frame.columns).split())[:200]
            raise CantSay(f"{self.name} refuses the rows: {said or type(error).__name__}") from None

    @property
    def megabytes(self) -> float:
        """The size of its files."""
        assert self.folder is not None
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()) / 1e6


def of_folder(name: str, folder: Path, *, seal: Seal | None = None, source: str = "", run_id: str = "") -> Candidate:
    """Load the model of a folder; one that can't be loaded safely is told about, and not loaded.

    Parameters
    ----------
    name : str
    folder : Path
    seal : Seal, optional
        Says whether a pickle is loaded, which runs code of its author: where the project's key has signed these files.
    source, run_id : str
        See ``Candidate``.
    """
    from ...errors import MissingDependency, UntrustedModel

    try:
        model = mlmodel.read(folder, pickles=seal is not None and seal.opens_pickles(folder))
        estimator = load_pickle(model.file) if model.is_pickle else load_estimator(model.library, model.flavor, model.file)  # fmt: skip
    except (UntrustedModel, MissingDependency) as error:
        return Candidate(
            name, folder=folder, said=_said(folder), why_not=f"{error.message}", seal=seal, source=source, run_id=run_id
        )
    return Candidate(name, estimator, folder, model.said, seal=seal, source=source, run_id=run_id)


def of_estimator(estimator: Any) -> Candidate:
    """Take a fitted estimator.

    Raises
    ------
    InvalidUsage
        Where it can't predict.
    """
    if not callable(getattr(estimator, "predict", None)):
        raise InvalidUsage(f"{a_kind(estimator)} can't predict.", "%mlops validate model churn@challenger …")
    return Candidate(type(estimator).__name__, estimator)


def _said(folder: Path) -> Mapping[str, Any]:
    import yaml

    try:
        said = yaml.safe_load((folder / "MLmodel").read_text("utf-8")[: 4 << 20])
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return said if isinstance(said, Mapping) else {}


def noisy(frame: pd.DataFrame, names: list[str], scale: float, seed: int = 0) -> pd.DataFrame:
    """Add noise to columns of numbers, by their own spread; whole numbers stay whole."""
    chance = np.random.default_rng(seed)
    changed = frame.copy()
    for name in names:
        values = frame[name].to_numpy(dtype=float)
        moved = values + chance.normal(0, scale * float(np.nanstd(values)), len(values))
        changed[name] = moved if frame[name].dtype.kind == "f" else pd.array(np.rint(moved)).astype(frame[name].dtype)
    return changed
