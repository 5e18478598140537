"""The chain: what was changed, taken out or put elsewhere is found."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.backend import audit, versions
from jupyter_mlops.backend import faults as fault_finder
from jupyter_mlops.backend.adapter import Mlflow
from jupyter_mlops.errors import Conflict, NotFound, NotWritable, ValidationFailed
from jupyter_mlops.registry import aliases, outside
from jupyter_mlops.registry import chain as shown_chain
from jupyter_mlops.workspace import Workspace

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def chain(trained: Any, name: str) -> list[audit.Stored]:
    """A model with four events."""
    trained("first", accuracy=0.95)
    mlops.register(name, alias="challenger")
    mlops.promote(name)
    return audit.read(Workspace.here().mlflow, name)


def faults(name: str) -> str:
    with pytest.raises(ValidationFailed) as caught:
        mlops.audit(name, verify=True)
    return str(caught.value)


def test_an_honest_chain_holds(chain: list[audit.Stored], name: str) -> None:
    assert [stored.event.number for stored in chain] == [1, 2, 3, 4]
    assert "Verified" in str(mlops.audit(name, verify=True))


def test_a_changed_event_is_found(chain: list[audit.Stored], name: str) -> None:
    mlflow = Workspace.here().mlflow
    event = json.loads(chain[1].event.text) | {"who": "somebody else"}
    mlflow.write("set_tag", chain[1].run_id, "mlops.event", json.dumps(event))
    assert "event 2 (alias) was changed" in faults(name)


def test_a_changed_event_with_a_hash_that_fits_is_found_too(chain: list[audit.Stored], name: str) -> None:
    mlflow = Workspace.here().mlflow
    event = audit.Event(**(json.loads(chain[1].event.text) | {"who": "somebody else"}))
    mlflow.write("set_tag", chain[1].run_id, "mlops.event", event.text)
    mlflow.write("set_tag", chain[1].run_id, "mlops.hash", event.hash)
    assert "event 3 (gate) does not follow" in faults(name)


def test_an_event_that_is_no_event_any_more_is_found(chain: list[audit.Stored], name: str) -> None:
    Workspace.here().mlflow.write("set_tag", chain[1].run_id, "mlops.event", "no JSON")
    assert "does not hold" in faults(name)


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_missing_event_is_found(chain: list[audit.Stored], name: str, place: int) -> None:
    Workspace.here().mlflow.write("delete_run", chain[place].run_id)
    assert "does not hold" in faults(name)


def test_a_missing_end_is_found_also_when_the_chain_has_gone_on(chain: list[audit.Stored], name: str) -> None:
    Workspace.here().mlflow.write("delete_run", chain[-1].run_id)
    assert mlops.audit(name).events  # notes that the alias is not where the chain says
    aliases.record(Workspace.here(), name, "note")
    assert "event 4 is missing" in faults(name)


def test_an_inserted_event_is_found(chain: list[audit.Stored], name: str) -> None:
    mlflow = Workspace.here().mlflow
    last = chain[-1].event
    extra = audit.Event(**(json.loads(last.text) | {"number": 5, "previous": "0" * 64}))
    tags = {"mlops.model": name, "mlops.event": extra.text, "mlops.hash": extra.hash}
    inserted = mlflow.write("create_run", mlflow.read("get_run", chain[0].run_id).info.experiment_id, tags=tags)
    mlflow.write("set_terminated", inserted.info.run_id)
    assert "event 5 (promote) does not follow" in faults(name)


def test_reordered_events_are_found(chain: list[audit.Stored], name: str) -> None:
    mlflow = Workspace.here().mlflow
    for stored, other in ((chain[0], chain[1]), (chain[1], chain[0])):
        mlflow.write("set_tag", stored.run_id, "mlops.event", other.event.text)
        mlflow.write("set_tag", stored.run_id, "mlops.hash", other.hash)
    # the same events in other runs are the same chain; with their numbers swapped they are not
    assert mlops.audit(name, verify=True).ok
    for stored, number in ((chain[0], 2), (chain[1], 1)):
        event = audit.Event(**(json.loads(stored.event.text) | {"number": number}))
        mlflow.write("set_tag", stored.run_id, "mlops.event", event.text)
        mlflow.write("set_tag", stored.run_id, "mlops.hash", event.hash)
    assert "does not follow" in faults(name)


def test_writers_at_once_make_one_chain(chain: list[audit.Stored], name: str) -> None:
    workspace = Workspace.here()
    _ = workspace.mlflow.client
    threads = [threading.Thread(target=aliases.record, args=(workspace, name, f"note {n}")) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = mlops.audit(name, verify=True).events
    assert [event.number for event in events] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert len({event.action for event in events if event.action.startswith("note")}) == 5


def test_an_event_by_a_clock_that_is_behind_is_followed_too(
    chain: list[audit.Stored], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace.here()
    write = Mlflow.write

    def late(self: Mlflow, operation: str, *arguments: Any, **named: Any) -> Any:
        more = {"start_time": 1_000} if operation == "create_run" else {}
        return write(self, operation, *arguments, **named, **more)

    monkeypatch.setattr(audit, "_NEWEST", 3)
    with monkeypatch.context() as patch:
        patch.setattr(Mlflow, "write", late)
        patch.setattr(audit.heads, "move", lambda mlflow, event: None)  # killed right before
        aliases.record(workspace, name, "by a clock that is behind")
    aliases.record(workspace, name, "next")
    aliases.record(workspace, name, "and next")
    assert [event.number for event in mlops.audit(name, verify=True).events] == [1, 2, 3, 4, 5, 6, 7]


def test_an_event_that_comes_while_it_is_verified_is_no_fault(
    chain: list[audit.Stored], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered, came = versions.registered, []

    def meanwhile(mlflow: Mlflow, model: str) -> Any:
        if not came:
            came.append(aliases.record(Workspace.here(), name, "note"))
        return registered(mlflow, model)

    monkeypatch.setattr(versions, "registered", meanwhile)
    mlops.audit(name, verify=True)
    assert came


def test_what_is_added_costs_the_same_however_long_the_chain_is(
    chain: list[audit.Stored], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, rows = Mlflow.read, []

    def counting(self: Mlflow, operation: str, *arguments: Any, **named: Any) -> Any:
        found = read(self, operation, *arguments, **named)
        rows.extend(found if operation == "search_runs" else [])
        return found

    monkeypatch.setattr(audit, "_NEWEST", 2)
    monkeypatch.setattr(Mlflow, "read", counting)
    aliases.record(Workspace.here(), name, "note")
    assert len(rows) == 2 + 1  # the newest, and the new one beside its rivals


def retag(stored: audit.Stored, **tags: str) -> None:
    for tag, value in tags.items():
        Workspace.here().mlflow.write("set_tag", stored.run_id, f"mlops.{tag}", value)


def head(name: str, value: str | None) -> None:
    mlflow = Workspace.here().mlflow
    if value is None:
        mlflow.write("delete_registered_model_tag", name, "mlops.audit.head")
    else:
        mlflow.write("set_registered_model_tag", name, "mlops.audit.head", value)


def delete(*stored: audit.Stored) -> None:
    for each in stored:
        Workspace.here().mlflow.write("delete_run", each.run_id)


def forget() -> None:
    """Look as somebody who has never looked before."""
    shutil.rmtree(Workspace.here().state.folder / "audit")


def age(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what was written just now be old."""
    monkeypatch.setattr(fault_finder, "_SETTLED", -1.0)


