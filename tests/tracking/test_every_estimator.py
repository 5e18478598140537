"""Every estimator of scikit-learn is stored, loaded by the strict loader, and answers as it did before."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell
from scipy.sparse import csr_array, issparse
from scipy.stats import loguniform
from sklearn import (
    calibration,
    cluster,
    compose,
    config_context,
    ensemble,
    gaussian_process,
    impute,
    linear_model,
    metrics,
    model_selection,
    multioutput,
    neighbors,
    neural_network,
    preprocessing,
    svm,
    tree,
)
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - makes impute.IterativeImputer
from sklearn.feature_extraction import text
from sklearn.feature_selection import SelectKBest, mutual_info_classif, r_regression
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import kernels
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import all_estimators, get_tags
from threadpoolctl import threadpool_limits

import jupyter_mlops as mlops
from jupyter_mlops.backend import fetching, models, versions
from jupyter_mlops.entities import ModelRef
from jupyter_mlops.errors import InvalidUsage, UntrustedModel
from jupyter_mlops.estimators import load_estimator
from jupyter_mlops.serving.model.loader import LoadedModel, load_model
from jupyter_mlops.serving.model.predictor import Predictor
from jupyter_mlops.serving.model.table import Table
from jupyter_mlops.serving.wire import Frame
from jupyter_mlops.workspace import Workspace

# What keeps an estimator from being stored, or once it is stored from being asked about new rows.
ONLY_ITS_OWN_ROWS = "no predict and no transform"
NO_SIGNATURE = "no signature"  # MLflow has none for lists of dicts, and for lists of several lengths
A_RING = "Birch are not supported"  # its leaves are chained forwards and backwards, and skops writes no rings
EXCEPTIONS = {
    "AgglomerativeClustering": ONLY_ITS_OWN_ROWS,
    "Birch": A_RING,
    "ClassicalMDS": ONLY_ITS_OWN_ROWS,
    "DBSCAN": ONLY_ITS_OWN_ROWS,
    "DictVectorizer": NO_SIGNATURE,
    "EmpiricalCovariance": ONLY_ITS_OWN_ROWS,
    "FeatureHasher": NO_SIGNATURE,
    "GraphicalLasso": ONLY_ITS_OWN_ROWS,
    "GraphicalLassoCV": ONLY_ITS_OWN_ROWS,
    "HDBSCAN": ONLY_ITS_OWN_ROWS,
    "LedoitWolf": ONLY_ITS_OWN_ROWS,
    "LocalOutlierFactor": ONLY_ITS_OWN_ROWS,  # with novelty=True it answers: see CHOICES
    "MDS": ONLY_ITS_OWN_ROWS,
    "MinCovDet": ONLY_ITS_OWN_ROWS,
    "MultiLabelBinarizer": NO_SIGNATURE,
    "NearestNeighbors": ONLY_ITS_OWN_ROWS,
    "OAS": ONLY_ITS_OWN_ROWS,
    "OPTICS": ONLY_ITS_OWN_ROWS,
    "ShrunkCovariance": ONLY_ITS_OWN_ROWS,
    "SpectralBiclustering": ONLY_ITS_OWN_ROWS,
    "SpectralClustering": ONLY_ITS_OWN_ROWS,
    "SpectralCoclustering": ONLY_ITS_OWN_ROWS,
    "SpectralEmbedding": ONLY_ITS_OWN_ROWS,
    "TSNE": ONLY_ITS_OWN_ROWS,
}
# Transformers that are no step before a predictor: they take the target alone, or with the rows, give back other rows,
# or have no transform.
NO_STEPS = {"CCA", "IsotonicRegression", "LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer", "PatchExtractor"}
NO_STEPS |= {"PLSCanonical", "PLSRegression", "PLSSVD", "TSNE"}
ANSWERS = ("predict", "predict_proba", "decision_function", "score_samples", "transform")

X, Y = (array[::3] for array in load_iris(return_X_y=True))
HOLES = np.where(np.arange(X.size).reshape(X.shape) % 11 == 0, np.nan, X)
TEXTS = [line for line in load_iris().DESCR.splitlines() if len(line.split()) > 4]
FRAME = pd.DataFrame(X, columns=list("abcd")).assign(
    kind=np.where(X[:, 0] > 5.5, "big", "small"), color=pd.Categorical(np.where(X[:, 1] > 3, "red", "blue"))
)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Fit in one thread: the data is small, and several only stand in each other's way."""
    with threadpool_limits(1):
        yield


