"""No value of a personal column stands in a report, in whatever part of it, nor in a contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest

from .test_model import fitted, people
from .test_model import report as of_a_model
from .test_quality import clean, report

ROWS = 400
NUMBERS = np.random.default_rng(1).lognormal(10, 1, ROWS).round(2)


def among(*values: Any, rest: Any = None) -> list[Any]:
    """Put some values before the others."""
    return [*values, *([rest] * (ROWS - len(values)) if not isinstance(rest, list) else rest[len(values) :])]


NAMES = [f"{first} Garbo{number}" for number in range(80) for first in ("Greta", "Sven", "Anna", "Alva", "Karl")]
MAILS = [f"person{number}@example.com" for number in range(ROWS)]

# fmt: off
CASES = {  # of each check that gives examples: a column, and what must not be told of it
    "DQ004": ("religion", among(rest="Zoroastrian"), ["Zoroastrian"], {}),
    "DQ009": ("diagnosis", among("gonorrhoea", rest="asthma"), ["gonorrhoea"], {"reference": ["asthma"] * ROWS}),
    "DQ014": ("religion", among(rest="Zoroastrian"), ["Zoroastrian"], {"target": "religion"}),
    "DQ015": ("diagnosis", among("gonorrhoea", rest="asthma"), ["gonorrhoea", "asthma"], {"target": "diagnosis"}),
    "DQ017": ("ssn", among(77_777_777_777_777, rest=list(range(1_000_000_007, 1_000_000_007 + 13 * ROWS, 13))), ["7777", "7.777"], {}),
    "DQ018": ("latitude", among(97.31331, rest=[48.0 + n / 997 for n in range(ROWS)]), ["97.31"], {}),
    "DQ019": ("email", among("mÃ¼ller@example.com", rest=MAILS), ["ller@"], {}),
    "DQ020": ("name", [n if p % 3 else n.upper() for p, n in enumerate(NAMES[:40] * 10)], ["Garbo", "GARBO"], {}),
    "DQ021": ("phone", among("ask Greta Garbo", rest=[f"{4_930_000_000 + 7 * n}" for n in range(ROWS)]), ["Greta"], {}),
    "DQ025": ("religion", among(rest="Zoroastrian"), ["Zoroastrian", "Jain"], {"reference": ["Jain"] * ROWS}),
}
# fmt: on


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("code", CASES)
def test_an_example_is_never_of_a_person(code: str, marked: bool) -> None:
    name, values, secrets, asked = CASES[code]
    asked = dict(asked)
    if marked:  # a name that says nothing: the mark alone decides
        name = name if code == "DQ018" else "badge"
        asked |= {"marked": [name]} | ({"target": name} if "target" in asked else {})
    if "reference" in asked:
        asked["reference"] = clean(seed=5).assign(**{name: asked["reference"]})
    found = report(clean().assign(**{name: values}), **asked)
    assert name in found[code].columns
    whole = json.dumps(found.to_dict(), default=str, ensure_ascii=False) + str(found)
    whole += found._repr_mimebundle_()["text/html"] + found.frame().to_csv()
    assert not [secret for secret in secrets if secret in whole]


def test_a_stand_in_of_people_is_not_told() -> None:
    found = report(clean().assign(phone=among("k.a.", "k.a.", "k.a.", rest=[f"+49 30 90{n:04}" for n in range(ROWS)])))
    assert found["DQ016"].findings[0].seen == "phone holds what stands for nothing in 3 of 400 (0.75%)."
    assert "k.a." not in str(found.to_dict())


@pytest.mark.parametrize(("name", "marked"), [("badge", True), ("email", False), ("age", True)])
def test_no_slice_of_a_model_tells_a_value_of_people(name: str, marked: bool) -> None:
    frame = people(2000)
    values = np.where(frame.index % 4 == 0, 77.5, frame.index % 90) if name == "age" else np.where(frame.index % 4 == 0, "greta@garbo.se", "b@example.com")  # fmt: skip
    odd = values == values[0]
    frame = frame.assign(**{name: values}, y=np.where(odd, np.where(frame["y"] == "yes", "no", "yes"), frame["y"]))
    found = of_a_model(fitted(), frame, slices=[name], groups=[name], marked=[name] if marked else [])
    assert {"MV008", "MV009"} <= {checked.code for checked in found.checks if checked.findings}
    whole = json.dumps(found.to_dict(), default=str) + found._repr_mimebundle_()["text/html"]
    assert not [secret for secret in ("greta", "77.5") if secret in whole]
    assert "by frequency" in whole or "from below" in whole


def test_groups_that_somebody_asks_about_are_told_unless_they_are_marked() -> None:
    frame = people(2000).assign(religion=lambda f: np.where(f["income"] > 0, "Shinto", "Jain"))
    assert "of Shinto" in str(of_a_model(fitted(), frame, groups=["religion"])["MV011"].findings)
    assert "Shinto" not in str(of_a_model(fitted(), frame, groups=["religion"], marked=["religion"])["MV011"].findings)


def test_of_other_columns_there_are_examples() -> None:
    frame = clean().assign(size=among("Small", "small", rest="large"), price=among(1e12, rest=NUMBERS.tolist()))
    found = report(frame, reference=clean(seed=5).assign(size="large", price=NUMBERS))
    assert "'Small' = 'small'" in found["DQ020"].findings[0].seen
    assert found["DQ009"].findings[0].figures["categories"] == ["Small", "small"]
    assert "such as 1e+12" in str(found["DQ017"].findings)
    assert found["DQ017"].findings[0].plot is not None


@pytest.mark.parametrize("name", ["badge", "religion"])
def test_labels_of_people_are_not_told(name: str) -> None:
    chance = np.random.default_rng(0)
    signal = chance.normal(size=ROWS)
    labels = np.where(signal > 0, "Zoroastrian", "Shinto")
    labels[np.argsort(signal)[-3:]] = "Shinto"
    gaps = np.where(labels == "Shinto", np.nan, chance.normal(size=ROWS))
    frame = pd.DataFrame({"signal": signal, "other": chance.normal(size=ROWS), "gaps": gaps, name: labels})
    found = report(frame, target=name, marked=["badge"])
    assert found["DP003"].outcome == "error"
    assert found["DP007"].findings
    assert "Shinto" not in json.dumps(found.to_dict(), default=str)


def test_a_contract_tells_no_value_of_a_person(tmp_path: Path) -> None:
    frame = clean().assign(badge=["B-17", "B-18"] * 200, lat=np.linspace(48.00001, 49.99999, ROWS), xx=np.linspace(11.00001, 12.99999, ROWS))  # fmt: skip
    path = tmp_path / "df.yaml"
    report(frame, marked=["badge"], save_contract=path)
    written = path.read_text()
    assert "city:" in written
    assert "Berlin" in written
    assert not [told for told in ("B-17", "lat:\n    dtype: float64\n    in_range", "xx:\n    dtype: float64\n    in_range") if told in written]  # fmt: skip


def test_a_check_of_a_contract_that_breaks_on_a_person_does_not_quote_it() -> None:
    asked = [pa.Check(lambda frame: frame["email"].map(float) > 0)]
    for schema in (pa.DataFrameSchema({}, checks=asked), pa.DataFrameSchema({"email": pa.Column(str, pa.Check(lambda mails: mails.map(float) > 0))})):  # fmt: skip
        found = report(clean().assign(email=MAILS), contract=schema, only=["DQ027"])["DQ027"]
        assert "raises" in found.findings[0].seen
        assert "person0" not in str(found)
