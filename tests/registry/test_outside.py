"""What others change without us is noticed; a second person approves; the gate's own changes are on record."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.errors import Inconclusive, InvalidUsage, ValidationFailed
from jupyter_mlops.registry import outside
from jupyter_mlops.workspace import Workspace

from ..conftest import Face


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Don't wait until a change has settled."""
    monkeypatch.setattr(outside, "_SETTLED", 0.0)


@pytest.fixture
def two(trained: Any, name: str) -> str:
    """A model with two versions, the first of them champion."""
    trained("first", accuracy=0.92)
    mlops.promote(mlops.register(name))
    trained("second", accuracy=0.95)
    mlops.register(name, alias="challenger")
    return name


def actions(name: str) -> list[tuple[str, str, str, str]]:
    return [(e.action, e.alias, e.before, e.after) for e in mlops.audit(name).events]


def client() -> Any:
    return Workspace.here().mlflow


def test_nothing_is_noticed_where_all_was_done_by_us(two: str) -> None:
    before = actions(two)
    mlops.promote(f"{two}@challenger")
    mlops.rollback(two)
    assert [action for action, *_ in actions(two)] == [
        *(action for action, *_ in before),
        "promote",
        "rollback",
    ]


def test_an_alias_that_somebody_else_moved_is_noticed_once(face: Face, two: str) -> None:
    client().write("set_registered_model_alias", two, "champion", "2")
    events = face(f"audit {two} --verify").data["events"]
    assert (events[-1]["action"], events[-1]["before"], events[-1]["after"]) == ("alias moved outside", "1", "2")
    assert events[-1]["who"] == outside.UNKNOWN
    assert "noticed by tester" in events[-1]["where"]
    assert len(face(f"audit {two}").data["events"]) == len(events)


def test_rollback_knows_of_a_champion_from_outside(two: str) -> None:
    client().write("set_registered_model_alias", two, "champion", "2")
    assert mlops.rollback(two).after == 1
    assert actions(two)[-2:] == [("alias moved outside", "champion", "1", "2"), ("rollback", "champion", "2", "1")]


def test_versions_and_aliases_that_came_or_went_are_noticed(two: str) -> None:
    source = client().read("get_model_version", two, "1").source
    model_id = source.removeprefix("models:/")
    client().write("create_model_version", two, source, model_id=model_id, await_creation_for=0)
    client().write("delete_model_version", two, "2")
    client().write("set_registered_model_alias", two, "trial", "3")
    assert actions(two)[-4:] == [
        ("version from outside", "", "", "3"),
        ("version deleted outside", "", "2", ""),
        ("alias moved outside", "challenger", "2", ""),
        ("alias moved outside", "trial", "", "3"),
    ]
    assert mlops.audit(two, verify=True).verified


def test_a_model_that_was_made_outside_is_taken_in(project: Path, name: str, trained: Any) -> None:
    trained("first", accuracy=0.95)
    model_id = Workspace.here().mlflow.read("get_run", mlops.runs().rows[0].run_id).outputs.model_outputs[0].model_id
    client().write("create_registered_model", name)
    client().write("create_model_version", name, f"models:/{model_id}", model_id=model_id, await_creation_for=0)
    assert actions(name) == [("version from outside", "", "", "1")]


def with_approvals(project: Path, name: str, user: str, more: str = "") -> None:
    toml = project / "mlops.toml"
    text = "\n".join(line for line in toml.read_text().splitlines() if not line.startswith(("user", "approvals")))
    gate = f"[gates.{name}]"
    toml.write_text(f'user = "{user}"\n' + text.replace(gate, f"{gate}\napprovals = 1{more}") + "\n")