def built(cls: type) -> Iterator[Any]:
    """Build an estimator as scikit-learn's own common tests do: each once, some with several choices."""
    from sklearn.utils._test_common.instance_generator import _construct_instances

    if cls is FrozenEstimator:  # which they leave out
        yield FrozenEstimator(LogisticRegression(max_iter=1000).fit(X, Y))
    else:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of a class with its last year to live
            yield from _construct_instances(cls)


def data_for(estimator: Any) -> tuple[Any, ...]:
    """Give the data that an estimator takes: iris, as its tags want it, but to the few that have a taste of their own."""
    from sklearn.utils.estimator_checks import _enforce_estimator_tags_X, _enforce_estimator_tags_y

    match type(estimator).__name__:
        case "CountVectorizer" | "TfidfVectorizer" | "HashingVectorizer":
            return TEXTS, Y[: len(TEXTS)]
        case "DictVectorizer" | "FeatureHasher":
            return FRAME.drop(columns="color").to_dict("records"), Y
        case "LabelBinarizer" | "LabelEncoder":
            return (Y,)
        case "MultiLabelBinarizer":
            return ([("red",), ("red", "blue")],)
        case "PatchExtractor":
            return (load_digits().images[:3].repeat(2, axis=1).repeat(2, axis=2),)  # in patches of a tenth
        case "ClassifierChain":
            return X, np.column_stack([Y > 0, Y > 1])
        case "SparseCoder":
            return X[:, :3], Y  # its dictionary has 3 columns
    rows = HOLES if get_tags(estimator).input_tags.allow_nan else X
    return _enforce_estimator_tags_X(estimator, rows.copy()), _enforce_estimator_tags_y(estimator, Y.copy())


# scikit-learn rightly warns of 50 rows and 5 iterations, and of classes in their last year: that is not at stake here.
few_rows = pytest.mark.filterwarnings("ignore")

ESTIMATORS = {
    f"{name}-{number}" if number else name: estimator
    for name, cls in all_estimators()
    for number, estimator in enumerate(built(cls))
}
STEPS = {name: next(built(cls)) for name, cls in all_estimators("transformer") if name not in NO_STEPS}


def fit(estimator: Any, *data: Any) -> Any:
    from sklearn.utils._testing import set_random_state

    set_random_state(estimator)
    return estimator.fit(*data)


def assert_equal(got: Any, wanted: Any) -> None:
    if isinstance(wanted, list):  # of several outputs, one array each
        for one, other in zip(got, wanted, strict=True):
            assert_equal(one, other)
        return
    if issparse(wanted):
        assert (got != wanted).nnz == 0
        return
    got, wanted = np.asarray(got), np.asarray(wanted)
    if wanted.dtype.kind == "f":
        np.testing.assert_allclose(got, wanted, rtol=1e-12)
    else:
        np.testing.assert_array_equal(got, wanted)


def assert_same(loaded: Any, estimator: Any, rows: Any) -> None:
    """Hold all that the two answer, and all that was fitted, against each other."""
    for method in ANSWERS:
        if hasattr(estimator, method):
            assert_equal(getattr(loaded, method)(rows), getattr(estimator, method)(rows))
    for name, value in vars(estimator).items():
        if name.endswith("_") and isinstance(value, np.ndarray) and value.dtype != object:
            assert_equal(getattr(loaded, name), value)


def assert_served(estimator: Any, rows: Any, folder: Path) -> None:
    """Store a fitted estimator, load it as the worker does, and ask it with the rows as a request brings them."""
    models.save(estimator, folder / "model", rows)
    model = load_model(folder / "model")
    dense = rows.toarray() if issparse(rows) else rows
    table = Table.of(dense) if isinstance(dense, pd.DataFrame) else Table(None, np.asarray(dense).tolist())
    assert_equal(model.predict(model.signature.inputs.frame(table)), getattr(estimator, model.method)(rows))
    assert_same(model.predict.__self__, estimator, rows)
    if not isinstance(estimator, text.HashingVectorizer):  # a million columns: as JSON, minutes
        assert_same_together(model, table)


