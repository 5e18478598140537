"""``mask``: what each way makes of columns, and that what it marks is nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import jupyter_mlops as mlops
from jupyter_mlops.backend import fetching, versions
from jupyter_mlops.entities import ModelRef
from jupyter_mlops.errors import Conflict, InvalidUsage
from jupyter_mlops.pseudonyms import Pseudonyms, keyed_hash, project_key
from jupyter_mlops.serving.log.privacy import Privacy
from jupyter_mlops.tracking.dataset import describe
from jupyter_mlops.workspace import Workspace

from ..conftest import Face

MAIL = ["ann@example.com", "bob@example.org", None, "ann@example.com"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose server is never asked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlops.toml").write_text('# ours\ntracking_uri = "http://127.0.0.1:9"\n')
    return tmp_path


def people() -> pd.DataFrame:
    return pd.DataFrame({"email": MAIL, "age": [31, 44, 78, 31], "born": pd.to_datetime(["1990-02-03", "1975-01-01", None, "1990-02-03"])})  # fmt: skip


def test_a_hash_is_the_projects_and_that_of_the_log(here: Path) -> None:
    df = people()
    masked = mlops.mask(df, "email")
    one, two, gone, again = masked.data["email"]
    assert one == again
    assert pd.isna(gone)
    assert one != two
    key = project_key(here / ".mlops")
    assert one == keyed_hash(key, MAIL[0]) == Privacy(key=key).hashed(MAIL[:1])[0].as_py()
    assert list(df["email"]) == list(people()["email"])  # the old one is as it was
    assert masked.columns[0].before == masked.columns[0].after == 2
    assert key.hex() not in str(masked)
    assert "ann@example" not in str(masked) + json.dumps(masked.to_dict())


def test_a_pseudonym_is_turned_back_by_the_key_alone(here: Path) -> None:
    df = people().assign(n=[1, 2, 3, 4], t=pd.Series(["a", "ü", "\ud800", ""], dtype=object))
    masked = mlops.mask(df, "email", "n", "t", "age", how="pseudonymise").data
    assert not set(masked["email"].dropna()) & set(MAIL)
    pd.testing.assert_frame_equal(mlops.mask(masked, "email", "n", "t", "age", how="restore").data, df, check_dtype=False)  # fmt: skip
    with pytest.raises(InvalidUsage, match="no pseudonym of this project's key"):
        Pseudonyms(b"x" * 32).value(masked["email"][0])
    with pytest.raises(InvalidUsage, match="no pseudonym"):
        mlops.mask(df, "email", how="restore")


def test_generalised_values_are_those_of_many(here: Path) -> None:
    df = people().assign(zip=["10115", "10117", "80331", None], ip=["1.2.3.4", "1.2.3.9", "::1", "9.9.9.9"], lat=[52.5163, 48.1, np.nan, 0.0])  # fmt: skip
    df["name"] = ["Ann Roe", "Bob", "Cy", "Di"]
    new = mlops.mask(df, *df.columns, how="generalise").data
    assert new["email"].tolist()[:2] == ["@example.com", "@example.org"]
    assert pd.isna(new["email"][2])
    assert new["age"].tolist() == ["30 to 34", "40 to 44", "75 to 79", "30 to 34"]
    assert new["born"].tolist()[:2] == [1990, 1975]
    assert new["zip"].tolist()[:3] == ["101**", "101**", "803**"]
    assert new["ip"].tolist()[:2] == ["1.2.3.0", "1.2.3.0"]
    assert new["lat"].tolist()[:2] == [52.5, 48.1]
    assert new["name"].tolist()[:2] == ["A. R.", "Bo*"]


def test_what_is_dropped_is_gone(here: Path) -> None:
    assert list(mlops.mask(people(), "email", how="drop").data) == ["age", "born"]


def test_masked_columns_are_marked_in_the_file_and_the_rest_of_it_stays(here: Path) -> None:
    assert mlops.mask(people(), "email").marked == ("email",)
    assert mlops.mask(people(), "email", "born", how="drop").marked == ("born",)
    assert mlops.mask(people(), "age", mark=False).marked == ()
    text = (here / "mlops.toml").read_text()
    assert text.startswith("# ours\n")
    assert Workspace.here().settings.privacy.personal == ["email", "born"]


@pytest.mark.parametrize("how", ["hash", "pseudonymise", "generalise", "drop"])
def test_odd_columns_are_masked_or_refused(here: Path, how: str) -> None:
    odd = {
        "text": pd.Series(["a", None, "b"]), "category": pd.Series(pd.Categorical(["a", None, "b"])), "truth": pd.Series([True, False, True]),
        "whole": pd.array([1, None, 2**40], "Int64"), "infinite": [np.inf, -np.inf, 1.0], "nothing": [None, None, None], "same": [1, 1, 1],
        "time": pd.to_datetime(["2020-01-01", None, "2021-01-01"]).tz_localize("UTC"), "tiny": [1e-300, 2e-300, 3e-300],
    }  # fmt: skip
    df = pd.DataFrame(odd)
    new = mlops.mask(df, *odd, how=how).data
    assert len(new) == 3
    if how in ("hash", "pseudonymise"):
        assert new.isna().equals(df.isna())
    twice = pd.concat([people(), people()], axis=1)
    assert not set(MAIL[:2]) & set(mlops.mask(twice, "email", how=how).data.astype(str).to_numpy().ravel())
    assert len(mlops.mask(pl.from_pandas(people()), "email", how=how).data) == 4
    lists = pd.DataFrame({"a": [[1], [2]]})
    if how == "generalise":
        with pytest.raises(InvalidUsage, match="can't be made coarser"):
            mlops.mask(lists, "a", how=how)
    else:
        mlops.mask(lists, "a", how=how)


def test_errors_say_what_is_wrong(here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(InvalidUsage, match=r"no column 'emial'.*email"):
        mlops.mask(people(), "emial")
    with pytest.raises(InvalidUsage, match="Which column"):
        mlops.mask(people())
    with pytest.raises(InvalidUsage, match="no table"):
        mlops.mask(5, "email")
    with pytest.raises(InvalidUsage, match="parquet or"):
        mlops.mask(people(), "email", to="x.xlsx")
    mlops.mask(people(), "email", to="x.csv")
    with pytest.raises(Conflict, match="there already"):
        mlops.mask(people(), "email", to="x.csv")
    (tmp_path / "outside").mkdir()
    (here / "mlops.toml").unlink()
    monkeypatch.chdir(tmp_path / "outside")
    with pytest.raises(InvalidUsage, match="needs the key of a project"):
        mlops.mask(people(), "email")
    assert list(mlops.mask(people(), "email", how="drop").data) == ["age", "born"]


def test_every_face_masks(project: Path, face: Face) -> None:
    found = face("mask df email --how hash --to masked.parquet", df=people())
    assert found.data["columns"][0]["name"] == "email"
    assert not set(MAIL) & set(pd.read_parquet("masked.parquet")["email"].dropna())


def test_the_record_of_data_has_no_digest_of_a_marked_column() -> None:
    plain, marked = describe(people(), "df"), describe(people(), "df", personal=["email"])
    assert plain.digest == marked.digest
    assert [name for name, _, digest in marked.columns if not digest] == ["email"]


def test_no_value_of_a_marked_column_is_in_the_run_or_the_model(project: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame({"email": [f"p{n}@secret.example" for n in range(40)], "age": range(20, 60)})
    target = [0, 1] * 20
    mlops.mask(frame, "email", mark=True)
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["email"]), remainder="passthrough")
    with mlops.run("private", data=frame, autolog=False) as run:
        model = make_pipeline(encode, LogisticRegression(max_iter=1000)).fit(frame, target)
        del model
    client = mlflow.MlflowClient(Workspace.here().mlflow.uri)
    stored = client.get_run(run.run_id)
    assert stored.outputs.model_outputs
    mlops.register("private", run=run.run_id)
    version = versions.find_version(Workspace.here().mlflow, ModelRef("private"))
    folder = fetching.download(Workspace.here().mlflow, version, tmp_path / "model")
    example = next(folder.rglob("input_example.json"))
    assert "secret.example" not in example.read_text()
    assert json.loads(example.read_text())["data"][0] == ["personal", 20]
    snapshot = Path(mlflow.artifacts.download_artifacts(run_id=run.run_id, dst_path=str(tmp_path / "run")))
    assert not [path for path in snapshot.rglob("*") if path.is_file() and b"secret.example" in path.read_bytes()]


def test_a_model_that_takes_no_stand_in_has_no_example(project: Path) -> None:
    frame = pd.DataFrame({"email": [f"p{n % 2}@secret.example" for n in range(40)], "age": range(20, 60)})
    mlops.mask(frame, "email")
    encode = make_column_transformer((OneHotEncoder(), ["email"]), remainder="passthrough")
    with mlops.run("private", autolog=False) as run:
        make_pipeline(encode, LogisticRegression(max_iter=1000)).fit(frame, [0, 1] * 20)
    client = mlflow.MlflowClient(Workspace.here().mlflow.uri)
    model_id = client.get_run(run.run_id).outputs.model_outputs[0].model_id
    assert "input_example.json" not in [file.path for file in client.list_logged_model_artifacts(model_id)]


def test_a_way_to_mask_that_is_none_is_an_error(project: Path) -> None:
    with pytest.raises(InvalidUsage, match=r"no way 'hsah' to mask.*hash"):
        mlops.mask(pd.DataFrame({"a": ["x"]}), "a", how="hsah")  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["hash", "generalise", "pseudonymise", "drop"])
def test_half_a_surrogate_pair_is_masked_too(project: Path, how: Any) -> None:
    frame = pd.DataFrame({"a": pd.Series(["\ud800x", "bcde"] * 100, dtype=object)})
    assert "\ud800x" not in mlops.mask(frame, "a", how=how, mark=False).data.to_dict("list").get("a", [])


def test_what_can_not_be_restored_is_not_quoted(project: Path) -> None:
    with pytest.raises(InvalidUsage, match="who holds what is no pseudonym") as told:
        mlops.mask(pd.DataFrame({"who": ["Greta Garbo"]}), "who", how="restore")
    assert "Greta" not in str(told.value)


def test_what_can_not_be_written_is_an_error_and_marks_nothing(project: Path) -> None:
    frame = pd.DataFrame({"a": ["x", "y"], "odd": [1, "a"]})
    with pytest.raises(InvalidUsage, match="There is no folder 'away'"):
        mlops.mask(frame, "a", to="away/new.csv")
    with pytest.raises(InvalidUsage, match="Parquet has no type for one of the columns"):
        mlops.mask(frame, "a", to="new.parquet")
    assert not Path("new.parquet").exists()
    assert "personal" not in Path("mlops.toml").read_text()
