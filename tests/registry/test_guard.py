"""The guard: the server itself holds the gate, against a plain client, curl, and our own faces."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException

import jupyter_mlops as mlops
from jupyter_mlops.backend import audit, guard, probe, server
from jupyter_mlops.backend.processes import Process, await_ready, free_port, spawn, stop
from jupyter_mlops.backend.state import State
from jupyter_mlops.workspace import Workspace

from ..conftest import Face
from ..validation.test_trial import registered, strong, test, weak

__all__ = ["test"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, _clean_environment: None) -> Iterator[tuple[Path, str]]:
    """A server with the guard on, and the folder of its mlops.toml."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "mlops.toml").write_text("")
    process = server.ensure(State(folder / ".mlops"), lambda text: None, guarded=True).process
    yield folder, process.url
    stop(process)


@pytest.fixture
def project(tmp_path: Path, guarded: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, name: str) -> Path:
    """An empty project on the guarded server; both have the same gate."""
    monkeypatch.chdir(tmp_path)
    text = f'[gates.{name}]\naccuracy = ">= 0.9"\n'
    (guarded[0] / "mlops.toml").write_text(text)
    (tmp_path / "mlops.toml").write_text(
        f'tracking_uri = "{guarded[1]}"\nexperiment = "experiment of {name}"\nuser = "tester"\n\n{text}'
    )
    return tmp_path


@pytest.fixture
def client(guarded: tuple[Path, str]) -> MlflowClient:
    """MLflow's own client, which knows nothing of us."""
    return MlflowClient(tracking_uri=guarded[1], registry_uri=guarded[1])


def version(client: MlflowClient, name: str, **metrics: float) -> str:
    """Make a version as somebody does who has never heard of us."""
    experiment = client.get_experiment_by_name(name)
    run = client.create_run(experiment.experiment_id if experiment else client.create_experiment(name))
    for metric, value in metrics.items():
        client.log_metric(run.info.run_id, metric, value)
    with contextlib.suppress(MlflowException):
        client.create_registered_model(name)
    source = f"{run.info.artifact_uri}/model"
    return str(client.create_model_version(name, source, run.info.run_id, await_creation_for=0).version)


def champion(client: MlflowClient, name: str) -> str | None:
    number = client.get_registered_model(name).aliases.get("champion")
    return None if number is None else str(number)


def test_a_plain_client_gets_past_it_only_through_the_gate(project: Path, name: str, client: MlflowClient) -> None:
    bad, unknown, good = (
        version(client, name, accuracy=0.5),
        version(client, name),
        version(client, name, accuracy=0.95),
    )
    for number, why in ((bad, "accuracy is 0.5000, must be >= 0.9"), (unknown, "accuracy is not logged")):
        with pytest.raises(RestException, match=why) as refused:
            client.set_registered_model_alias(name, "champion", number)
        assert refused.value.error_code == "PERMISSION_DENIED"
        assert refused.value.get_http_status_code() == 403
    assert champion(client, name) is None
    client.set_registered_model_alias(name, "challenger", bad)  # not protected
    client.set_registered_model_alias(name, "champion", good)
    assert champion(client, name) == good
    client.set_registered_model_alias(name, "champion", good)  # nothing moves
    with pytest.raises(RestException, match="Refused by jupyter-mlops-guard"):
        client.set_registered_model_alias(name, "champion", bad)
    assert champion(client, name) == good


@pytest.mark.parametrize("path", ["api/2.0/mlflow/registered-models/alias", "ajax-api/2.0/mlflow/registered-models/alias", "api/2.0/mlflow/registered-models/alias/", "//api/2.0/mlflow//registered-models/alias", "api/3.0/mlflow/registered-models/alias", "api/2.0/mlflow/./registered-models/alias"])  # fmt: skip
def test_no_path_leads_past_it(project: Path, name: str, client: MlflowClient, guarded: tuple[Path, str], path: str) -> None:  # fmt: skip
    bad = version(client, name, accuracy=0.5)
    body = json.dumps({"name": name, "alias": "champion", "version": bad})
    curl = ["curl", "-s", "--path-as-is", "-o", "answer", "-w", "%{http_code}", "-H", "Content-Type: application/json"]
    for method in ("POST", "PUT", "PATCH"):
        done = subprocess.run([*curl, "-X", method, "-d", body, f"{guarded[1]}/{path}"], capture_output=True, text=True)
        if method == "POST" and path.endswith("2.0/mlflow/registered-models/alias") and not path.startswith("/"):
            assert done.stdout == "403"
            said = json.loads(Path("answer").read_text())
            assert said["error_code"] == "PERMISSION_DENIED"
            assert "accuracy is 0.5000, must be >= 0.9" in said["message"]
        assert not done.stdout.startswith("2")
    assert champion(client, name) is None