def assert_same_together(model: LoadedModel, table: Table) -> None:
    """Ask with 40 rows, one a request: all that wait together, and each alone."""

    def plain(cells: Any) -> Any:
        if isinstance(cells, list | tuple):
            return [plain(cell) for cell in cells]
        return None if cells != cells else cells

    rows = (list(table.rows) * 40)[:200:5]  # so many that products of matrices are summed in blocks
    content: list[Any] = [{"instances": [plain(row)]} for row in rows]
    if table.names is not None:
        content = [{"dataframe_split": {"columns": table.names, "data": [plain(row)]}} for row in rows]
    bodies = [json.dumps(each, default=str).encode() for each in content]
    frames = [Frame(key, {"id": str(key), "time": 0.0, "role": "champion"}, body) for key, body in enumerate(bodies)]
    predictor = Predictor(model)
    together = dict(predictor.answer(frames))
    alone = dict(reply for frame in frames for reply in predictor.answer([frame]))
    assert {key: reply.status for key, reply in together.items()} == {key: reply.status for key, reply in alone.items()}
    # One whose answers hang on the rows beside it may refuse a single row: the predictor behind it gets only zeros.
    assert {reply.status for reply in alone.values()} == {200} or not model.answers_rows_alike
    for key, reply in alone.items():
        if reply.status == 200:
            assert_equal(*(json.loads(each.body)["predictions"] for each in (together[key], reply)))


@few_rows
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator(name: str, tmp_path: Path) -> None:
    estimator = ESTIMATORS[name]
    rows, *target = data_for(estimator)
    fit(estimator, rows, *target)
    if reason := EXCEPTIONS.get(type(estimator).__name__):
        with pytest.raises(InvalidUsage, match=reason):
            assert_served(estimator, rows, tmp_path)
    else:
        assert_served(estimator, rows, tmp_path)
    if reason in (ONLY_ITS_OWN_ROWS, NO_SIGNATURE):  # is stored nevertheless
        assert_same(load_estimator("sklearn", {}, tmp_path / "model" / "model.skops"), estimator, rows)


def test_no_exception_is_out_of_date() -> None:
    assert EXCEPTIONS.keys() | NO_STEPS <= {name for name, _ in all_estimators()}


@few_rows
@pytest.mark.parametrize("name", STEPS)
def test_every_transformer_before_a_predictor(name: str, tmp_path: Path) -> None:
    rows, *_ = data_for(STEPS[name])
    model = fit(make_pipeline(STEPS[name], tree.DecisionTreeClassifier(max_depth=3)), rows, Y[: len(rows)])
    if reason := EXCEPTIONS.get(name):
        with pytest.raises(InvalidUsage, match=reason):
            assert_served(model, rows, tmp_path)
    else:
        assert_served(model, rows, tmp_path)


BINARY = (Y > 0).astype(int)
DIABETES = tuple(array[:60] for array in load_diabetes(return_X_y=True))
METRIC_PARAMS = {"seuclidean": {"V": X.var(0)}, "mahalanobis": {"VI": np.linalg.inv(np.cov(X.T))}}


ALIASES = {"cityblock", "infinity", "l1", "l2", "p", "pyfunc"}


def neighbours(metric: str) -> Any:
    return neighbors.KNeighborsClassifier(algorithm="ball_tree", metric=metric, metric_params=METRIC_PARAMS.get(metric))


