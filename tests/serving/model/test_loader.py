"""The loader takes what is safe, and nothing else."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
import skops.io
import yaml
from mlflow.models import infer_signature
from scipy.stats import uniform
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, StackingRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from jupyter_mlops.backend import models
from jupyter_mlops.errors import InvalidUsage, MissingDependency, UntrustedModel
from jupyter_mlops.mlmodel import _nodes
from jupyter_mlops.serving.model.columns import Column
from jupyter_mlops.serving.model.loader import load_model
from jupyter_mlops.serving.model.signature import ColumnSchema, TensorSchema
from jupyter_mlops.trust import TRUSTED_TYPES

FRAME, TARGET = load_breast_cancer(return_X_y=True, as_frame=True)
ESTIMATORS = {
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest": RandomForestClassifier(5, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=5),
    "neighbours": KNeighborsClassifier(),
    "network": make_pipeline(StandardScaler(), MLPClassifier((4,), tol=1, random_state=0)),
}


def save(estimator: Any, folder: Path, rows: Any = FRAME, **options: Any) -> Path:
    """Save a model as ``%mlops log`` does."""
    with warnings.catch_warnings(action="ignore"):  # mlflow uses what pandas and Python deprecate
        settings = {
            "serialization_format": "skops",
            "skops_trusted_types": sorted(TRUSTED_TYPES),
            "pip_requirements": ["scikit-learn"],
            "signature": infer_signature(rows, estimator.predict(rows)),
            "input_example": rows[:3],
        }
        mlflow.sklearn.save_model(estimator, str(folder), **settings | options)
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a good model, once."""
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, TARGET)
    return save(estimator, tmp_path_factory.mktemp("original") / "model")


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """Copy the good model, to be spoilt."""
    return Path(shutil.copytree(original, tmp_path / "model"))


def edit(folder: Path, **changes: Any) -> None:
    """Change values in MLmodel: ``sklearn__code="code"`` goes into that flavor, other names to the top."""
    mlmodel = yaml.safe_load((folder / "MLmodel").read_text())
    for name, value in changes.items():
        flavor, _, key = name.rpartition("__")
        (mlmodel["flavors"][flavor] if flavor else mlmodel)[key] = value
    (folder / "MLmodel").write_text(yaml.safe_dump(mlmodel))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_kind_of_model_predicts_as_it_did(name: str, tmp_path: Path) -> None:
    estimator = ESTIMATORS[name].fit(FRAME, TARGET)
    model = load_model(save(estimator, tmp_path / "model"))
    rows = model.signature.inputs.frame(FRAME)
    assert np.array_equal(model.predict(rows), estimator.predict(FRAME))
    assert isinstance(model.input_example, pd.DataFrame)
    pd.testing.assert_frame_equal(model.input_example, FRAME[:3])
    assert model.mlflow_version == mlflow.__version__


def test_the_method_that_was_logged_answers(tmp_path: Path) -> None:
    estimator = KNeighborsClassifier().fit(FRAME, TARGET)
    model = load_model(save(estimator, tmp_path / "model", pyfunc_predict_fn="predict_proba"))
    assert model.method == "predict_proba"
    assert np.array_equal(model.predict(FRAME), estimator.predict_proba(FRAME))


def test_a_model_of_an_array_is_asked_with_an_array(tmp_path: Path) -> None:
    values = FRAME.to_numpy()
    model = load_model(save(KNeighborsClassifier().fit(values, TARGET), tmp_path / "model", values))
    assert model.signature.inputs == TensorSchema(Column(None, "float64", True, np.dtype("float64")), (-1, 30))
    assert isinstance(model.input_example, np.ndarray)
    assert np.array_equal(model.input_example, values[:3])


def test_without_an_example_there_is_none(folder: Path) -> None:
    edit(folder, saved_input_example_info=None)
    assert load_model(folder).input_example is None


