"""The chain: what was changed, taken out or put elsewhere is found."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.backend import audit
from jupyter_mlops.errors import ValidationFailed
from jupyter_mlops.registry import aliases
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