def test_what_looks_like_the_alias_is_it(project: Path, name: str, client: MlflowClient) -> None:
    good = version(client, name, accuracy=0.95)
    for alias in ("Champion", "CHAMPION", "chámpion", "ｃhampion"):
        with pytest.raises(MlflowException, match=r"too much like|Invalid"):
            client.set_registered_model_alias(name, alias, good)
    for number in (f"0{good}", f" {good}", f"{good}.0", "999"):
        with contextlib.suppress(MlflowException):
            client.set_registered_model_alias(name, "champion", number)
        assert champion(client, name) in (None, good)


def test_a_champion_does_not_go_away(project: Path, name: str, client: MlflowClient) -> None:
    good, other = version(client, name, accuracy=0.95), version(client, name, accuracy=0.1)
    client.set_registered_model_alias(name, "champion", good)
    for attempt in (
        lambda: client.delete_registered_model_alias(name, "champion"),
        lambda: client.delete_model_version(name, good),
        lambda: client.delete_registered_model(name),
        lambda: client.rename_registered_model(name, f"{name}-2"),
    ):
        with pytest.raises(RestException, match="is protected"):
            attempt()
    assert champion(client, name) == good
    client.delete_model_version(name, other)  # nobody minds


def test_nobody_else_writes_the_word_of_the_guard(project: Path, name: str, client: MlflowClient) -> None:
    good, bad = version(client, name, accuracy=0.95), version(client, name, accuracy=0.1)
    forged = f"{name}@champion: gate pass"
    for key in (f"{guard.TAG}champion", f"{guard.TAG.upper()}champion"):
        with pytest.raises(RestException, match="by the guard alone"):
            client.set_model_version_tag(name, bad, key, forged)
        with pytest.raises(RestException, match="by the guard alone"):
            client.delete_model_version_tag(name, good, key)
    run = client.get_model_version(name, bad).run_id
    source = client.get_model_version(name, bad).source
    made = client.create_model_version(name, source, run, tags={f"{guard.TAG}champion": forged, "mine": "1"}, await_creation_for=0)  # fmt: skip
    assert client.get_model_version(name, made.version).tags == {"mine": "1"}
    with pytest.raises(RestException, match="the gate says no"):
        client.set_registered_model_alias(name, "champion", made.version)
    client.set_registered_model_alias(name, "champion", good)
    copied = client.copy_model_version(f"models:/{name}/{good}", f"{name}-copy")
    assert not copied.tags
    with pytest.raises(RestException, match="there is no gate"):
        client.set_registered_model_alias(f"{name}-copy", "champion", copied.version)


def test_a_version_shines_by_no_other_run(project: Path, name: str, cancer: Any, client: MlflowClient) -> None:
    good = client.get_model_version(name, version(client, name, accuracy=0.99))
    made = registered(name, cancer, weak()).version
    bad = client.get_model_version(name, str(made))
    for model_id in (bad.model_id, None):
        with contextlib.suppress(RestException):  # MLflow refuses some by itself
            lent = client.create_model_version(name, bad.source, good.run_id, model_id=model_id, await_creation_for=0)
            with pytest.raises(RestException, match=r"it is not seen that run:\w+ has made this model"):
                client.set_registered_model_alias(name, "champion", lent.version)
    assert champion(client, name) is None


def test_reports_are_read_by_the_server(project: Path, guarded: tuple[Path, str], name: str, cancer: Any, test: Any, client: MlflowClient) -> None:  # fmt: skip
    text = f'[gates.{name}]\nmodel = "pass"\n'
    (guarded[0] / "mlops.toml").write_text(text)
    first = str(registered(name, cancer, strong()).version)
    with pytest.raises(RestException, match=r"there is no report of the model\. → %mlops validate model"):
        client.set_registered_model_alias(name, "champion", first)
    mlops.validate_model(name, data=test, target="target")
    client.set_registered_model_alias(name, "champion", first)
    tags = client.get_model_version(name, first).tags
    assert "gate pass: model pass (" in tags[f"{guard.TAG}champion"]
    second = str(registered(name, cancer, weak()).version)
    mlops.validate_model(name, data=test, target="target")
    with pytest.raises(RestException, match="MV002 Better than the champion"):
        client.set_registered_model_alias(name, "champion", second)
    run_id = client.get_model_version(name, second).run_id  # the report of the good one, put in its place
    kept = client.download_artifacts(client.get_model_version(name, first).run_id, "validation/model.json")
    client.log_artifact(run_id, kept, "validation")
    with pytest.raises(RestException, match="there is no report of the model"):
        client.set_registered_model_alias(name, "champion", second)
    client.set_tag(run_id, "mlops.validation.model", client.get_run(client.get_model_version(name, first).run_id).data.tags["mlops.validation.model"])  # fmt: skip
    with pytest.raises(RestException, match=f"it is of {name}/1, another model"):
        client.set_registered_model_alias(name, "champion", second)
    client.log_text(run_id, '{"no": "report"}', "validation/model.json")
    client.set_tag(run_id, "mlops.validation.model", "pass x 7d1f2d4b2b3ac2a4")
    with pytest.raises(RestException, match="Refused"):
        client.set_registered_model_alias(name, "champion", second)
    (guarded[0] / "mlops.toml").write_text(f"{text}\n[validation.model]\ngain = 0.2\n")
    third = str(registered(name, cancer, strong()).version)
    mlops.validate_model(name, data=test, target="target")
    with pytest.raises(RestException, match=r"the limits in mlops\.toml are other ones now"):
        client.set_registered_model_alias(name, "champion", third)
    assert champion(client, name) == first