def test_whole_numbers_may_name_columns(tmp_path: Path) -> None:
    numbered = FRAME.set_axis(range(30), axis="columns")
    model = load_model(save(KNeighborsClassifier().fit(numbered, TARGET), tmp_path / "model", numbered))
    assert isinstance(model.signature.inputs, ColumnSchema)
    assert model.signature.inputs.frame(numbered).columns.equals(pd.RangeIndex(30))
    assert model.input_example is not None


@pytest.mark.parametrize("written", ["pickle", "cloudpickle"])
def test_a_pickle_is_refused(written: str, tmp_path: Path) -> None:
    estimator = KNeighborsClassifier().fit(FRAME, TARGET)
    folder = save(estimator, tmp_path / "model", serialization_format=written, skops_trusted_types=None)
    with pytest.raises(UntrustedModel, match="pickle") as refused:
        load_model(folder)
    assert "%mlops log --model" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sklearn__serialization_format": "cloudpickle"}, "written as 'cloudpickle'"),
        ({"sklearn__serialization_format": None}, "written as None"),
        ({"sklearn__code": "code"}, "code of its own"),
        ({"python_function__code": "code"}, "code of its own"),
        ({"python_function__model_code_path": "model.py"}, "code of its own"),
        ({"python_function__loader_module": "os"}, "loaded by 'os'"),
        ({"python_function__loader_module": ["mlflow.sklearn"]}, "loaded by"),
        ({"python_function__predict_fn": "__reduce__"}, "no method that predicts"),
        ({"python_function__predict_fn": ["predict"]}, "no method that predicts"),
        ({"python_function__model_path": "other.skops"}, "different model files"),
        ({"sklearn__pickled_model": "../model/model.skops"}, "outside the model"),
        ({"sklearn__pickled_model": "/etc/hostname"}, "outside the model"),
        ({"sklearn__pickled_model": "..\\model.skops"}, "outside the model"),
        ({"sklearn__pickled_model": "C:model.skops"}, "outside the model"),
        ({"sklearn__pickled_model": "model.skops\0"}, "outside the model"),
        ({"sklearn__pickled_model": None}, "outside the model"),
        ({"sklearn__pickled_model": "gone.skops"}, "no gone.skops file"),
        ({"sklearn__pickled_model": "."}, "has no . file"),
        ({"saved_input_example_info": {"serving_input_path": "../../secret.json"}}, "outside the model"),
        ({"flavors": {"python_function": {"loader_module": "mlflow.pyfunc.model"}}}, "flavors of this one: python_f"),
        ({"flavors": {"sklearn": 1, "python_function": 2}}, "no mappings"),
        ({"flavors": None}, "flavors of this one: none"),
    ],
)
def test_a_hostile_mlmodel_is_refused(folder: Path, changes: dict[str, Any], reason: str) -> None:
    edit(folder, **changes)
    with pytest.raises(UntrustedModel, match=reason):
        load_model(folder)


@pytest.mark.parametrize(
    "text", ["", "- a\n- list", "a: [", "!!python/object/apply:os.system ['true']", "\xff\xfe", "[" * 5000]
)
def test_an_mlmodel_that_is_no_mapping_is_refused(folder: Path, text: str) -> None:
    (folder / "MLmodel").write_text(text, "latin-1")
    with pytest.raises(UntrustedModel, match="MLmodel file"):
        load_model(folder)


def test_no_mlmodel_and_no_folder_are_refused(folder: Path) -> None:
    (folder / "MLmodel").unlink()
    with pytest.raises(UntrustedModel, match="no MLmodel file"):
        load_model(folder)
    with pytest.raises(UntrustedModel, match="no folder"):
        load_model(folder / "gone")


def test_a_file_that_trusts_its_own_types_is_refused(folder: Path) -> None:
    hostile = make_pipeline(FunctionTransformer(shutil.rmtree), StandardScaler())
    skops.io.dump(hostile, folder / "model.skops")
    edit(folder, sklearn__skops_trusted_types=["shutil.rmtree"])
    with pytest.raises(UntrustedModel, match=r"not trusted: shutil\.rmtree"):
        load_model(folder)


