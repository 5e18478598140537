"""Free text read by presidio: what it finds, what it leaves alone, and that nothing is fetched."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
from faker import Faker

from jupyter_mlops.validation.privacy import recognisers
from jupyter_mlops.validation.results import Checked

from .test_privacy import ROWS, harmless, report

PLAIN = "It came late and the box was broken on one side."


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of the network."""

    def refuse(*where: Any) -> None:
        raise AssertionError(f"the network was asked: {where}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def told_of(texts: list[str], label: str = "body") -> Checked:
    return report(harmless().assign(**{label: (texts * ROWS)[:ROWS]}), only=["GD003"])["GD003"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Please charge it to 4111 1111 1111 1111, not to the other one.", "card numbers"),
        ("My credit card 4111111111111111 does not work any more, please help.", "card numbers"),
        ("Klientka podała PESEL 44051401359 i prosi o pilny kontakt w sprawie.", "ids of people"),
        ("Il codice del cliente RSSMRA85T10A562S non risulta più nel sistema.", "ids of people"),
        ("His number is 219-09-9998, and he asks what became of it last week.", "ids of people"),
        ("The national insurance number is AB 12 34 56 C, as was said on Monday.", "ids of people"),
        ("Login was refused for the user at 84.23.110.7 several times in a row.", "IP addresses"),
    ],
)
def test_what_somebody_wrote_into_a_text_is_found(text: str, what: str) -> None:
    found = told_of([text, *[PLAIN] * 9])
    assert found.outcome == "warning"
    assert found.findings[0].seen.startswith(f"body is text with {what} in 10% of the rows")
    assert not any(word in str(found) for word in text.split() if any(map(str.isdigit, word)))


def order(number: int) -> str:
    people = Faker("en_US")
    people.seed_instance(number)
    digits = "".join(people.random_choices("0123456789", length=people.random_element([9, 10, 11, 12, 13, 16])))
    return f"Order {digits} of version 1.{number % 9}.2.{number % 7} from {people.date()} was sent to {people.city()} as case 2024-001-{number}."


def test_numbers_of_orders_versions_and_days_are_nobody() -> None:
    found = told_of([order(number) for number in range(ROWS)])
    assert found.outcome == "pass", found.findings
    assert found.reason.startswith(f"body ({ROWS:,} rows): read by presidio 2.")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of spaCy that somebody has installed: it takes two capitalised words in a row for a person."""
    english = spacy.blank("en")
    english.add_pipe("entity_ruler").add_patterns(
        [{"label": "PERSON", "pattern": [{"IS_TITLE": True}, {"IS_TITLE": True}]}]
    )
    english.meta.update(name="web_sm", version="3.8.0")
    package = tmp_path / "en_web_sm"
    english.to_disk(package)
    (package / "__init__.py").write_text(
        "from pathlib import Path\nfrom spacy.util import load_model_from_path\ndef load(**over): return load_model_from_path(Path(__file__).parent, **over)\n"
    )
    about = tmp_path / "en_web_sm-3.8.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: en-web-sm\nVersion: 3.8.0\n")
    (about / "entry_points.txt").write_text("[spacy_models]\nen_web_sm = en_web_sm\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(recognisers, "_models", recognisers._models.__wrapped__)
    yield
    sys.modules.pop("en_web_sm", None)


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("We spoke with Angela Lopez about the invoice and will call back.", "warning"),
        ("We spoke with Blue Widget about the invoice and will call back.", "pass"),  # nobody is called so
        ("Wir sprachen mit Angela Lopez über die Rechnung und rufen zurück.", "pass"),  # no model of the language
    ],
)  # fmt: skip
def test_names_are_found_by_a_model_that_somebody_has_installed(text: str, outcome: str) -> None:
    found = told_of([text, *[text.replace("Angela Lopez", "them").replace("Blue Widget", "it")] * 9])
    assert found.outcome == outcome
    assert ("names of people by en_web_sm 3.8.0" in found.reason) == (" the " in text)


def test_without_a_model_the_card_says_so() -> None:
    found = told_of([PLAIN])
    assert "no names of people, for want of a model of spaCy for the language" in found.reason
    assert told_of(["Berlin"]).reason == ""  # no free text, and nothing was imported for it


def test_without_presidio_the_card_names_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognisers, "is_installed", lambda: False)
    found = told_of(["Please charge it to 4111 1111 1111 1111, not to the other one."])
    assert found.outcome == "pass"
    assert found.reason.endswith("%pip install 'jupyter-mlops[nlp]'")


def test_time_is_limited_for_all_columns_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognisers, "SECONDS", 0.05)
    frame = harmless(5000).assign(**{f"text{n}": [f"{PLAIN * 50} {row}" for row in range(5000)] for n in range(5)})
    found = report(frame, only=["GD003"])["GD003"]
    assert "text3 (0 rows) and 1 more: read by presidio" in found.reason