# What notebooks choose among the parameters, where that puts other types into the file.
CHOICES = {
    "boosting a frame": (
        ensemble.HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5),
        FRAME[["a", "color"]],
        Y,
    ),
    "boosting quantiles": (
        ensemble.HistGradientBoostingRegressor(loss="quantile", quantile=0.3, max_iter=3),
        *DIABETES,
    ),
    "boosting gamma": (ensemble.HistGradientBoostingRegressor(loss="gamma", max_iter=3), *DIABETES),
    "boosting an estimator": (
        ensemble.GradientBoostingClassifier(loss="exponential", init=LogisticRegression(), n_estimators=3),
        X,
        BINARY,
    ),
    "calibrated by steps": (calibration.CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=2), X, Y),
    "calibrated by a temperature": (
        calibration.CalibratedClassifierCV(FrozenEstimator(LogisticRegression().fit(X, Y)), method="temperature"),
        X,
        Y,
    ),
    "chosen by a score": (SelectKBest(r_regression, k=2), *DIABETES),
    "chosen by a score with an argument": (
        SelectKBest(functools.partial(mutual_info_classif, random_state=0), k=2),
        X,
        Y,
    ),
    "columns by type": (
        compose.make_column_transformer(
            (preprocessing.OneHotEncoder(), compose.make_column_selector(dtype_include=object)),
            (StandardScaler(), compose.make_column_selector(dtype_include=np.number)),
            remainder="drop",
        ),
        FRAME.astype({"kind": object}),
        Y,
    ),
    "columns and the rest": (
        compose.make_column_transformer((preprocessing.OneHotEncoder(), ["kind"]), remainder="passthrough"),
        FRAME.drop(columns="color"),
        Y,
    ),
    "distance by a kernel": (svm.SVC(kernel=metrics.pairwise.laplacian_kernel), X, Y),
    "labels of words": (ensemble.RandomForestClassifier(3), X, np.array(["a", "b", "c"])[Y]),
    "forest with a generator": (ensemble.RandomForestClassifier(3, random_state=np.random.RandomState(0)), X, Y),
    "forest scored outside the bag": (ensemble.RandomForestClassifier(9, oob_score=metrics.accuracy_score), X, Y),
    "kernels": (
        gaussian_process.GaussianProcessRegressor(
            kernels.Matern() * kernels.DotProduct()
            + kernels.PairwiseKernel(metric="laplacian")
            + kernels.WhiteKernel(),
            optimizer=None,
        ),
        *DIABETES,
    ),
    "functions of numpy and of scikit-learn": (
        make_pipeline(
            FunctionTransformer(np.log1p),
            FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 1}),
            FunctionTransformer(functools.partial(preprocessing.normalize, norm="l1")),
            StandardScaler(),
        ),
        X,
        Y,
    ),
    "network by gradient": (neural_network.MLPClassifier((3,), solver="sgd", max_iter=3), X, Y),
    "network by curvature": (neural_network.MLPClassifier((3,), solver="lbfgs", max_iter=3), X, Y),
    "novelties": (neighbors.LocalOutlierFactor(novelty=True, algorithm="ball_tree", metric="manhattan"), X),
    "imputed by a forest": (
        impute.IterativeImputer(ensemble.RandomForestRegressor(2), max_iter=1, add_indicator=True),
        HOLES,
    ),
    "outputs, several": (multioutput.MultiOutputClassifier(ensemble.RandomForestClassifier(2)), X, np.c_[Y, BINARY]),
    "outputs as frames": (
        make_pipeline(StandardScaler(), StandardScaler()).set_output(transform="pandas"),
        FRAME[["a", "b"]],
    ),
    "pooled by a function": (cluster.FeatureAgglomeration(2, pooling_func=np.max), X),
    "searched by a metric": (
        model_selection.GridSearchCV(
            LogisticRegression(),
            {"C": [1, 2]},
            scoring=metrics.make_scorer(metrics.fbeta_score, beta=2),
            cv=model_selection.RepeatedStratifiedKFold(n_splits=2, n_repeats=1),
        ),
        X,
        BINARY,
    ),
    "searched among steps": (
        model_selection.GridSearchCV(
            make_pipeline(StandardScaler(), LogisticRegression()),
            {"standardscaler": [StandardScaler(), "passthrough"]},
            cv=2,
        ),
        X,
        Y,
    ),
    "sparse": (neighbors.KNeighborsClassifier(3), csr_array(X), Y),
    "stacked over folds": (
        ensemble.StackingClassifier([("a", LogisticRegression())], cv=model_selection.StratifiedKFold(2)),
        X,
        Y,
    ),
    "target by its logarithm": (
        compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1),
        *DIABETES,
    ),
    "target by its quantiles": (
        compose.TransformedTargetRegressor(
            linear_model.Ridge(), transformer=preprocessing.QuantileTransformer(n_quantiles=9)
        ),
        *DIABETES,
    ),
    "text in a column": (
        compose.ColumnTransformer([("words", text.TfidfVectorizer(stop_words="english"), "text")]),
        pd.DataFrame({"text": TEXTS}),
    ),
    "threshold by a metric": (
        model_selection.TunedThresholdClassifierCV(LogisticRegression(), scoring="f1", cv=2),
        X,
        BINARY,
    ),
    "tweedie": (linear_model.TweedieRegressor(power=1.5, link="log", max_iter=5), *DIABETES),
} | {
    f"neighbours by {metric}": (neighbours(metric), X[:, :2] if metric == "haversine" else X, Y)
    for metric in neighbors.VALID_METRICS["ball_tree"]
    if metric not in ALIASES
}