def forge(file: Path, **changes: Any) -> None:
    """Change what a skops file says of all nodes of a class: ``Booster={"__loader__": "TypeNode"}``; ``_`` is the root."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    for node in _nodes(schema):
        node.update(changes.get(node["__class__"], {}))
    members["schema.json"] = json.dumps(schema | changes.get("_", {})).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (functools.partial(os.system, "true"), r"posix\.system|nt\.system"),
        (functools.partial(functools.partial, os.unlink), r"(posix|nt)\.unlink"),
        (Path("kept").write_text, r"pathlib\..*write_text"),
        (np.save, r"numpy\.save"),
        (pd.read_pickle, r"pandas.*read_pickle"),
    ],
)
def test_a_partial_hides_no_function(folder: Path, function: Any, named: str) -> None:
    with warnings.catch_warnings(action="ignore"):
        skops.io.dump(make_pipeline(FunctionTransformer(function), StandardScaler()), folder / "model.skops")
    with pytest.raises(UntrustedModel, match=f"not trusted: .*({named})"):
        load_model(folder)


def test_distributions_of_scipy_are_refused_since_they_run_a_text(folder: Path, tmp_path: Path) -> None:
    hostile = uniform(0, 1)
    hostile.dist._parse_arg_template = f"open({str(tmp_path / 'ran')!r}, 'w')"
    skops.io.dump(RandomizedSearchCV(LogisticRegression(), {"C": hostile}), folder / "model.skops")
    with pytest.raises(UntrustedModel, match=r"not trusted: scipy\.stats"):
        load_model(folder)
    assert not (tmp_path / "ran").exists()


def stacked(part: Any, method: str) -> Any:
    """Build a model that calls any method of any object with the path which the rows spell."""
    model = StackingRegressor([("a", Ridge())], cv="prefit").set_params(a=Ridge().fit(np.eye(3), [1, 2, 3]))
    model.fit(np.eye(3), [1, 2, 3])
    model.estimators_, model.stack_method_, model.named_estimators_ = [part], [method], {}
    return make_pipeline(FunctionTransformer(np.bytes_), model)


def test_a_part_that_writes_files_is_refused(folder: Path, tmp_path: Path) -> None:
    hostile, path = stacked(np.array([b"import os"]), "tofile"), tmp_path / "written"
    rows = np.frombuffer(os.fsencode(path), dtype=np.uint8).reshape(1, -1)
    with pytest.raises(AttributeError):
        hostile.transform(rows)
    assert path.read_bytes() == b"import os"  # it does write …
    skops.io.dump(hostile, folder / "model.skops")
    assert set(skops.io.get_untrusted_types(file=folder / "model.skops")) <= TRUSTED_TYPES  # … with trusted types alone
    with pytest.raises(UntrustedModel, match="calls, by its stack_method_, what is no method that predicts"):
        load_model(folder)


@pytest.mark.parametrize(
    "named", ["tofile", "save_model", np.str_("tofile"), ["predict", "tofile"], None, {"predict": 1}]
)
def test_methods_that_are_named_must_be_those_that_predict(folder: Path, named: Any) -> None:
    hidden = np.empty(1, dtype=object)  # a walk through attributes and lists would pass by an array
    hidden[0] = FixedThresholdClassifier(LogisticRegression(), response_method=named)
    skops.io.dump(
        make_pipeline(StandardScaler(), LogisticRegression()).set_params(steps=hidden), folder / "model.skops"
    )
    with pytest.raises(UntrustedModel, match="by its response_method"):
        load_model(folder)


@pytest.mark.parametrize("source", ["filename", "file", np.str_("filename")])
def test_a_vectorizer_that_reads_files_is_refused(folder: Path, source: Any) -> None:
    skops.io.dump(make_pipeline(CountVectorizer(input=source), LogisticRegression()), folder / "model.skops")
    with pytest.raises(UntrustedModel, match="files that a request would name"):
        load_model(folder)


def test_a_model_beside_others_in_the_process_is_judged_alone(folder: Path) -> None:
    others = CountVectorizer(input="filename")
    assert load_model(folder).method == "predict"
    assert others.input == "filename"


def boosted(library: str, folder: Path) -> Path:
    """Store a model of a library that has a flavor of its own."""
    module = pytest.importorskip(library)
    cls = module.XGBClassifier if library == "xgboost" else module.LGBMClassifier
    models.save(cls(n_estimators=2, verbosity=-(library == "lightgbm")).fit(FRAME, TARGET), folder / "booster", FRAME)
    return folder / "booster"


@pytest.fixture(params=["xgboost", "lightgbm"])
def booster(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """Give the name of each library, and the folder of a good model of it."""
    return request.param, boosted(request.param, tmp_path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"python_function__loader_module": "mlflow.sklearn"}, "loaded by 'mlflow.sklearn' instead of mlflow."),
        ({"python_function__loader_module": "mlflow.pyfunc.model"}, "loaded by"),
        ({"python_function__code": "code"}, "code of its own"),
        ({"{}__code": "code"}, "code of its own"),
        ({"{}__data": "../booster/MLmodel"}, "outside the model"),
        ({"{}__data": "MLmodel"}, "different model files"),
        ({"{}__data": "MLmodel", "python_function__data": "MLmodel"}, "not served|damaged"),
    ],
)
def test_a_hostile_mlmodel_of_a_booster_is_refused(
    booster: tuple[str, Path], changes: dict[str, Any], reason: str
) -> None:
    library, folder = booster
    edit(folder, **{name.format(library): value for name, value in changes.items()})
    with pytest.raises(UntrustedModel, match=reason):
        load_model(folder)


@pytest.mark.parametrize("keep", [0, 100, 0.5])
def test_a_truncated_booster_is_refused(booster: tuple[str, Path], keep: float) -> None:
    _, folder = booster
    (file,) = folder.glob("model.*")
    content = file.read_bytes()
    file.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(UntrustedModel, match=r"damaged, or no (xgboost|skops) file"):
        load_model(folder)


def test_a_library_that_is_not_installed_is_named(booster: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    library, folder = booster
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependency, match=f"needs {library}"):
        load_model(folder)


@pytest.mark.parametrize("named", ["xgboost.core.Booster", "xgboost.sklearn.XGBModel", "os.system", None, ["a"]])
def test_a_class_that_is_none_of_xgboosts_estimators_is_refused(tmp_path: Path, named: Any) -> None:
    folder = boosted("xgboost", tmp_path)
    edit(folder, xgboost__model_class=named)
    with pytest.raises(UntrustedModel, match=r"not served|damaged"):
        load_model(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"Booster": {"__loader__": "ConstructorFromReduceNode"}},
        {"Booster": {"__loader__": "ListNode", "content": []}},
        {"Booster": {"__loader__": "TypeNode"}},
        {"Booster": {"__loader__": "PartialNode"}},
        {"LabelEncoder": {"__class__": "Pipeline", "__module__": "sklearn.pipeline"}},
        {"LabelEncoder": {"__class__": "max", "__module__": "numpy", "__loader__": "FunctionNode"}},
        # The oldest protocol has functions named elsewhere in the node.
        {
            "_": {"protocol": 0},
            "LabelEncoder": {
                "__loader__": "FunctionNode",
                "content": {"module_path": "lightgbm.basic", "function": "Booster"},
            },
        },
    ],
)
def test_a_booster_of_lightgbm_is_restored_and_never_called(tmp_path: Path, changes: dict[str, Any]) -> None:
    folder = boosted("lightgbm", tmp_path)
    assert load_model(folder).method == "predict"
    forge(folder / "model.skops", **changes)
    with pytest.raises(UntrustedModel, match="no place in a model of lightgbm"):
        load_model(folder)


def test_a_pickled_booster_is_refused(tmp_path: Path) -> None:
    import mlflow.lightgbm

    estimator = pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=2, verbosity=-1).fit(FRAME, TARGET)
    with warnings.catch_warnings(action="ignore"):
        mlflow.lightgbm.save_model(
            estimator, str(tmp_path / "model"), serialization_format="cloudpickle", pip_requirements=[]
        )
    with pytest.raises(UntrustedModel, match="pickle"):
        load_model(tmp_path / "model")


def test_a_symbolic_link_is_refused(folder: Path) -> None:
    (folder / "model.skops").rename(folder.parent / "elsewhere.skops")
    (folder / "model.skops").symlink_to(folder.parent / "elsewhere.skops")
    with pytest.raises(UntrustedModel, match=r"symbolic link \(model\.skops\)"):
        load_model(folder)


def test_a_pickle_beside_the_model_is_refused(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "model.PKL").touch()
    with pytest.raises(UntrustedModel, match="pickle"):
        load_model(folder)


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_a_truncated_model_is_refused(folder: Path, keep: float) -> None:
    content = (folder / "model.skops").read_bytes()
    (folder / "model.skops").write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(UntrustedModel, match="damaged"):
        load_model(folder)


def test_a_skops_file_without_an_estimator_is_refused(folder: Path) -> None:
    skops.io.dump({"predict": 1}, folder / "model.skops")
    with pytest.raises(UntrustedModel, match="holds no estimator"):
        load_model(folder)


def test_a_model_without_the_method_says_so(folder: Path) -> None:
    edit(folder, python_function__predict_fn="transform")
    with pytest.raises(InvalidUsage, match="no such method"):
        load_model(folder)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        {},
        {"inputs": "no json"},
        {"inputs": "[]"},
        {"inputs": '[{"name": "no type"}]'},
        {"inputs": '[{"type": ["long"]}]'},
        {"inputs": '[{"type": "long", "name": {}}]'},
        {"inputs": '[{"type": "long", "name": "a"}, {"type": "long", "name": "a"}]'},
        {"inputs": '[{"type": "long", "name": "1"}, {"type": "long", "name": 1}]'},
        {"inputs": '[{"type": "tensor", "tensor-spec": {"dtype": "no", "shape": [-1]}}]'},
        {"inputs": '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": []}}]'},
    ],
)
def test_a_model_without_a_good_signature_says_how_to_mend_it(folder: Path, signature: Any) -> None:
    edit(folder, signature=signature)
    with pytest.raises(InvalidUsage, match="signature") as refused:
        load_model(folder)
    assert not isinstance(refused.value, UntrustedModel)
    assert "%%mlops run" in str(refused.value.hint)


def test_a_file_that_unpacks_to_far_more_than_it_is_is_refused(folder: Path) -> None:
    with zipfile.ZipFile(folder / "model.skops", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.npy", bytes(50_000_000))
    with pytest.raises(UntrustedModel, match="as a bomb does"):
        load_model(folder)


def test_a_pickle_that_is_let_in_must_hold_an_estimator(tmp_path: Path) -> None:
    estimator = KNeighborsClassifier().fit(FRAME, TARGET)
    folder = save(estimator, tmp_path / "model", serialization_format="cloudpickle", skops_trusted_types=None)
    assert np.array_equal(load_model(folder, pickles=True).predict(FRAME), estimator.predict(FRAME))
    (file,) = folder.glob("*.pkl")
    for content, reason in ((b"\x80\x04N.", "holds no estimator"), (b"\x80\x04", "damaged, or no pickle")):
        file.write_bytes(content)
        with pytest.raises(UntrustedModel, match=reason):
            load_model(folder, pickles=True)
    edit(folder, sklearn__code="code")
    with pytest.raises(UntrustedModel, match="code of its own"):
        load_model(folder, pickles=True)
