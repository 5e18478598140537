"""Each check of privacy: on data made to fail it, on data made to pass, and on the awkward edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from faker import Faker

from jupyter_mlops.validation.privacy import words
from jupyter_mlops.validation.results import Report

from . import test_quality
from .test_quality import Case, clean

ROWS = 400


def report(frame: Any, **asked: Any) -> Report:
    return test_quality.report(frame, only=asked.pop("only", ["GD"]), **asked)


def fake(locale: str, what: str, name: str, rows: int = ROWS) -> pd.DataFrame:
    people = Faker(locale)
    people.seed_instance(0)
    return harmless().assign(**{name: [str(getattr(people, what)()).replace("\n", ", ") for _ in range(rows)]})


def harmless(rows: int = ROWS) -> pd.DataFrame:
    return clean(rows)[["income", "score", "member", "when", "y"]]


def patients(postcodes: int, rows: int = 2000) -> pd.DataFrame:
    chance = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "sex": chance.choice(["f", "m"], rows),
            "postcode": chance.integers(10_000, 10_000 + postcodes, rows),
            "religion": chance.choice(["Catholic", "Muslim", "Jewish", "none"], rows),
            "pressure": chance.normal(120, 10, rows),
        }
    )


def sentences(with_somebody: int) -> pd.DataFrame:
    told = "Please write to jane.roe@example.com when the parcel is back, thank you."
    return harmless().assign(body=[told] * with_somebody + ["It came late and the box was broken on one side."] * (ROWS - with_somebody))  # fmt: skip


def with_proxy(noise: float, rows: int = ROWS) -> pd.DataFrame:
    chance = np.random.default_rng(0)
    sex = chance.integers(0, 2, rows)
    return harmless(rows).assign(sex=np.where(sex, "f", "m"), height=sex * 10 + chance.normal(170, noise, rows))


# fmt: off
CASES = [
    Case("GD001", fake("en_US", "email", "c1"), "warning", ("c1",), None, "c1 holds e-mail addresses, by its values (GDPR Art. 4(1), 5(1)(c)"),
    Case("GD001", fake("de_DE", "last_name", "Nachname"), "warning", ("Nachname",), None, "holds names"),
    Case("GD001", fake("fr_FR", "phone_number", "téléphone"), "warning", ("téléphone",)),
    Case("GD001", fake("de_DE", "iban", "x"), "warning", ("x",), None, "account numbers"),
    Case("GD001", fake("en_US", "credit_card_number", "x"), "warning", ("x",), None, "card numbers"),
    Case("GD001", fake("pl_PL", "pesel", "x"), "warning", ("x",), None, "ids of people of PL"),
    Case("GD001", fake("fi_FI", "ssn", "x"), "warning", ("x",), None, "ids of people of FI"),
    Case("GD001", fake("ro_RO", "ssn", "x"), "warning", ("x",), None, "ids of people of RO"),
    Case("GD001", fake("nl_NL", "ssn", "x"), "warning", ("x",), None, "ids of people of NL"),
    Case("GD001", fake("en_US", "ipv4", "x"), "warning", ("x",), None, "IP addresses"),
    Case("GD001", fake("en_US", "ipv6", "x"), "warning", ("x",), None, "IP addresses"),
    Case("GD001", fake("en_GB", "date_of_birth", "dob"), "warning", ("dob",), None, "dates of birth"),
    Case("GD001", fake("it_IT", "street_address", "x"), "warning", ("x",), None, "addresses"),
    Case("GD001", fake("en_US", "name", "x"), "warning", ("x",), None, "names, by its values"),
    Case("GD001", harmless().assign(lat=clean()["score"], lon=clean()["score"]), "warning", ("lat", "lon"), None, "positions"),
    Case("GD001", harmless(), "pass"),
    Case("GD001", fake("en_US", "ean13", "x"), "pass"),
    Case("GD001", fake("en_US", "isbn13", "x"), "pass"),
    Case("GD001", fake("en_US", "company", "x"), "pass"),
    Case("GD001", fake("en_US", "file_name", "file_name"), "pass"),
    Case("GD001", fake("en_US", "catch_phrase", "name"), "pass"),
    Case("GD001", fake("en_US", "uuid4", "x"), "pass"),
    Case("GD001", fake("en_US", "sha256", "email"), "pass"),  # masked already
    Case("GD001", harmless().assign(version=[f"1.{n}.{n % 7}" for n in range(ROWS)], n=range(10**10, 10**10 + ROWS)), "pass"),
    Case("GD001", harmless().assign(city="Rome", phone_model="X5", email_count=3, latency=clean()["score"]), "pass"),
    Case("GD001", harmless().assign(email=None, phone=np.nan), "pass"),
    Case("GD002", patients(3), "error", ("religion",), None, "religion tells of religion, by its name and values (GDPR Art. 9(1)"),
    Case("GD002", harmless().assign(x=np.random.default_rng(0).choice(["católico", "ateo", "protestante"], ROWS)), "warning", ("x",), None, "religion"),
    Case("GD002", harmless().assign(diagnosis=np.random.default_rng(0).integers(0, 9, ROWS)), "warning", ("diagnosis",), None, "health"),
    Case("GD002", harmless().assign(Gewerkschaft=True), "warning", ("Gewerkschaft",), None, "trade union"),
    Case("GD002", harmless().assign(race_time=clean()["score"], party_size=[2, 4] * 200), "pass"),
    Case("GD002", harmless().assign(ethnic_food=["yes", "no"] * 200, ethnic_origin_of_recipe=1), "pass"),
    Case("GD002", harmless().assign(ethnic_group=["a", "b"] * 200, blood_type=["A+", "B-"] * 200), "warning", ("ethnic_group", "blood_type"), None, "origin"),
    Case("GD002", harmless().assign(x=["A1", "B2"] * 200, medication_name=None), "pass"),
    Case("GD003", sentences(20), "warning", ("body",), None, "body is text with e-mail addresses in 5% of the rows"),
    Case("GD003", sentences(0), "pass"),
    Case("GD003", sentences(1), "pass"),  # one row of 400 may be a slip; GD003 is about what a column brings along
    Case("GD004", patients(900), "warning", ("sex", "postcode", "religion")[:2], None, "k is 1"),
    Case("GD004", patients(3), "pass"),
    Case("GD004", harmless(), "skipped"),
    Case("GD004", patients(3).head(20), "inconclusive"),
    Case("GD005", patients(600), "warning", ("religion",), None, "l is 1"),
    Case("GD005", patients(3), "pass"),
    Case("GD005", patients(3).drop(columns="religion"), "skipped"),
    Case("GD006", with_proxy(3), "warning", ("height", "sex"), None, "height tells much of sex"),
    Case("GD006", with_proxy(12), "note", ("height", "sex")),
    Case("GD006", with_proxy(1e9), "pass"),
    Case("GD006", harmless(), "skipped"),
    Case("GD006", with_proxy(3).head(50), "inconclusive"),
]
# fmt: on


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.outcome}")
def test_a_check_says_what_is_there(case: Case) -> None:
    checked = report(case.frame, **(case.asked or {}))[case.code]
    assert (checked.outcome, set(checked.columns)) == (case.outcome, set(case.columns)), checked
    assert case.says in " ".join(finding.seen for finding in checked.findings)
    assert all(finding.do for finding in checked.findings)


def test_every_check_has_a_case_that_fails_and_one_that_passes() -> None:
    codes = {checked.code for checked in report(clean()).checks}
    for outcome in ({"error", "warning", "note"}, {"pass"}):
        assert {case.code for case in CASES if case.outcome in outcome} == codes


def test_the_card_says_what_it_cant_see() -> None:
    assert "not a legal opinion" in str(report(clean()))
    assert "not a legal opinion" not in str(report(clean(), only=["DQ001"]))


def test_a_finding_quotes_nobody() -> None:
    frame = fake("en_US", "email", "c1")
    told = str(report(frame).to_dict())
    assert not any(value in told for value in frame["c1"])


def test_what_is_marked_is_a_note() -> None:
    checked = report(fake("en_US", "email", "c1"), marked=["c1"])["GD001"]
    assert checked.outcome == "note"
    assert "it is marked as personal" in checked.findings[0].seen


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("customerEmail", "e-mail"), ("Telefonnummer", "phone number"), ("ΤΗΛΕΦΩΝΟ", "phone number"), ("Straße", "address"),
        ("ip_address", "IP address"), ("fødselsdato", "date of birth"), ("生年月日", "date of birth"), ("NOMBRE_COMPLETO", "name"),
        ("имя", "name"), ("이름", None), ("product_name", None), ("first_name_count_by_city", None), ("tip", None), ("strategy", None),
        ("lat_ms", None), ("lat_p99", None), ("lat", "geo-position"), ("lat_deg", "geo-position"), ("surname of the customer", "name"), ("latency", None), ("memory_address", None), ("12", None), ("", None),
    ],
)  # fmt: skip
def test_names_of_columns_are_read_in_many_languages(label: str, kind: str | None) -> None:
    assert words.kind_of(label) == kind


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
def test_bundled_data_about_no_one_has_no_finding(name: str) -> None:
    bundled = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
    assert [checked.code for checked in report(bundled.frame).checks if checked.findings] == []


def test_bundled_data_of_patients_is_told_as_such() -> None:
    found = report(sklearn.datasets.load_diabetes(as_frame=True).frame)
    # s3, the good cholesterol, does tell much of sex.
    assert {checked.code for checked in found.checks if checked.findings} == {"GD002", "GD006"}
    assert found["GD002"].columns == ("bmi",)


@pytest.mark.parametrize("rows", [200, 1000, 10_000])
def test_chance_is_no_proxy(rows: int) -> None:
    found = 0
    for seed in range(max(10, 20_000 // rows)):
        chance = np.random.default_rng(seed)
        frame = pd.DataFrame(chance.normal(size=(rows, 20)), columns=[f"x{n}" for n in range(20)])
        frame["sex"] = chance.choice(["f", "m"], rows)
        frame["colour"] = chance.choice(list("abcdefgh"), rows)
        found += bool(report(frame, only=["GD006"])["GD006"].findings)
    assert found <= 1


def with_people(secret: str) -> pd.DataFrame:
    """Data in which everything that is wrong is in columns of people: each of their odd values has a secret in it."""
    chance = np.random.default_rng(0)
    rows = 400
    odd = np.arange(rows) % 40 == 7
    frame = pd.DataFrame(
        {
            "always": secret,
            "nearly": np.where(np.arange(rows) < 3, "other", secret),
            "broken": np.where(odd, f"{secret}Ã¼", chance.choice(["a", "b"], rows)),
            "spelt": np.where(odd, secret, np.where(np.roll(odd, 1), secret.upper(), "b")),
            "count": np.where(np.arange(rows) < 395, chance.integers(1, 90, rows).astype(str), secret),
            "age": np.where(odd, -987654, chance.integers(18, 90, rows)),
            "wage": np.where(odd, 987654321.0, chance.normal(1000, 10, rows)),
            "y": np.where(odd, secret, np.where(np.arange(rows) < 393, "no", "perhaps")),
        }
    )
    return frame.assign(new=np.where(odd, secret, "b"))


def test_no_finding_quotes_a_column_of_people() -> None:
    frame = with_people("Quaxo")
    before = frame.assign(new="b", y="no", spelt="b")
    told = {
        bool(marked): str(
            test_quality.report(frame, target="y", reference=before, marked=marked, only=["DQ", "DP"]).to_dict()
        )
        for marked in ([], list(frame.columns))
    }
    for secret in ("Quaxo", "QUAXO", "987654"):
        assert secret in told[False]
        assert secret not in told[True]


def test_a_column_that_looks_like_one_of_people_is_not_quoted_either() -> None:
    frame = fake("en_US", "email", "contact")
    frame.loc[:7, "contact"] = "Ã¼ber@example.org"
    found = test_quality.report(frame, only=["DQ019"])["DQ019"].findings[0]
    assert found.seen.endswith("such as a value that is not shown.")


@pytest.mark.parametrize(("name", "outcome"), [("long_term_debt", "pass"), ("longPosition", "pass"), ("long", "warning"), ("pickup_long", "warning"), ("long_lat", "warning")])  # fmt: skip
def test_what_is_long_is_no_position(name: str, outcome: str) -> None:
    frame = harmless().assign(**{name: np.random.default_rng(0).normal(20, 5, ROWS).round(5)})
    assert report(frame, only=["GD001"])["GD001"].outcome == outcome