@few_rows
@pytest.mark.parametrize("name", CHOICES)
def test_what_notebooks_choose(name: str, tmp_path: Path) -> None:
    estimator, rows, *target = CHOICES[name]
    assert_served(fit(estimator, rows, *target), rows, tmp_path)


def grade(target: Any, answers: Any) -> Any:
    return (target == answers).mean(keepdims=True)


class Own(ClassifierMixin, BaseEstimator):
    def fit(self, X: Any, y: Any) -> Own:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


SEARCHED = model_selection.RandomizedSearchCV(LogisticRegression(), {"C": loguniform(0.1, 1)}, n_iter=2, cv=2)
with config_context(enable_metadata_routing=True):
    ROUTED = LogisticRegression().set_fit_request(sample_weight=True)
REFUSED = {
    "a function of the notebook": (
        make_pipeline(FunctionTransformer(lambda rows: rows), LogisticRegression()),
        "<lambda>",
    ),
    "a class of the notebook": (make_pipeline(StandardScaler(), Own()), "test_every_estimator.Own"),
    "a metric of the notebook": (
        model_selection.GridSearchCV(LogisticRegression(), {"C": [1]}, scoring=metrics.make_scorer(grade), cv=2),
        "grade",
    ),
    "a function behind a partial": (FunctionTransformer(functools.partial(grade, X[0])), "test_every_estimator.grade"),
    # scipy runs a text that the file holds when it reads one of its distributions.
    "distributions of scipy": (SEARCHED, "scipy.stats"),
    # These two hold themselves: the one by a method left over from the fit, the other as owner of its requests.
    "boosting that stops by a metric": (
        ensemble.HistGradientBoostingClassifier(max_iter=3, early_stopping=True, scoring="accuracy"),
        "refers to itself",
    ),
    "routed metadata": (ROUTED, "refers to itself"),
}


@few_rows
@pytest.mark.parametrize("name", REFUSED)
def test_what_would_run_code_is_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    estimator, reason = REFUSED[name]
    fit(estimator, X, Y)
    with pytest.raises(InvalidUsage, match=reason) as refused:
        models.save(estimator, tmp_path / "model", X)
    assert "can't be stored so that loading it runs no code" in str(refused.value)
    assert "--no-model" in str(refused.value.hint)