def test_a_promotion_waits_for_another_person(face: Face, two: str, project: Path) -> None:
    with_approvals(project, two, "anna@one")
    refused = face(f"promote {two}@challenger")
    assert refused.exit_code == Inconclusive.exit_code
    assert "0 of 1 approvals by another person" in refused.error
    assert "mlops approve" in refused.error
    face(f"approve {two}@challenger")  # one's own does not count …
    assert face(f"promote {two}@challenger").exit_code == Inconclusive.exit_code
    with_approvals(project, two, "ben@two")
    assert face(f'approve {two}@challenger --reason "looked at the errors"').data["by"] == ["anna", "ben"]
    with_approvals(project, two, "anna@three")  # … nor does it from another machine
    assert face(f"promote {two}@challenger").data["done"] is True
    event = next(e for e in face(f"audit {two}").data["events"] if e["who"] == "ben@two")
    assert (event["action"], event["after"], event["why"]) == ("approve", "2", "looked at the errors")


def test_whoever_registered_a_version_does_not_approve_it(two: str, project: Path) -> None:
    with_approvals(project, two, "tester@elsewhere")
    mlops.approve(f"{two}@challenger")
    with_approvals(project, two, "ben")
    with pytest.raises(Inconclusive, match="0 of 1 approvals"):
        mlops.promote(f"{two}@challenger")


def test_an_approval_twice_adds_nothing_and_a_dry_run_neither(two: str) -> None:
    assert mlops.approve(f"{two}/2", dry_run=True).is_new
    assert mlops.approve(f"{two}/2").is_new
    assert not mlops.approve(f"{two}/2").is_new
    assert [action for action, *_ in actions(two)].count("approve") == 1


def test_an_approval_is_of_one_version(two: str, project: Path) -> None:
    with_approvals(project, two, "ben")
    mlops.approve(f"{two}/1")
    with_approvals(project, two, "anna")
    with pytest.raises(Inconclusive):
        mlops.promote(f"{two}/2")


def test_approvals_do_not_mend_a_metric_that_fails(two: str, project: Path, trained: Any) -> None:
    trained("weak", accuracy=0.5)
    mlops.register(two, alias="weak")
    with_approvals(project, two, "ben")
    mlops.approve(f"{two}@weak")
    with_approvals(project, two, "anna")
    with pytest.raises(ValidationFailed, match=r"accuracy is 0\.5000"):
        mlops.promote(f"{two}@weak")


@pytest.mark.parametrize("more", ["\nrecall = 1", '\napprovals = "one"', "\napprovals = -1"])
def test_a_gate_that_is_written_wrongly_is_told(two: str, project: Path, more: str) -> None:
    toml = project / "mlops.toml"
    toml.write_text(toml.read_text() + more.strip() + "\n")
    with pytest.raises(InvalidUsage, match=r"mlops\.toml, line \d"):
        mlops.promote(f"{two}@challenger")


def test_another_gate_is_on_record(two: str, project: Path) -> None:
    toml = project / "mlops.toml"
    toml.write_text(toml.read_text().replace(">= 0.9", ">= 0.5"))
    mlops.promote(f"{two}@challenger")
    gates = [(before, after) for action, _, before, after in actions(two) if action == "gate"]
    assert gates == [("", "accuracy >= 0.9"), ("accuracy >= 0.9", "accuracy >= 0.5")]


def test_the_audit_is_written_as_lines_and_as_a_page(face: Face, two: str, project: Path) -> None:
    face(f"audit {two} --export audit.jsonl")
    events = [json.loads(line) for line in (project / "audit.jsonl").read_text().splitlines()]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert all(event["previous"] == before["hash"] for before, event in itertools.pairwise(events))
    face(f"audit {two} --export audit.html")
    page = (project / "audit.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "promote" in page
    assert face(f"audit {two} --export audit.xlsx").exit_code == InvalidUsage.exit_code


def test_events_of_a_deleted_model_stay(two: str) -> None:
    client().write("delete_registered_model", two)
    assert {event.model for event in mlops.audit().events} >= {two}


def test_the_ci_job_is_named(two: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    monkeypatch.setenv("GITHUB_REPOSITORY", "team/churn")
    mlops.promote(f"{two}@challenger")
    assert "GitHub Actions team/churn run 42" in mlops.audit(two).events[-1].where
