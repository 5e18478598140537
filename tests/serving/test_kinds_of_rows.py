"""Whatever rows an estimator was fitted on, a notebook sends the same, and gets what the estimator answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage

from ..conftest import Face


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tracking_uri: str) -> Iterator[None]:
    """A project for all of them, with one endpoint whose versions follow each other."""
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "mlops.toml").write_text(f'tracking_uri = "{tracking_uri}"\nexperiment = "kinds of rows"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield
        mlops.stop(all=True)


@pytest.mark.parametrize(
    "kind", ["texts in a list", "texts in a series", "mixed columns", "an array", "a search", "a transformer"]
)
def test_every_kind_of_rows_comes_back_as_the_estimator_answers(place: None, cancer: Any, kind: str) -> None:
    X_train, _, y_train, _ = cancer
    texts, mood = ["good film", "bad film", "great", "so bad"] * 9, [1, 0, 1, 0] * 9
    mixed = pd.DataFrame(
        {"city": ["Rome", "Oslo", "Ulm"] * 12, "age": range(36), "cat": pd.Categorical(list("ab") * 18)}
    )
    encode = make_column_transformer((OneHotEncoder(), ["city", "cat"]), remainder="passthrough")
    words = make_pipeline(TfidfVectorizer(), LogisticRegression())
    model, rows, target = {
        "texts in a list": (words, texts, mood),
        "texts in a series": (words, pd.Series(texts), mood),
        "mixed columns": (make_pipeline(encode, LogisticRegression(max_iter=9999)), mixed, mood),
        "an array": (KNeighborsClassifier(), X_train.to_numpy(), y_train),
        "a search": (GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [3, 5]}, cv=2), X_train, y_train),
        "a transformer": (StandardScaler(), X_train, None),
    }[kind]
    with mlops.run(kind):
        model.fit(rows, target)
    predictions = mlops.deploy(mlops.register("kinds", run="last"), name="kinds").predict(rows)
    expected = model.predict(rows) if target is not None else model.transform(rows)
    assert np.array_equal(np.asarray(predictions.values), np.asarray(expected))


@pytest.fixture(scope="module")
def strict(place: None, cancer: Any) -> str:
    """An endpoint that wants 30 columns."""
    model = KNeighborsClassifier().fit(cancer[0], cancer[2])
    name: str = mlops.deploy(mlops.register("strict", model=model, data=cancer[0]), name="strict").name
    return name


def test_rows_that_do_not_fit_are_named(face: Face, strict: str, cancer: Any) -> None:
    X_short = cancer[1].drop(columns=["mean radius"])
    outcome = face(f"predict {strict} --data X_short", X_short=X_short)
    assert outcome.exit_code == InvalidUsage.exit_code
    assert "'mean radius'" in outcome.error
    assert len(outcome.error.splitlines()) <= 3
