"""What others change without us is noticed; a second person approves; the gate's own changes are on record."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.backend.events import SOMEBODY
from jupyter_mlops.display import Badge
from jupyter_mlops.errors import Inconclusive, InvalidUsage, NotFound, ValidationFailed
from jupyter_mlops.registry import outside
from jupyter_mlops.workspace import Workspace

from ..conftest import Face, every_face


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
    assert events[-1]["who"] == SOMEBODY
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


def test_a_gate_that_is_written_wrongly_is_told(two: str, project: Path) -> None:
    toml = project / "mlops.toml"
    right = toml.read_text()
    for more in ("recall = 1", 'approvals = "one"', "approvals = -1"):
        toml.write_text(f"{right}{more}\n")
        with pytest.raises(InvalidUsage, match=r"mlops\.toml, line \d"):
            mlops.promote(f"{two}@challenger")


def test_another_gate_is_on_record(two: str, project: Path) -> None:
    toml = project / "mlops.toml"
    toml.write_text(toml.read_text().replace(">= 0.9", ">= 0.5"))
    mlops.promote(f"{two}@challenger")
    gates = [(before, after) for action, _, before, after in actions(two) if action == "gate"]
    assert gates == [("", "accuracy >= 0.9"), ("accuracy >= 0.9", "accuracy >= 0.5")]


@every_face
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


def test_a_move_from_outside_is_written_before_ours(two: str, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "_SETTLED", 3600.0)  # also where the last event is young
    trained("third", accuracy=0.97)
    mlops.register(two)
    client().write("set_registered_model_alias", two, "challenger", "1")
    mlops.register(two, alias="challenger")
    client().write("set_registered_model_alias", two, "champion", "2")
    mlops.promote(f"{two}/3")
    moves = [event for event in actions(two) if event[1]]
    assert moves[-4:] == [
        ("alias moved outside", "challenger", "2", "1"),
        ("alias", "challenger", "1", "3"),
        ("alias moved outside", "champion", "1", "2"),
        ("promote", "champion", "2", "3"),
    ]


def test_a_model_that_was_deleted_outside_is_noticed_and_can_be_asked_for(face: Face, two: str) -> None:
    client().write("delete_registered_model", two)
    events = face(f"audit {two} --verify").data["events"]
    assert events[-1]["action"] == "model deleted outside"
    assert len(face(f"audit {two}").data["events"]) == len(events)
    mlops.register(two, run="second", alias="challenger")
    assert [action for action, *_ in actions(two)][-2:] == ["register", "alias"]
    assert mlops.audit(two, verify=True).verified


def test_a_model_that_was_deleted_and_made_anew_is_noticed(two: str) -> None:
    second = client().read("get_model_version", two, "2")
    client().write("delete_registered_model", two)
    client().write("create_registered_model", two)
    client().write(
        "create_model_version",
        two,
        second.source,
        model_id=second.source.removeprefix("models:/"),
        await_creation_for=0,
    )
    assert mlops.audit(two, verify=True).verified
    assert actions(two)[-2:] == [("model deleted outside", "", "", ""), ("version from outside", "", "", "1")]
    with pytest.raises(NotFound):
        mlops.rollback(two)


def test_a_model_that_was_renamed_keeps_its_audit(two: str, project: Path) -> None:
    new = f"{two}-new"
    toml = project / "mlops.toml"
    toml.write_text(toml.read_text().replace(f"[gates.{two}]", f"[gates.{new}]"))
    length = len(actions(two))
    client().write("rename_registered_model", two, new)
    events = mlops.audit(new, verify=True).events
    assert len(events) == length + 1
    renamed = events[-1]
    assert (renamed.model, renamed.action, renamed.before, renamed.after) == (new, "model renamed outside", two, new)
    assert mlops.rollback(new, dry_run=True, to=1).after == 1  # what it was before is still known
    assert mlops.promote(f"{new}@challenger").done
    assert mlops.audit(new, verify=True).verified
    old = mlops.audit(two, verify=True).events
    assert [event.model for event in old] == [two] * (length + 1)
    assert old[-1].action == "model renamed outside"
    assert len({event.hash for event in mlops.audit(verify=False).events if event.model in (two, new)}) == length + 3


def test_a_model_that_was_renamed_and_back_keeps_its_audit(two: str) -> None:
    new = f"{two}-new"
    client().write("rename_registered_model", two, new)
    mlops.register(new, alias="trial")
    client().write("rename_registered_model", new, two)
    mlops.register(two, alias="challenge")
    assert [action for action, *_ in actions(two)][-4:] == [
        "model renamed outside",
        "alias",
        "model renamed outside",
        "alias",
    ]
    assert mlops.audit(two, verify=True).verified


def test_two_who_notice_at_once_write_it_once(two: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client().write("set_registered_model_alias", two, "stolen", "1")
    both = threading.Barrier(2)
    listed = outside.versions.versions

    def together(*arguments: Any) -> Any:
        found = listed(*arguments)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=3)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(outside.versions, "versions", together)
        threads = [threading.Thread(target=outside.notice, args=(Workspace.here(), two)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [event for event in actions(two) if event[1] == "stolen"] == [("alias moved outside", "stolen", "", "1")]


def test_an_approval_is_of_one_model_and_not_of_its_number(two: str, project: Path, trained: Any) -> None:
    with_approvals(project, two, "ben")
    mlops.approve(f"{two}/1")
    client().write("delete_registered_model", two)
    trained("another", accuracy=0.95)
    with_approvals(project, two, "anna")
    mlops.register(two, alias="challenger")
    with pytest.raises(Inconclusive, match="0 of 1 approvals"):
        mlops.promote(f"{two}/1")
    assert mlops.approve(f"{two}/1", dry_run=True).by == ("anna",)


def test_a_name_is_one_person_however_it_is_written(two: str, project: Path) -> None:
    for user in ("Ann@one", "ann @two", " ann", "a\u200bnn", "\uff21\uff2e\uff2e@x"):
        with_approvals(project, two, user)
        assert mlops.approve(f"{two}/1").by == ("ann",)
    assert [action for action, *_ in actions(two)].count("approve") == 1
    with_approvals(project, two, "\u200b @host")
    with pytest.raises(InvalidUsage, match="names nobody"):
        mlops.approve(f"{two}/2")


def test_a_gate_is_on_record_before_it_judges(two: str, project: Path) -> None:
    toml = project / "mlops.toml"
    toml.write_text(toml.read_text().replace(">= 0.9", ">= 0.99"))
    with pytest.raises(ValidationFailed):
        mlops.promote(f"{two}@challenger")
    gates = [(before, after) for action, _, before, after in actions(two) if action == "gate"]
    assert gates[-1] == ("accuracy >= 0.9", "accuracy >= 0.99")


def test_a_forced_promotion_is_told_as_one_with_its_evidence(two: str, trained: Any, project: Path) -> None:
    trained("weak", accuracy=0.5)
    mlops.promote(mlops.register(two), force=True, reason="the old one is worse")
    said = mlops.audit(two)
    row = said.view().rows[-1]
    assert Badge("promote, forced", "warn") in row
    assert "the old one is worse · gate fail: accuracy 0.5000 >= 0.9 (forced)" in row
    assert "promote, forced" in str(mlops.history())
    assert "gate fail" in str(mlops.history().frame()["why"].iloc[-1])
    assert "| promote, forced |" in mlops.card(f"{two}/3").markdown
    assert "gate fail: accuracy 0.5000" in mlops.card(f"{two}/3").markdown.split("## History")[1]


def test_a_page_says_when_and_a_table_how_long_ago(two: str, project: Path) -> None:
    mlops.audit(two, export="audit.html")
    page = (project / "audit.html").read_text()
    assert re.search(r"<time title=[^>]*>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</time>", page)
    assert " ago<" not in page
    assert "just now" not in page
    html = mlops.audit(two)._repr_mimebundle_()["text/html"]
    assert re.search(r'<time title="\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC">', html)


def test_a_secret_in_a_reason_is_masked_and_that_is_told(two: str) -> None:
    key = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    mlops.approve(f"{two}/1", reason=f"checked with {key}")
    change = mlops.promote(f"{two}/2", reason=f"token {key}")
    assert key not in str(mlops.audit(two).events)
    assert "checked with *** (masked: " in mlops.audit(two).events[-2].why
    assert "***" in change.why
    assert "masked" in str(change)