@few_rows
def test_a_fresh_worker_loads_what_is_experimental(tmp_path: Path) -> None:
    """What scikit-learn itself must be asked for first, and skops knows only then, is not asked for in the worker."""
    estimator, rows = CHOICES["imputed by a forest"]
    models.save(fit(estimator, rows), tmp_path / "model", rows)
    script = """
import sys
from pathlib import Path
from jupyter_mlops.serving.model.loader import load_model
model = load_model(Path(sys.argv[1]))
print(model.predict(model.input_example).tolist())
assert "mlflow" not in sys.modules
"""
    worker = [sys.executable, "-c", script, str(tmp_path / "model")]
    done = subprocess.run(worker, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == estimator.transform(rows[:3]).tolist()


def push(answers: Any, target: Any) -> tuple[Any, Any]:
    """An objective of the notebook's own."""
    return answers - target, np.ones_like(answers)


BOOSTERS = {
    "XGBClassifier": ("xgboost", {}, FRAME[list("abcd")], Y),
    "XGBRegressor": ("xgboost", {"objective": "count:poisson", "base_score": 0.7}, *DIABETES),
    "XGBRegressor, own objective": ("xgboost", {"objective": push}, *DIABETES),
    "XGBRegressor, linear": ("xgboost", {"booster": "gblinear"}, *DIABETES),
    "XGBRegressor, several outputs": ("xgboost", {}, X, np.c_[Y, BINARY]),
    "XGBRFClassifier": ("xgboost", {}, HOLES, BINARY),
    "LGBMClassifier": ("lightgbm", {"class_weight": "balanced"}, X, np.array(["a", "b", "c"])[Y]),
    "LGBMRegressor": ("lightgbm", {"boosting_type": "dart", "random_state": np.random.RandomState(0)}, *DIABETES),
}


def boosted(name: str) -> tuple[Any, Any]:
    """Fit one of the boosters; give it and its rows."""
    library, choice, rows, target = BOOSTERS[name]
    quiet = {"verbose": -1} if library == "lightgbm" else {}
    cls = getattr(pytest.importorskip(library), name.partition(",")[0])
    return cls(n_estimators=3, **quiet, **choice).fit(rows, target), rows


@few_rows
@pytest.mark.parametrize("name", BOOSTERS)
def test_boosters_go_by_their_own_flavor_and_answer_as_before(name: str, tmp_path: Path) -> None:
    estimator, rows = boosted(name)
    assert_served(estimator, rows, tmp_path)
    mlmodel = yaml.safe_load((tmp_path / "model" / "MLmodel").read_text())
    assert set(mlmodel["flavors"]) == {"python_function", BOOSTERS[name][0]}
    assert f"{BOOSTERS[name][0]}==" in (tmp_path / "model" / "requirements.txt").read_text()


@few_rows
@pytest.mark.parametrize("name", ["XGBClassifier", "LGBMClassifier"])
def test_boosters_in_a_pipeline_are_refused_with_a_way_out(name: str, tmp_path: Path) -> None:
    estimator, rows = boosted(name)
    model = make_pipeline(StandardScaler(), estimator).fit(rows, BOOSTERS[name][3])
    with pytest.raises(InvalidUsage, match=rf"Booster, .*{name}") as refused:
        models.save(model, tmp_path / "model", rows)
    assert "alone" in str(refused.value.hint)


def test_what_the_file_of_a_booster_leaves_out_is_refused(tmp_path: Path) -> None:
    model = pytest.importorskip("xgboost").XGBClassifier(n_estimators=3, missing=-1).fit(X, Y)
    with pytest.raises(InvalidUsage, match="-1 stands for a missing value"):
        models.save(model, tmp_path / "model", X)


LOGGED = {
    "forest": (ensemble.RandomForestClassifier(5), FRAME[list("abcd")], Y),
    "boosting": CHOICES["boosting a frame"],
    "neighbours": (neighbors.KNeighborsClassifier(3), X, Y),
    "network": (neural_network.MLPClassifier((4,), max_iter=5), X, Y),
    "columns": (
        make_pipeline(
            compose.make_column_transformer(
                (preprocessing.OneHotEncoder(handle_unknown="ignore"), ["kind"]),
                (make_pipeline(impute.SimpleImputer(), StandardScaler()), list("abcd")),
            ),
            LogisticRegression(),
        ),
        FRAME.drop(columns="color"),
        Y,
    ),
    "search": CHOICES["searched among steps"],
    "outliers": (ensemble.IsolationForest(n_estimators=5), X),
    "clusters": (cluster.KMeans(2), X),
    "xgboost": ("XGBClassifier",),
    "lightgbm": ("LGBMClassifier",),
}


def read_back(name: str, folder: Path) -> LoadedModel:
    """Load the newest version of a registered model, as an endpoint would."""
    mlflow = Workspace.here().mlflow
    return load_model(fetching.download(mlflow, versions.find_version(mlflow, ModelRef(name)), folder))


@few_rows
@pytest.mark.parametrize("kind", LOGGED)
def test_what_a_run_logs_is_registered_and_read_back(
    kind: str, project: Path, shell: InteractiveShell, name: str, tmp_path: Path
) -> None:
    estimator, *data = LOGGED[kind]
    options = "--no-autolog"
    if isinstance(estimator, str):
        estimator, rows = boosted(estimator)
        data, options = [rows, BOOSTERS[type(estimator).__name__][3]], ""  # MLflow's autologging is there for these too
    shell.user_ns.update(model=estimator, data=data)
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        result = shell.run_cell(f"%%mlops run {kind} {options} --into card\nmodel.fit(*data)")
    assert result.success, shown.getvalue()
    assert mlops.register(name).version == 1
    model = read_back(name, tmp_path / "back")
    fitted = getattr(estimator, "best_estimator_", estimator)
    assert_equal(model.predict(data[0]), getattr(fitted, model.method)(data[0]))


def test_a_pyfunc_that_the_cell_logs_is_the_model_of_the_run_but_not_served(
    project: Path, shell: InteractiveShell, name: str, tmp_path: Path
) -> None:
    cell = """%%mlops run own --no-autolog --into card
import mlflow
class Mean(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[float]) -> float:
        return sum(model_input) / len(model_input)
mlflow.pyfunc.log_model(name="mean", python_model=Mean(), pip_requirements=[])
"""
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        result = shell.run_cell(cell)
    assert result.success, shown.getvalue()
    assert shell.user_ns["card"].model_id
    assert mlops.register(name).version == 1
    with pytest.raises(UntrustedModel, match="runs code when it is loaded"):
        read_back(name, tmp_path / "back")


ROOT = str(Path(__file__).parents[2])
TRAINED = {
    "xgboost": "{}.train({{'objective': 'multi:softprob', 'num_class': 3}}, xgboost.DMatrix(X, Y), 3)",
    "lightgbm": "{}.train({{'objective': 'multiclass', 'num_class': 3, 'verbose': -1}}, lightgbm.Dataset(X, Y), 3)",
}


@few_rows
@pytest.mark.parametrize("library", TRAINED)
@pytest.mark.parametrize("first_imported_there", [False, True])
def test_a_native_booster_is_the_model_of_its_run_but_not_served(
    library: str, first_imported_there: bool, project: Path, name: str, tmp_path: Path
) -> None:
    pytest.importorskip(library)
    cell = f"%%mlops run native --into card\nimport {library}\nmodel = {TRAINED[library].format(library)}"
    # A process of its own: a library is imported for the first time only once.
    script = f"""
{"" if first_imported_there else f"import {library}"}
from sklearn.datasets import load_iris
X, Y = (array[::3] for array in load_iris(return_X_y=True))
import contextlib, io, sys
from IPython.core.interactiveshell import InteractiveShell
ip = InteractiveShell.instance()
ip.run_line_magic("load_ext", "jupyter_mlops")
ip.user_ns.update(X=X, Y=Y)
for cell in [{cell!r}, "%mlops register {name}"]:
    assert ip.run_cell(cell, store_history=True).success
print(ip.user_ns["card"].model)
print(*ip.user_ns["card"].notes)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=project,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([ROOT, *sys.path])},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{library} Booster" in done.stdout
    assert "not served" in done.stdout
    folder = fetching.download(
        Workspace.here().mlflow, versions.find_version(Workspace.here().mlflow, ModelRef(name)), tmp_path / "files"
    )
    assert (folder / {"xgboost": "model.ubj", "lightgbm": "model.lgb"}[library]).is_file()
    with pytest.raises(UntrustedModel, match="native Booster"):
        load_model(folder)


@few_rows
@pytest.mark.parametrize("library", TRAINED)
def test_a_live_booster_is_registered_with_a_signature(library: str, project: Path, name: str) -> None:
    module = pytest.importorskip(library)
    booster = eval(TRAINED[library].format(library), {library: module, "X": X, "Y": Y})
    assert mlops.register(name, model=booster, data=X).version == 1


def test_a_live_pyfunc_is_registered_and_it_is_said_that_it_is_not_served(
    project: Path, shell: InteractiveShell, name: str, tmp_path: Path
) -> None:
    cell = f"""import mlflow
class Mean(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input.mean(axis=1)
version = %mlops register {name} --model Mean() --data X"""
    shell.user_ns.update(X=FRAME[list("abcd")])
    cell = cell.replace("--model Mean()", "--model mean").replace("version =", "mean = Mean()\nversion =")
    with contextlib.redirect_stdout(io.StringIO()) as shown, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow remarks on models without type hints
        result = shell.run_cell(cell)
    assert result.success, shown.getvalue()
    assert shell.user_ns["version"].version == 1
    assert "not served" in str(mlops.log(model=shell.user_ns["mean"], run="last"))
    with pytest.raises(UntrustedModel):
        read_back(name, tmp_path / "back")


def test_a_class_of_the_notebook_fails_the_run_with_the_reason(project: Path, shell: InteractiveShell) -> None:
    cell = """%%mlops run own --no-autolog
from sklearn.linear_model import LogisticRegression
class Mine(LogisticRegression): ...
Mine().fit(X, Y)
"""
    shell.user_ns.update(X=X, Y=Y)
    with contextlib.redirect_stdout(io.StringIO()):
        result = shell.run_cell(cell)
    assert isinstance(result.error_in_exec, InvalidUsage)
    assert "it holds __main__.Mine." in str(result.error_in_exec)
