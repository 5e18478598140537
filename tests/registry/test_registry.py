"""From a run to the champion and back, through every face."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.errors import Conflict, Inconclusive, InvalidUsage, MlopsError, NotFound, ValidationFailed
from jupyter_mlops.registry import aliases
from jupyter_mlops.workspace import Workspace

from ..conftest import Face, every_face

pytestmark = pytest.mark.usefixtures("project")


def champion(name: str) -> int | None:
    return aliases.current(Workspace.here(), name, "champion")


@every_face
def test_the_straight_path(face: Face, trained: Any, name: str) -> None:
    trained("first", accuracy=0.92)
    assert face(f"register {name} --run best:accuracy --alias challenger").data["version"] == 1
    first = face(f"promote {name}@challenger").data
    assert (first["before"], first["after"], first["outcome"], first["done"]) == (None, 1, "pass", True)
    trained("second", accuracy=0.95)
    assert face(f"register {name} --alias challenger").data["version"] == 2
    assert face(f"promote {name}@challenger").data["after"] == 2
    assert champion(name) == 2
    back = face(f"rollback {name}").data
    assert (back["before"], back["after"]) == (2, 1)
    assert champion(name) == 1
    assert [row["aliases"] for row in face(f"models {name}").data["rows"]] == [["challenger"], ["champion"]]
    events = face(f"audit {name} --verify").data["events"]
    moves = [event["action"] for event in events]
    assert moves == ["register", "alias", "gate", "promote", "register", "alias", "promote", "rollback"]
    assert {event["who"] for event in events} == {"tester"}


def test_registering_again_finds_the_same_version(face: Face, trained: Any, name: str) -> None:
    trained("first")
    assert face(f"register {name} --run first").data["is_new"] is True
    again = face(f"register {name} --run first").data
    assert (again["version"], again["is_new"]) == (1, False)


def test_a_version_that_the_audit_does_not_know_is_noted(trained: Any, name: str) -> None:
    model_id = trained("first").model_id
    mlflow = Workspace.here().mlflow
    mlflow.write("create_registered_model", name)
    mlflow.write("create_model_version", name, f"models:/{model_id}", model_id=model_id, await_creation_for=0)
    assert mlops.register(name).version == 1
    assert [event.action for event in mlops.audit(name, verify=True).events] == ["register"]
    assert "noted later" in mlops.audit(name).events[0].evidence


def test_dry_runs_change_nothing(face: Face, trained: Any, name: str) -> None:
    trained("first", accuracy=0.92)
    assert face(f"register {name} --dry-run").data["version"] == 1
    assert face(f"models {name}").exit_code == NotFound.exit_code
    mlops.register(name, alias="challenger")
    assert face(f"promote {name} --dry-run").data["done"] is False
    assert champion(name) is None


def test_a_live_estimator_is_registered(cancer: Any, name: str) -> None:
    from sklearn.ensemble import RandomForestClassifier

    X_train, _, y_train, _ = cancer
    forest = RandomForestClassifier(n_estimators=3, random_state=0).fit(X_train, y_train)
    assert mlops.register(name, model=forest, data=X_train).version == 1


def test_the_gate_refuses_and_says_why(face: Face, trained: Any, name: str) -> None:
    trained("weak", accuracy=0.85)
    face(f"register {name} --alias challenger")
    outcome = face(f"promote {name}@challenger")
    assert outcome.exit_code == ValidationFailed.exit_code
    assert "accuracy is 0.8500, must be >= 0.9" in outcome.error
    assert champion(name) is None


def test_a_gate_that_cannot_say_promotes_nothing(trained: Any, name: str, project: Path) -> None:
    trained("silent")
    mlops.register(name, alias="challenger")
    with pytest.raises(Inconclusive, match="accuracy is not logged"):
        mlops.promote(f"{name}@challenger")
    mlops.log({"accuracy": float("nan")})
    with pytest.raises(Inconclusive):
        mlops.promote(f"{name}@challenger")
    toml = project / "mlops.toml"
    toml.write_text(toml.read_text().split("[gates")[0])
    with pytest.raises(Inconclusive, match=r"\[gates"):
        mlops.promote(f"{name}@challenger")
    assert champion(name) is None


def test_force_needs_a_reason_that_stays(face: Face, trained: Any, name: str) -> None:
    trained("weak", accuracy=0.5)
    face(f"register {name} --alias challenger")
    assert face(f"promote {name} --force").exit_code == InvalidUsage.exit_code
    assert face(f'promote {name} --force --reason "the old one is worse"').data["forced"] is True
    event = face(f"audit {name}").data["events"][-1]
    assert event["why"] == "the old one is worse"
    assert "forced" in event["evidence"]
    assert "fail" in event["evidence"]


def test_only_promote_makes_a_champion(face: Face, trained: Any, name: str) -> None:
    trained("first", accuracy=0.92)
    assert face(f"register {name} --alias champion").exit_code == InvalidUsage.exit_code
    assert face(f"models {name}").exit_code == NotFound.exit_code


def test_rollback_goes_down_the_line_of_champions(trained: Any, name: str) -> None:
    for number in (1, 2, 3):
        trained(f"run {number}", accuracy=0.9 + number / 100)
        mlops.promote(mlops.register(name))
    assert mlops.rollback(name, dry_run=True).after == 2
    assert mlops.rollback(name).after == 2
    assert mlops.rollback(name).after == 1  # and not back to 3
    with pytest.raises(NotFound, match="no other champion"):
        mlops.rollback(name)
    mlops.promote(f"{name}/3")
    assert mlops.rollback(name, to=1).after == 1
    trained("never promoted", accuracy=0.99)
    mlops.register(name)
    with pytest.raises(NotFound, match="was not the champion before"):
        mlops.rollback(name, to=4)
    assert champion(name) == 1


def test_an_event_that_was_not_carried_out_is_no_champion(trained: Any, name: str) -> None:
    for number in (1, 2, 3):
        trained(f"run {number}", accuracy=0.9 + number / 100)
        mlops.register(name)
    mlops.promote(f"{name}/1")
    mlops.promote(f"{name}/2")
    workspace = Workspace.here()
    aliases.record(workspace, name, "promote", alias="champion", before=2, after=3)  # and then the kernel died
    assert mlops.rollback(name, dry_run=True).after == 1
    mlops.promote(f"{name}/3")
    assert mlops.rollback(name).after == 2
    workspace.mlflow.write("set_registered_model_alias", name, "champion", "3")  # by somebody without us
    assert mlops.rollback(name).after == 2


def test_an_interrupted_promotion_stands_in_the_audit(trained: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlops.backend.adapter import Mlflow

    trained("first", accuracy=0.95)
    mlops.register(name)
    write = Mlflow.write

    def interrupted(self: Mlflow, operation: str, *arguments: Any, **named: Any) -> Any:
        if operation == "set_registered_model_alias":
            raise KeyboardInterrupt
        return write(self, operation, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Mlflow, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mlops.promote(f"{name}/1")
    assert champion(name) is None
    assert [event.action for event in mlops.audit(name, verify=True).events] == [
        "register",
        "gate",
        "promote",
        "promote failed",
    ]


def test_a_deleted_version_is_no_way_back(trained: Any, name: str) -> None:
    for number in (1, 2):
        trained(f"run {number}", accuracy=0.9 + number / 100)
        mlops.promote(mlops.register(name))
    Workspace.here().mlflow.write("delete_model_version", name, "1")
    with pytest.raises(NotFound, match="has been deleted"):
        mlops.rollback(name)
    assert champion(name) == 2


def test_two_who_promote_at_once_do_not_overtake_each_other(trained: Any, name: str) -> None:
    for number in (1, 2):
        trained(f"run {number}", accuracy=0.95)
        mlops.register(name)
    start = threading.Barrier(2)
    outcomes: list[object] = []

    def promote(version: int) -> None:
        start.wait()
        try:
            outcomes.append(mlops.promote(f"{name}/{version}"))
        except MlopsError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=promote, args=(version,)) for version in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [outcome for outcome in outcomes if isinstance(outcome, MlopsError)]
    assert all(isinstance(error, Conflict) for error in refused)
    assert len(refused) <= 1
    assert mlops.audit(name, verify=True).ok  # one chain, whoever was first
    promoted = [event for event in mlops.audit(name).events if event.action == "promote"]
    assert len(promoted) == 2 - len(refused)
    assert champion(name) == int(promoted[-1].after)


def test_a_lost_audit_stops_the_change(trained: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlops.backend import audit

    trained("first", accuracy=0.95)
    mlops.register(name)

    def fail(*_: object, **__: object) -> None:
        raise Conflict("no audit")

    monkeypatch.setattr(audit, "append", fail)
    with pytest.raises(Conflict, match="no audit"):
        mlops.promote(f"{name}/1")
    assert champion(name) is None


BAD_WORDS = [
    ("promote nobody@challenger", "There is no registered model 'nobody'"),
    ("promote {name}@chalenger", "no alias 'chalenger'. Did you mean challenger?"),
    ("promote {name}/7", "has no version 7. There is: 1."),
    ("promote {name}/x", "a version is a number"),
    ("promote {name}@", "an alias is a word"),
    ("register {name} --alias latest", "'latest' can't be an alias"),
    ("register a/b", "can't be the name of a model"),
    ("register 'a:b'", "can't be the name of a model"),
    ("register {name} --run nobody", "There is no run 'nobody'"),
    ("register {name} --run best:acuracy", "Did you mean accuracy?"),
    ("rollback {name} --to x", 'unable to convert "x" into int'),
    ("audit nobody", "There is no registered model 'nobody'"),
    ("models nobody", "There is no registered model 'nobody'"),
]


def test_bad_words_are_answered_with_what_mends_them(face: Face, trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name, alias="challenger")
    for line, says in BAD_WORDS:
        outcome = face(line.format(name=name))
        assert outcome.exit_code in (InvalidUsage.exit_code, NotFound.exit_code), line
        assert says in outcome.error
        assert len(outcome.error.splitlines()) <= 3
        assert [row.version for row in mlops.models(name).rows] == [1], line


def test_a_run_without_a_model_cannot_be_registered(face: Face, name: str) -> None:
    with mlops.run("empty", autolog=False):
        pass
    outcome = face(f"register {name} --run empty")
    assert outcome.exit_code == NotFound.exit_code
    assert "has stored no model" in outcome.error
    assert face(f"models {name}").exit_code == NotFound.exit_code


def test_an_interrupted_registration_leaves_no_empty_model(
    trained: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained("first", accuracy=0.95)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(aliases, "record", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mlops.register(name)
    with pytest.raises(NotFound):
        mlops.models(name)
    assert mlops.register(name).version == 1


def test_an_estimator_that_cannot_be_stored_leaves_no_run(trained: Any, name: str) -> None:
    from sklearn.preprocessing import FunctionTransformer

    trained("first", accuracy=0.95)
    with pytest.raises(InvalidUsage, match="can't be stored"):
        mlops.register(name, model=FunctionTransformer(lambda rows: rows))
    assert [row.name for row in mlops.runs().rows] == ["first"]
    assert mlops.register(name).run.startswith("first")  # the last run is the one before


def test_hints_quote_names_with_spaces(trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(f"{name} of spaces", alias="challenger")
    with pytest.raises(NotFound, match=r"the same with '.* of spaces@challenger'"):
        mlops.promote(f"{name} of spaces@chalenger")
    with pytest.raises(Inconclusive, match=r'\[gates\."'):
        mlops.promote(f"{name} of spaces@challenger")