def test_ours_goes_on_under_it(project: Path, name: str, face: Face, trained: Any, client: MlflowClient) -> None:
    for accuracy, alias in ((0.95, "challenger"), (0.97, None)):
        trained("train", accuracy=accuracy)
        mlops.register(name, run="last", alias=alias)
    assert face(f"approve {name}@challenger").data["by"] == ["tester"]
    done = face(f"promote {name}@challenger").data
    assert (done["done"], done["guarded"], done["outcome"]) == (True, True, "pass")
    assert face(f"promote {name}/2").data["done"]
    assert face(f"rollback {name}").data["after"] == 1
    assert champion(client, name) == "1"
    trained("worse", accuracy=0.2)
    mlops.register(name, run="last", alias="challenger")
    refused = face(f"promote {name}@challenger")
    assert ("accuracy is 0.2000" in refused.error, refused.exit_code) == (True, 5)
    forced = face(f'promote {name}@challenger --force --reason "for a demo"')
    assert "Forced promotions are refused by this server" in forced.error
    assert forced.exit_code == 5
    assert [e.action for e in mlops.audit(name).events][-2:] == ["promote", "promote failed"]
    assert mlops.audit(name, verify=True).verified
    assert champion(client, name) == "1"


def test_a_laxer_gate_of_the_client_is_none(project: Path, name: str, trained: Any, client: MlflowClient, face: Face) -> None:  # fmt: skip
    config = project / "mlops.toml"
    config.write_text(config.read_text().replace(">= 0.9", ">= 0.1"))
    trained("train", accuracy=0.5)
    mlops.register(name, run="last", alias="challenger")
    refused = face(f"promote {name}@challenger")
    assert "accuracy is 0.5000, must be >= 0.9" in refused.error
    assert refused.exit_code == 5
    assert champion(client, name) is None


def test_a_version_from_before_is_taken_as_it_is(project: Path, guarded: tuple[Path, str], name: str, client: MlflowClient) -> None:  # fmt: skip
    toml = guarded[0] / "mlops.toml"
    text = toml.read_text()
    toml.write_text('[guard]\naliases = ["production"]\n')
    old, new = version(client, name, accuracy=0.3), version(client, name, accuracy=0.95)
    client.set_registered_model_alias(name, "champion", old)
    toml.write_text(text)
    client.set_registered_model_alias(name, "champion", new)
    client.set_registered_model_alias(name, "champion", old)
    assert champion(client, name) == old


def test_forced_promotions_pass_where_the_server_says_so(project: Path, guarded: tuple[Path, str], name: str, trained: Any, client: MlflowClient) -> None:  # fmt: skip
    toml = guarded[0] / "mlops.toml"
    toml.write_text(f"[guard]\nforced = true\n\n{toml.read_text()}")
    trained("train", accuracy=0.5)
    mlops.register(name, run="last", alias="challenger")
    with pytest.raises(RestException, match="the gate says no"):
        client.set_registered_model_alias(name, "champion", "1")
    assert mlops.promote(name, force=True, reason="for a demo").forced
    assert "(forced): for a demo" in client.get_model_version(name, "1").tags[f"{guard.TAG}champion"]
    trained("again", accuracy=0.6)
    mlops.register(name, run="last", alias="challenger")
    mlflow = Workspace.here().mlflow
    for before, why in (("", "wrong place"), ("1", " ")):  # not what is done, or no reason
        audit.append(mlflow, name, "promote", who="eve", where="x", alias="champion", before=before, after="2", why=why, evidence="no gate (forced)")  # fmt: skip
        with pytest.raises(RestException, match="the gate says no"):
            client.set_registered_model_alias(name, "champion", "2")
    assert champion(client, name) == "1"


