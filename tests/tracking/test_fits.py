"""Which fit counts: the user's own last one, and not the steps that scikit-learn takes for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from jupyter_mlops.fingerprint import fingerprint
from jupyter_mlops.tracking.fits import Fits, label
from jupyter_mlops.tracking.kept import keep, some_rows


@pytest.fixture
def data(cancer: Any) -> tuple[Any, Any]:
    return cancer[0].head(120), cancer[2].head(120)


def test_the_last_predictor_counts_not_a_later_scaler(data: Any) -> None:
    with Fits() as fits:
        model = GaussianNB().fit(*data)
        StandardScaler().fit_transform(data[0])
    assert fits.last is not None
    assert fits.last.estimator is model
    assert fits.last.features is not None
    assert fits.last.features.data.equals(data[0])


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(n_estimators=3, n_jobs=2),
        RFE(LogisticRegression(max_iter=5000), n_features_to_select=28),
        StackingClassifier([("a", GaussianNB()), ("b", DecisionTreeClassifier())], cv=2),
    ],
    ids=lambda model: type(model).__name__,
)
def test_what_is_made_of_others_counts_as_a_whole(data: Any, model: Any) -> None:
    with Fits() as fits:
        model.fit(*data)
    assert fits.last is not None
    assert fits.last.estimator is model


def test_of_a_search_the_best_counts(data: Any) -> None:
    with Fits() as fits:
        search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2).fit(*data)
    assert fits.last is not None
    assert fits.last.estimator is search.best_estimator_


def test_folds_of_a_cross_validation_do_not_count(data: Any) -> None:
    with Fits() as fits:
        cross_val_score(GaussianNB(), *data, cv=3)
    assert fits.last is None


def test_classes_that_appear_meanwhile_are_seen_too(data: Any) -> None:
    with Fits() as fits:

        class Mine(ClassifierMixin, BaseEstimator):
            def fit(self, X: Any, y: Any) -> Any:
                GaussianNB().fit(X, y)
                return self

            def predict(self, X: Any) -> Any:
                return [0] * len(X)

        model = Mine().fit(*data)
    assert fits.last is not None
    assert fits.last.estimator is model


def test_everything_is_as_before_afterwards(data: Any) -> None:
    before = {cls: dict(vars(cls)) for cls in (BaseEstimator, GaussianNB, RandomForestClassifier)}
    with Fits(), pytest.raises(ValueError, match="inconsistent"):
        GaussianNB().fit(data[0], data[1].head(3))
    for cls, attributes in before.items():
        assert dict(vars(cls)) == attributes


def test_labels_name_the_steps() -> None:
    assert label(make_pipeline(StandardScaler(), GaussianNB())) == "StandardScaler → GaussianNB"
    assert label(make_pipeline("passthrough", GaussianNB())) == "passthrough → GaussianNB"


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda X: X.copy(), lambda X: X.__setitem__("extra", 0.0)),
        (lambda X: X.copy(), lambda X: X.iloc.__setitem__((slice(None), 0), 0.0)),
        (lambda X: X.to_numpy().copy(), lambda X: X.__setitem__(slice(None), 0.0)),
        (lambda X: np.tile(X.to_numpy(), (3000, 1)), lambda X: X.__setitem__(slice(None), 0.0)),
        (lambda X: scipy.sparse.csr_matrix(X), lambda X: X.data.__setitem__(slice(None), 0.0)),
        (lambda X: X.to_numpy().tolist(), lambda X: X.clear()),
        (lambda X: pl.from_pandas(X), lambda X: X.insert_column(0, pl.lit(0.0).alias("extra"))),
    ],
    ids=["a column more", "pandas", "numpy", "large", "sparse", "a list", "polars"],
)
def test_what_was_fitted_on_is_what_it_was_then(data: Any, make: Any, change: Any) -> None:
    features = make(data[0])
    target = list(data[1]) * (features.shape[0] // 120 if hasattr(features, "shape") else 1)
    before = fingerprint(features)
    with Fits() as fits:
        model = GaussianNB() if not scipy.sparse.issparse(features) else DecisionTreeClassifier()
        model.fit(features, target)
        change(features)
    assert fits.last is not None
    assert fits.last.features is not None
    assert fits.last.features.fingerprint() == before
    assert len(set(model.predict(fits.last.features.rows()))) == (1 if len(target) > 1000 else 2)  # every 3600th row


@pytest.mark.parametrize("data", ["data.csv", {"a": 1}, {1, 2}, (each for each in "ab"), 3, None, np.array(3)])
def test_data_without_rows_give_none(data: Any) -> None:
    kept = keep(data)
    assert kept is None or kept.rows() is None


def test_rows_are_spread_evenly() -> None:
    assert some_rows(pa.table({"a": range(1000)}))["a"].to_pylist() == list(range(0, 1000, 10))
    assert some_rows(scipy.sparse.coo_matrix(np.eye(3))).shape == (3, 3)
    assert list(some_rows(list(range(5)))) == [0, 1, 2, 3, 4]
