"""Contracts: written from data, edited by people, and held to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import polars as pl
import pyarrow
import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell
from sklearn import datasets

import jupyter_mlops as mlops
from jupyter_mlops.errors import Conflict, InvalidUsage, NotFound
from jupyter_mlops.validation.findings import Checked

from ..conftest import Face
from .test_bad_input import ODD
from .test_quality import clean, report

KNOWN: dict[str, Any] = {
    name: getattr(datasets, f"load_{name}")(as_frame=True).frame
    for name in ("iris", "wine", "breast_cancer", "diabetes", "linnerud", "digits")
}
NO_CONTRACT = {"nothing", "no columns", "doubled names"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "contracts" / "df.yaml"


def write(frame: Any, file: Path, **asked: Any) -> dict[str, Any]:
    """Write a contract, and give its columns."""
    report(frame, save_contract=file, only=["DQ027"], **asked)
    return yaml.safe_load(file.read_text())["columns"]  # type: ignore[no-any-return]


def hold(frame: Any, contract: Any, **asked: Any) -> Checked:
    return report(frame, contract=contract, only=["DQ027"], **asked)["DQ027"]


def said(frame: Any, contract: Any, **asked: Any) -> str:
    return " | ".join(finding.seen for finding in hold(frame, contract, **asked).findings)


def test_what_is_written(file: Path) -> None:
    frame = clean().assign(customer_id=np.arange(1000, 1400)[::-1], note=[None] * 100 + ["x"] * 300)
    columns = write(frame, file)
    assert columns["age"] == {"dtype": "int64", "in_range": {"min_value": 0, "max_value": 130}}
    assert columns["city"] == {"dtype": "str", "isin": ["Berlin", "Oslo", "Paris", "Rome"]}
    assert columns["customer_id"] == {"dtype": "int64", "unique": True}
    assert columns["member"] == {"dtype": "bool"}
    assert columns["when"] == {"dtype": "datetime64[ns]"}
    assert columns["income"]["in_range"]["min_value"] == 0
    assert columns["income"]["in_range"]["max_value"] > 1.5 * frame["income"].max()
    assert columns["note"]["nullable"] is True
    assert "written from 400 rows" in file.read_text()


@pytest.mark.parametrize("name", [*KNOWN, *(name for name in ODD if name not in NO_CONTRACT)])
def test_a_contract_holds_for_the_data_that_it_was_written_from(name: str, file: Path) -> None:
    frame = (KNOWN | ODD)[name]
    write(frame, file)
    assert hold(frame, file).outcome == "pass"


@pytest.mark.parametrize("name", sorted(NO_CONTRACT))
def test_what_can_t_be_agreed_on_is_an_error(name: str, file: Path) -> None:
    with pytest.raises(InvalidUsage, match=r"no columns|2 columns 'income'"):
        write(ODD[name], file)
    assert not file.exists()


@pytest.mark.parametrize("name", ODD)
def test_odd_data_held_to_another_contract_breaks_nothing(name: str, file: Path) -> None:
    write(clean(), file)
    assert hold(ODD[name], file).outcome in ("error", "pass")


def test_more_of_the_same_keeps_the_contract_however_it_is_held(file: Path) -> None:
    write(clean(2_000), file)
    for seed in range(1, 20):
        assert hold(clean(2_000, seed), file).outcome == "pass"
    other = clean(500, 99)
    for same in (pl.from_pandas(other), pyarrow.Table.from_pandas(other), other.convert_dtypes(), other.convert_dtypes(dtype_backend="pyarrow"), other.astype({"city": "category", "age": float, "y": object, "when": "datetime64[s]"})):  # fmt: skip
        assert hold(same, file).outcome == "pass"


def test_each_breach_is_told_with_its_columns_and_counts(file: Path) -> None:
    write(clean().assign(order_id=np.arange(400)[::-1] * 7), file)
    file.write_text(file.read_text().replace("strict: false", "strict: true"))
    frame = clean().assign(
        age=lambda f: f.age.where(f.index > 2, 300), city=lambda f: f.city.where(f.index > 9, "Lima"),
        score=lambda f: f.score.where(f.index > 3), member="no", order_id=5, extra=1,
    ).drop(columns="when")  # fmt: skip
    checked = hold(frame, file)
    assert [(finding.figures["kind"], finding.columns) for finding in checked.findings] == [
        ("gone", ("when",)), ("new", ("extra",)), ("type", ("member",)), ("null", ("score",)),
        ("twice", ("order_id",)), ("range", ("age",)), ("categories", ("city",)),
    ]  # fmt: skip
    told = said(frame, file)
    for part in ("missing columns: when", "member: text, and should be bool", "score: 4 of 400 (1%)", "order_id: 400 of 400",
                 "age: 3 of 400 (0.75%), such as 300, and should be 0 to 130", "city: 10 of 400 (2.5%), such as Lima"):  # fmt: skip
        assert part in told


def test_keys_of_several_columns(file: Path) -> None:
    frame = clean().assign(k=np.arange(400) // 2, part=["a", "b"] * 200)
    write(frame, file, key=["k", "part"])
    assert hold(frame, file).outcome == "pass"
    assert "k, part: 400 of 400" in said(frame.assign(part="a"), file)


@pytest.mark.parametrize(
    ("frame", "dtype", "holds"),
    [
        ([1.0, 2.0, None], "int64", True),
        ([1.5], "int64", False),
        ([-1], "uint8", False),
        ([np.inf], "int64", False),
        ([1], "float64", True),
        (["1"], "float64", False),
        ([True, None], "bool", True),
        ([0, 1], "bool", False),
        (pd.Categorical(["a", None]), "str", True),
        ([None, None], "int64", True),
        (pd.to_datetime(["2025-01-01"]), "datetime64[ns]", True),
        (pd.to_datetime(["2025-01-01"]).tz_localize("Europe/Berlin"), "datetime64[ns]", False),
        (pd.to_datetime(["2025-01-01"]).tz_localize("Europe/Berlin"), "datetime64[ns, UTC]", True),
        (["2025-01-01"], "datetime64[ns]", False),
    ],
)
def test_types_are_what_columns_hold(frame: Any, dtype: str, holds: bool) -> None:
    schema = pa.DataFrameSchema({"x": pa.Column(dtype, nullable=True)})
    assert (hold(pd.DataFrame({"x": frame}), schema).outcome == "pass") == holds


def test_no_value_of_people_is_written_or_quoted(file: Path) -> None:
    names = [f"person{n}@example.org" for n in range(5)]
    frame = clean().assign(mail=names * 80, boss=["Ada", "Alan"] * 200, religion=["none of it", "buddhist"] * 200)
    columns = write(frame, file, marked=["boss", "age"])
    for name in ("mail", "boss", "religion", "age"):
        assert set(columns[name]) == {"dtype"}, name
    assert not any(word in file.read_text() for word in ("person0", "Ada", "Alan", "buddhist"))
    text = file.read_text().replace("  mail:\n    dtype: str\n", "  mail:\n    dtype: str\n    isin: [nobody]\n")
    file.write_text(text)
    told = said(frame, file)
    assert "mail: 400 of 400 (100%)." in told
    assert "person" not in told


def test_a_contract_is_not_written_over_unasked(file: Path) -> None:
    write(clean(), file)
    file.write_text("# edited\n" + file.read_text())
    with pytest.raises(Conflict, match="may have been edited"):
        write(clean(), file)
    assert file.read_text().startswith("# edited")
    write(clean(), file, force=True)
    assert not file.read_text().startswith("# edited")
    with pytest.raises(InvalidUsage, match=r"df\.yaml"):
        write(clean(), file.with_suffix(".py"))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("columns:\n  age: {dtype: int64\n", "line 3"),
        ("columns:\n  age:\n    dtype: int46\n", "line 3: column 'age'.*int46"),
        ("columns:\n  age:\n    dtype: int64\n    nulable: true\n", "line 4: column 'age' has no setting or check 'nulable'.*nullable"),
        ("columns:\n  age:\n    in_range: {lowest: 1}\n", "line 2: column 'age': .*missing required arguments"),
        ("columns:\n  age: 5\n", "line 2: column 'age' should have settings"),
        ("columns:\n  age: {dtype: int64}\n  age: {dtype: int64}\n", "line 3: 'age' is there twice"),
        ("columns:\n  age: {dtype: int64}\nstict: true\n", "line 3: there is no setting 'stict'.*strict"),
        ("columns: {}\nleast_rows: many\n", "line 2: least_rows should be a whole number"),
        ("- 1\n", "line 1: it should begin with columns"),
        ("", "line 1"),
        ("columns: [1]\n", "line 1"),
        ("columns:\n  age: {dtype: int64}\nunique: [age, sex]\nstrict: maybe\n", "line 1"),
        ("x: !!python/object/apply:os.system ['echo']\n", "line 1: .*could not determine a constructor"),
        ("\x00", "line 1"),
    ],
)  # fmt: skip
def test_a_broken_contract_is_an_error_with_its_line(text: str, match: str, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(InvalidUsage, match=match):
        hold(clean(), file)


def test_a_schema_in_python(tmp_path: Path) -> None:
    file = tmp_path / "df.py"
    body = "import pandera.pandas as pa\n\nschema = pa.DataFrameSchema({'age': pa.Column(int, pa.Check(lambda age: age % 2 == 0, error='even'))})\n"
    file.write_text(body)
    assert "checks that fail: age:" in said(clean(), file)
    assert "fail even" in said(clean(), file)
    file.write_text("import pandera.pandas as pa\n\nclass Rows(pa.DataFrameModel):\n    age: int = pa.Field(ge=0)\n")
    assert hold(clean(), file).outcome == "pass"
    for text, match in (("x = 1\ny = = 2\n", "line 2"), ("x = 1\n\n1 / 0\n", "line 3: ZeroDivisionError"), ("x = 1\n", "0 schemas")):  # fmt: skip
        file.write_text(text)
        with pytest.raises(InvalidUsage, match=match):
            hold(clean(), file)


def test_a_check_that_crashes_is_told(tmp_path: Path) -> None:
    schema = pa.DataFrameSchema({"age": pa.Column(int, pa.Check(lambda age: age.nothing, name="odd"))})
    assert "age: odd raises" in said(clean(), schema)
    assert "does not hold" in said(clean(), pa.DataFrameSchema({"age": pa.Column(int, pa.Check(lambda age: False, name="never"))}))  # fmt: skip


def test_what_is_no_contract_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no contract"):
        hold(clean(), tmp_path / "nothing.yaml")
    (tmp_path / "df.txt").write_text("columns:")
    for nothing in (tmp_path / "df.txt", 5):
        with pytest.raises(InvalidUsage, match="is no contract"):
            hold(clean(), nothing)


def test_every_face_writes_and_holds(project: Path, face: Face) -> None:
    assert face("validate data df --only DQ027 --save-contract contracts/df.yaml", df=clean()).error == ""
    assert face("validate data df --only DQ027 --contract contracts/df.yaml", df=clean(seed=3)).exit_code == 0
    found = face("validate data df --only DQ027 --contract contracts/df.yaml", df=clean().assign(age=500))
    assert [checked["outcome"] for checked in found.data["checks"]] == ["error"]


def test_the_contract_of_the_settings(project: Path, shell: InteractiveShell) -> None:
    settings = project / "mlops.toml"
    settings.write_text(settings.read_text() + '\n[validation]\ncontract = "contracts/df.yaml"\n')
    with pytest.raises(NotFound, match="no contract"):
        mlops.validate_data(clean())
    written = mlops.validate_data(clean(), only=["DQ027"], save_contract="contracts/df.yaml")
    assert "written to contracts/df.yaml" in str(written)
    found = mlops.validate_data(clean().assign(age=500), only=["DQ027"])
    assert (found.failed, len(found.evidence["contract"])) == (("DQ027",), 64)


def test_a_contract_knows_how_many_rows_there_must_be(file: Path) -> None:
    write(clean(), file)
    assert "least_rows: 1\n" in file.read_text()
    assert "too few rows: 0, and should be at least 1" in said(clean().head(0), file)
    file.write_text(file.read_text().replace("least_rows: 1\n", "least_rows: 300\n"))
    assert hold(clean(), file).outcome == "pass"
    assert "too few rows: 299, and should be at least 300" in said(clean().head(299), file)