def test_approvals_count_of_others_only(project: Path, guarded: tuple[Path, str], name: str, trained: Any, client: MlflowClient) -> None:  # fmt: skip
    (guarded[0] / "mlops.toml").write_text(f"[gates.{name}]\napprovals = 1\n")
    trained("train")
    mlops.register(name, run="last", alias="challenger")
    mlops.approve(name)
    with pytest.raises(RestException, match="0 of 1 approvals by another person"):
        client.set_registered_model_alias(name, "champion", "1")
    config = project / "mlops.toml"
    config.write_text(config.read_text().replace("tester", "another"))
    mlops.approve(name)
    client.set_registered_model_alias(name, "champion", "1")


def test_what_cant_be_judged_is_refused(project: Path, guarded: tuple[Path, str], name: str, client: MlflowClient) -> None:  # fmt: skip
    number = version(client, name, accuracy=0.95)
    for text in ("[gates", f'[gates.{name}]\naccuracy = "high"\n'):
        (guarded[0] / "mlops.toml").write_text(text)
        with pytest.raises(MlflowException):
            client.set_registered_model_alias(name, "champion", number)
        assert requests.get(guarded[1] + guard.ROUTE, timeout=30).status_code == 500
    (guarded[0] / "mlops.toml").write_text("")
    assert champion(client, name) is None
    client.delete_run(client.get_model_version(name, number).run_id)
    with pytest.raises(RestException, match="there is no gate"):
        client.set_registered_model_alias(name, "champion", number)


def test_it_is_told_whether_it_is_on(project: Path, tracking_uri: str, face: Face, name: str, trained: Any) -> None:
    assert mlops.status().guard == "on: it protects champion; forced promotions are refused"
    trained("train", accuracy=0.95)
    mlops.register(name, run="last", alias="challenger")
    assert "held by the server's guard" in str(mlops.promote(name, dry_run=True))
    config = project / "mlops.toml"
    config.write_text(f'tracking_uri = "{tracking_uri}"\n\n[gates.{name}]\naccuracy = ">= 0.9"\n')
    assert face("status").data["guard"].startswith("off: the gates are advisory")
    trained("train", accuracy=0.95)
    mlops.register(name, run="last", alias="challenger")
    planned = mlops.promote(name, dry_run=True)
    assert (planned.guarded, "advisory: the server has no guard" in str(planned)) == (False, True)
    config.write_text(config.read_text() + "\n[guard]\nenabled = true\n")
    assert "--app-name jupyter-mlops-guard" in mlops.status().guard


def test_the_projects_own_server_starts_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlops.toml").write_text('[guard]\nenabled = true\naliases = ["champion", "production"]\n')
    try:
        assert mlops.init().guard == "on: it protects champion, production; forced promotions are refused"
    finally:
        mlops.stop(all=True)


def test_it_stands_before_mlflows_own_authentication(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    port = free_port()
    env = {guard.PROJECT: str(tmp_path), "MLOPS_GUARD_OVER": "basic-auth", "MLFLOW_FLASK_SERVER_SECRET_KEY": "secret of a test", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_AUTH_CONFIG_PATH": str(tmp_path / "auth.ini")}  # fmt: skip
    (tmp_path / "auth.ini").write_text(f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{tmp_path}/auth.db\nadmin_username = admin\nadmin_password = a long password 1\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\n")  # fmt: skip
    command = ["-m", "mlflow", "server", "--app-name", guard.APP, "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db"]  # fmt: skip
    pid, created = spawn(command, tmp_path / "log", env)
    process = Process("server", "mlflow", pid, created, port, time.time())
    try:
        await_ready(process, lambda: probe.is_healthy(process.url), tmp_path / "log", timeout=90, tick=lambda waited: None)  # fmt: skip
        assert requests.get(process.url + guard.ROUTE, timeout=30).status_code == 401
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a long password 1")
        client = MlflowClient(tracking_uri=process.url, registry_uri=process.url)
        number = version(client, "tumour", accuracy=1.0)
        with pytest.raises(RestException, match="there is no gate for tumour"):
            client.set_registered_model_alias("tumour", "champion", number)
    finally:
        stop(process)


def test_the_card_says_who_holds_the_gate(project: Path, name: str, trained: Any) -> None:
    trained("train", accuracy=0.95)
    mlops.register(name, run="last", alias="challenger")
    mlops.promote(name)
    said = mlops.card(f"{name}@champion").markdown
    assert "Its gate is held by the server's guard" in said
    assert f"- {name}@champion: gate pass: accuracy 0.9500 >= 0.9" in said.replace("\\", "")