@pytest.fixture
def all_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell those too of models of other tests."""
    monkeypatch.setattr(shown_chain, "_MOST_FAULTS", 1000)


@pytest.mark.usefixtures("all_faults")
def test_a_chain_that_is_gone_as_a_whole_is_found_also_without_a_name(chain: list[audit.Stored], name: str) -> None:
    delete(*chain)
    forget()
    with pytest.raises(ValidationFailed, match=f"{name}: the chain has no event, but the model says event 4"):
        mlops.audit(verify=True)
    mlops.audit(name)
    assert not audit.read(Workspace.here().mlflow, name)  # nothing new is written over it


@pytest.mark.usefixtures("all_faults")
def test_a_model_that_is_gone_with_its_chain_is_found(chain: list[audit.Stored], name: str) -> None:
    delete(*chain)
    Workspace.here().mlflow.write("delete_registered_model", name)
    with pytest.raises(ValidationFailed, match=f"{name}: event 4, which this machine has seen"):
        mlops.audit(verify=True)
    assert "is gone" in faults(name)


@pytest.mark.parametrize("back", [None, "3 {hash}"])
def test_a_missing_end_is_found_with_the_head_taken_along(
    chain: list[audit.Stored], name: str, back: str | None
) -> None:
    delete(chain[-1])
    head(name, back and back.format(hash=chain[2].hash))
    assert "event 4, which this machine has seen" in faults(name)


def test_a_head_that_was_taken_away_is_found(
    chain: list[audit.Stored], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head(name, None)
    assert mlops.audit(name, verify=True).ok  # its writer may be about to write it
    age(monkeypatch)
    forget()
    assert "the model's tag mlops.audit.head, which says so, is gone" in faults(name)


def test_an_event_that_was_added_by_hand_is_found(
    chain: list[audit.Stored], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = chain[-1]
    forged = audit.Event(**(asdict(last.event) | {"number": 5, "action": "approve", "previous": last.hash}))
    mlflow = Workspace.here().mlflow
    tags = {"mlops.model": name, "mlops.event": forged.text, "mlops.hash": forged.hash}
    run = mlflow.write("create_run", mlflow.read("get_run", last.run_id).info.experiment_id, tags=tags)
    mlflow.write("set_terminated", run.info.run_id)
    assert mlops.audit(name, verify=True).ok  # its writer may be about to tell the model
    age(monkeypatch)
    assert "event 5 (approve) is not known to the model, whose chain ends with event 4" in faults(name)


def test_a_chain_that_was_written_anew_is_found_by_who_has_seen_it(chain: list[audit.Stored], name: str) -> None:
    previous = ""
    for stored in chain:
        event = audit.Event(**(asdict(stored.event) | {"who": "mallory", "previous": previous}))
        retag(stored, event=event.text, hash=event.hash)
        previous = event.hash
    head(name, f"4 {previous}")
    assert f"event 4, which this machine has seen with the hash {chain[3].hash[:12]}…, is another one" in faults(name)
    forget()
    assert previous in str(mlops.audit(name, verify=True))  # to be compared with one that was kept elsewhere


def test_what_was_seen_goes_on_with_the_chain(chain: list[audit.Stored], name: str) -> None:
    workspace = Workspace.here()
    assert str(workspace.seen.head(name)) == f"4 {chain[3].hash}"
    audit.append(workspace.mlflow, name, "note", who="somebody", where="another machine")
    assert mlops.audit(name, verify=True).ends[name] == str(workspace.seen.head(name))
    workspace.seen.file(name).write_text("no JSON")
    assert mlops.audit(name, verify=True).ok


def test_an_event_of_other_types_is_unreadable(chain: list[audit.Stored], name: str) -> None:
    for number, changed in enumerate(
        [
            {"number": "2"},
            {"number": 0},
            {"number": True},
            {"time": "yesterday"},
            {"time": 1e300},
            {"who": None},
            {"before": None},
            {"after": 1},
        ]
    ):
        retag(chain[1], event=json.dumps(asdict(chain[1].event) | changed))
        assert f"an event can't be read any more (run:{chain[1].run_id[:8]})" in faults(name), changed
        assert "unreadable" in str(mlops.audit(name)), changed
        assert mlops.register(name, alias=f"trial-{number}").alias == f"trial-{number}", changed
        retag(chain[1], event=chain[1].event.text)
        assert mlops.audit(name, verify=True).ok, changed


@pytest.mark.parametrize("after", ["abc", "", "1" * 5000, "²"])
def test_a_version_that_is_no_number_is_passed_over(
    chain: list[audit.Stored], name: str, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    monkeypatch.setattr(outside, "_SETTLED", 0.0)
    for stored in (chain[0], chain[3]):
        retag(stored, event=json.dumps(asdict(stored.event) | {"after": after}))
    assert "was changed" in faults(name)
    assert mlops.audit(name).events
    with pytest.raises(NotFound, match="no other champion"):
        mlops.rollback(name)


def test_a_head_that_is_none_is_told_and_stays_to_be_seen(chain: list[audit.Stored], name: str) -> None:
    for garbage in ("abc def", "0 " + "0" * 64, "4", "-1 " + "a" * 64):
        head(name, garbage)
        assert "which is no event" in faults(name), garbage
        aliases.record(Workspace.here(), name, "note")
        assert "which is no event" in faults(name), garbage


def test_the_lines_of_the_export_carry_what_is_stored(
    chain: list[audit.Stored], name: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retag(chain[1], event=json.dumps(asdict(chain[1].event) | {"who": "mallory"}))
    monkeypatch.setenv("HOME", str(project))
    mlops.audit(name, export="~/audit.jsonl")
    lines = [json.loads(line) for line in (project / "audit.jsonl").read_text().splitlines()]
    assert lines[1]["hash"] == chain[1].hash
    assert "mallory" in lines[1]["stored"]
    assert "stored" not in lines[0]
    with pytest.raises(NotWritable, match="a folder that is there"):
        mlops.audit(name, export="nowhere/audit.jsonl")


def test_who_is_held_up_does_not_fork_the_chain(
    chain: list[audit.Stored], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace.here()
    _ = workspace.mlflow.client
    held, has_gone_on = threading.Event(), threading.Event()
    late = iter([False, True])  # held up between its last look and its word
    write = Mlflow.write

    def slowly(self: Mlflow, operation: str, *arguments: Any, **named: Any) -> Any:
        if operation == "set_terminated" and threading.current_thread() is slow and not held.is_set():
            held.set()
            assert has_gone_on.wait(60)
        return write(self, operation, *arguments, **named)

    monkeypatch.setattr(Mlflow, "write", slowly)
    monkeypatch.setattr(audit, "_is_late", lambda begin: threading.current_thread() is slow and next(late, False))
    slow = threading.Thread(target=aliases.record, args=(workspace, name, "slow"))
    slow.start()
    assert held.wait(60)
    monkeypatch.setattr(audit, "_PENDING_SECONDS", -1.0)  # the other takes it for dead
    aliases.record(Workspace.here(), name, "fast")
    has_gone_on.set()
    slow.join()
    events = mlops.audit(name, verify=True).events
    assert [event.action for event in events[4:]] == ["fast", "slow"]


def test_a_deleted_audit_is_told_with_the_line_that_brings_it_back(chain: list[audit.Stored], name: str) -> None:
    mlflow = Workspace.here().mlflow
    experiment = mlflow.read("get_run", chain[0].run_id).info.experiment_id
    mlflow.write("delete_experiment", experiment)
    try:
        with pytest.raises(Conflict, match=f"mlflow experiments restore --experiment-id {experiment}") as caught:
            mlops.audit(name)
        assert "ANOTHER" not in str(caught.value)
    finally:
        mlflow.write("restore_experiment", experiment)
