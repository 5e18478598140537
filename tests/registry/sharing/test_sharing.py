"""A version goes from one project and server to another, whole or not at all."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

import jupyter_mlops as mlops
from jupyter_mlops.backend import artifacts, fetching, origin, server, versions
from jupyter_mlops.backend.adapter import Mlflow
from jupyter_mlops.backend.processes import stop
from jupyter_mlops.backend.state import State
from jupyter_mlops.entities import ModelRef
from jupyter_mlops.errors import (
    BackendUnreachable,
    Conflict,
    InvalidUsage,
    MissingDependency,
    NotFound,
    UntrustedModel,
    ValidationFailed,
)
from jupyter_mlops.registry.card import files as card_files
from jupyter_mlops.registry.sharing import archive, zips
from jupyter_mlops.registry.sharing.marks import TAG as IMPORTED
from jupyter_mlops.tracking.snapshot import files as snapshot
from jupyter_mlops.workspace import Workspace

from ...conftest import Face

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture(scope="module")
def second_uri(tmp_path_factory: pytest.TempPathFactory, _clean_environment: None) -> Iterator[str]:
    """Another MLflow server, of another team."""
    state = State(tmp_path_factory.mktemp("second") / ".mlops")
    process = server.ensure(state, lambda text: None).process
    yield process.url
    stop(process)


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory, second_uri: str, name: str) -> Path:
    """Another project, on the other server."""
    folder = tmp_path_factory.mktemp("other")
    (folder / "mlops.toml").write_text(
        f'tracking_uri = "{second_uri}"\nexperiment = "experiment of {name}"\nuser = "taker"\n'
    )
    return folder


@pytest.fixture
def shared(trained: Any, name: str, project: Path) -> Path:
    """The file of an exported version."""
    trained("first", accuracy=0.95)
    mlops.register(name, alias="challenger")
    return Path(mlops.export(f"{name}@challenger").file).resolve()


@pytest.fixture
def there(other: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, with the working folder in the other project."""
    monkeypatch.chdir(other)
    return shared


def rebuilt(path: Path, change: Callable[[Path], object], **manifest: Any) -> Path:
    """Make an archive that is right in form, of one whose content was changed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        said = archive.unpack(path, folder).manifest
        change(folder)
        facts = {"jupyter_mlops": "0.1.0", "model": said.model, "version": 1, "exported": said.exported} | manifest
        changed = path.with_name("changed.zip")
        changed.unlink(missing_ok=True)
        archive.write(changed, folder, lambda files: archive.Manifest(archive.FORMAT, files=files, **facts))
    return changed


def edit_json(folder: Path, file: str, **changes: Any) -> None:
    said = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(said | changes))


def what_is_there() -> dict[str, Any]:
    """Everything that an import could leave behind."""
    mlflow = Workspace.here().mlflow
    found = mlflow.read("get_experiment_by_name", Workspace.here().settings.experiment)
    ids = [found.experiment_id] if found else []
    return {
        "runs": [run.info.run_id for run in mlflow.read("search_runs", ids)] if ids else [],
        "models": [(m.name, sorted(v.version for v in versions.versions(mlflow, m.name))) for m in versions.models(mlflow)],
        "logged": [m.model_id for m in mlflow.read("search_logged_models", ids)] if ids else [],
    }  # fmt: skip


def run_of(ref: str) -> Any:
    mlflow = Workspace.here().mlflow
    return mlflow.read("get_run", versions.find_version(mlflow, ModelRef.of(ref)).run_id)


def files_of(ref: str, into: Path) -> dict[str, bytes]:
    mlflow = Workspace.here().mlflow
    folder = fetching.download(mlflow, versions.find_version(mlflow, ModelRef.of(ref)), into)
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    found.pop("registered_model_meta", None)
    return found


def test_from_one_project_and_server_to_another(
    face: Face, trained: Any, name: str, project: Path, other: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trained("first", accuracy=0.95, loss=float("nan"))
    mlops.register(name, alias="challenger")
    before, files = run_of(f"{name}/1"), files_of(f"{name}/1", tmp_path / "there")
    exported = face(f"export {name}@challenger --to {name}.zip").data
    assert {"model", "run.json", "datasets.json", "snapshot", "lineage.json", "audit.jsonl", "requirements.txt"} <= set(
        exported["contents"]
    )
    assert exported["size"] == (project / f"{name}.zip").stat().st_size

    monkeypatch.chdir(other)
    imported = face(f"import {project / name}.zip --alias challenger").data
    assert (imported["version"], imported["is_new"], imported["signature"]) == (1, True, "not signed")
    assert imported["digest"] == exported["digest"]
    assert (imported["original"], imported["project"], imported["by"]) == (f"{name}/1", project.name, "tester")
    after = run_of(f"{name}@challenger")
    assert files_of(f"{name}/1", tmp_path / "here") == files
    assert after.data.params == before.data.params
    assert {k: str(v) for k, v in after.data.metrics.items()} == {k: str(v) for k, v in before.data.metrics.items()}
    assert [each.dataset for each in after.inputs.dataset_inputs] == [d.dataset for d in before.inputs.dataset_inputs]
    assert (after.info.run_name, after.info.status, after.info.start_time, after.info.end_time) == (
        before.info.run_name, before.info.status, before.info.start_time, before.info.end_time,
    )  # fmt: skip
    assert after.data.tags[IMPORTED].startswith(exported["digest"])
    event = mlops.audit(name, verify=True).events[0]
    assert (event.action, event.who, event.after) == ("import", "taker", "1")
    assert f"archive {exported['digest'][:8]} from {project.name} at http" in event.evidence


def test_what_was_taken_in_can_be_looked_at_served_and_rebuilt(
    there: Path, name: str, project: Path, cancer: Any, tmp_path: Path
) -> None:
    from jupyter_mlops.serving.model.loader import load_model

    mlops.import_(str(there))
    mlflow = Workspace.here().mlflow
    run = run_of(f"{name}/1")
    taken = snapshot.read(mlflow, run, tmp_path)
    assert taken.manifest["data"][0]["digest"] == run.inputs.dataset_inputs[0].dataset.digest
    files_of(f"{name}/1", tmp_path / "files")
    model = load_model(next((tmp_path / "files").rglob("MLmodel")).parent)
    rows = model.signature.inputs.frame(cancer[1])
    assert len(model.predict(rows)) == len(cancer[1])
    assert mlops.models(name).rows[0].version == 1


def test_a_name_that_is_there_gets_a_new_version(face: Face, trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    file = face(f"export {name}/1 --to a.zip").data["file"]
    assert face(f"import {file}").data["version"] == 2
    again = face(f"import {file} --alias challenger").data
    assert (again["version"], again["is_new"], again["alias"]) == (2, False, "challenger")
    assert face(f"import {file} --name {name}-other").data["version"] == 1
    assert [row.version for row in mlops.models(name).rows] == [2, 1]
    assert [event.action for event in mlops.audit(name, verify=True).events] == ["register", "import", "alias"]


def test_dry_runs_change_nothing(face: Face, trained: Any, name: str, project: Path) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    planned = face(f"export {name}/1 --dry-run").data
    assert "model" in planned["contents"]
    assert not list(project.glob("*.zip"))
    mlops.export(f"{name}/1", to="a.zip")
    before = what_is_there()
    assert face(f"import a.zip --name {name}-new --dry-run").data["version"] == 1
    assert face("import a.zip --dry-run").data["version"] == 2
    assert what_is_there() == before


def test_what_is_shown_is_what_the_file_says_and_escaped(there: Path, name: str) -> None:
    by = archive.Exported("<script>", datetime.now(UTC), "<i>", "javascript:alert()")
    shown = mlops.import_(str(rebuilt(there, lambda folder: None, exported=by)), dry_run=True)
    for word in (f"{name}/1 of <i>", "would be new", "by <script>", "not signed", shown.digest):
        assert word in str(shown)
    html = shown._repr_mimebundle_()["text/html"]
    assert "&lt;script&gt;" in html
    assert not any(word in html for word in ("<script", "<i>", 'href="javascript'))


@pytest.mark.parametrize("changes", [{"metrics": {"a\nb": 1.0}}, {"params": {"x" * 1000: "long"}}])
def test_what_the_server_does_not_take_is_told_and_nothing_is_made(changes: dict[str, Any], there: Path) -> None:
    before = what_is_there()
    with pytest.raises(InvalidUsage) as refused:
        mlops.import_(str(rebuilt(there, lambda folder: edit_json(folder, "run.json", **changes))))
    assert len(str(refused.value).splitlines()) <= 3
    assert what_is_there() == before


def test_a_file_that_is_there_is_not_overwritten(face: Face, trained: Any, name: str, project: Path) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    assert face(f"export {name}/1").data["file"] == f"{name}-1.mlops.zip"
    before = (project / f"{name}-1.mlops.zip").read_bytes()
    outcome = face(f"export {name}/1")
    assert outcome.exit_code == Conflict.exit_code
    assert "--to" in outcome.error
    assert (project / f"{name}-1.mlops.zip").read_bytes() == before
    (project / "out").mkdir()
    assert face(f"export {name}/1 --to out").data["file"] == f"out/{name}-1.mlops.zip"


BAD_WORDS = [
    ("export nobody", "There is no registered model 'nobody'"),
    ("export {name}/7", "has no version 7"),
    ("export {name}", "has no alias 'champion'"),
    ("export {name}/1 --to gone/a.zip", "can't be written"),
    ("export {name}/1 --sign gone.pem", "no key gone.pem"),
    ("import gone.zip", "no such file"),
    ("import mlops.toml", "no archive of export"),
    ("import a.zip --alias champion", "Only promote makes a champion"),
    ("import a.zip --alias latest", "'latest' can't be an alias"),
    ("import a.zip --name a/b", "can't be the name of a model"),
    ("import a.zip --key gone.pem", "no key gone.pem"),
]


def test_bad_words_are_answered_with_what_mends_them(face: Face, trained: Any, name: str) -> None:
    pytest.importorskip("model_signing")
    trained("first", accuracy=0.95)
    mlops.register(name)
    mlops.export(f"{name}/1", to="a.zip")
    before = what_is_there()
    for line, says in BAD_WORDS:
        outcome = face(line.format(name=name))
        assert says in outcome.error
        assert len(outcome.error.splitlines()) <= 3
    assert what_is_there() == before


def test_a_changed_byte_is_refused_and_nothing_is_made(face: Face, there: Path) -> None:
    before = what_is_there()
    data = bytearray(there.read_bytes())
    with zipfile.ZipFile(there) as opened:
        at = next(info.header_offset for info in opened.infolist() if info.filename.endswith(".skops")) + 200
    data[at] ^= 1
    there.write_bytes(data)
    outcome = face(f"import {there}")
    assert outcome.exit_code == ValidationFailed.exit_code
    assert "changed" in outcome.error
    assert what_is_there() == before


def test_a_model_that_would_run_code_is_refused(there: Path) -> None:
    def as_pickle(folder: Path) -> None:
        (folder / "model/model.pkl").write_bytes(pickle.dumps(print))

    def of_pickle(folder: Path) -> None:
        said = yaml.safe_load((folder / "model/MLmodel").read_text())
        said["flavors"]["sklearn"]["serialization_format"] = "cloudpickle"
        (folder / "model/MLmodel").write_text(yaml.safe_dump(said))

    def without_model(folder: Path) -> None:
        shutil.rmtree(folder / "model")

    def foreign(folder: Path) -> None:
        import skops.io
        from sklearn.preprocessing import FunctionTransformer

        file = next((folder / "model").glob("*.skops"))
        skops.io.dump(FunctionTransformer(shutil.rmtree), file)

    def bomb(folder: Path) -> None:
        file = next((folder / "model").glob("*.skops"))
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("schema.json", bytes(5_000_000))

    before = what_is_there()
    for change, says in (
        (as_pickle, "holds a pickle"),
        (of_pickle, "written as 'cloudpickle'"),
        (without_model, "no folder of a model"),
        (foreign, "not trusted: shutil.rmtree"),
        (bomb, "as a bomb does"),
    ):
        with pytest.raises(UntrustedModel, match=says):
            mlops.import_(str(rebuilt(there, change)))
    assert what_is_there() == before


def test_such_a_model_is_not_exported_either(trained: Any, name: str, project: Path) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    mlflow = Workspace.here().mlflow
    version = versions.find_version(mlflow, ModelRef.of(f"{name}/1"))
    (project / "harm.pkl").write_bytes(b"")
    mlflow.write("log_model_artifact", version.source.removeprefix("models:/"), str(project / "harm.pkl"))
    with pytest.raises(UntrustedModel, match="holds a pickle"):
        mlops.export(f"{name}/1")
    assert not list(project.glob("*.zip"))


def test_records_of_another_form_are_refused(there: Path) -> None:
    before = what_is_there()
    for file, text in (
        ("run.json", None),
        ("run.json", "[]"),
        ("run.json", "{}"),
        ("datasets.json", None),
        ("datasets.json", "{}"),
        ("datasets.json", '[{"name": 3}]'),
    ):

        def change(folder: Path, file: str = file, text: str | None = text) -> None:
            (folder / file).unlink() if text is None else (folder / file).write_text(text)

        with pytest.raises(InvalidUsage, match=file) as refused:
            mlops.import_(str(rebuilt(there, change)))
        assert len(str(refused.value).splitlines()) <= 3
    assert what_is_there() == before


def test_what_the_file_says_of_itself_is_not_believed(there: Path, name: str) -> None:
    tags = {
        "mlops.owner": origin.owner(), "mlflow.parentRunId": "0" * 32, IMPORTED: "me", "mlops.reproduces": "0" * 32,
        "mlflow.loggedArtifacts": "[]", "mine": "<b>", "mlflow.note.content": "a note", "mlops.host": "elsewhere",
    }  # fmt: skip
    changed = rebuilt(there, lambda folder: edit_json(folder, "run.json", tags=tags))
    mlops.import_(str(changed))
    taken = run_of(f"{name}/1").data.tags
    assert (taken["mine"], taken["mlflow.note.content"], taken["mlops.host"]) == ("<b>", "a note", "elsewhere")
    assert taken[IMPORTED] != "me"
    assert not {"mlflow.parentRunId", "mlops.reproduces", "mlflow.loggedArtifacts"} & set(taken)
    with pytest.raises(InvalidUsage, match="can't be the name of a model"):
        mlops.import_(str(rebuilt(there, lambda folder: None, model="../up")))


def test_more_than_mlflow_takes_at_once(there: Path, name: str) -> None:
    many = {
        "params": {f"p{n}": str(n) for n in range(250)},
        "metrics": {f"m{n}": float(n) for n in range(1100)},
        "tags": {f"t{n}": str(n) for n in range(120)},
    }
    mlops.import_(str(rebuilt(there, lambda folder: edit_json(folder, "run.json", **many))))
    data = run_of(f"{name}/1").data
    assert (data.params, data.metrics) == (many["params"], many["metrics"])
    assert many["tags"].items() <= data.tags.items()


WRITES = [
    "create_run", "log_batch", "log_inputs", "log_artifacts", "log_artifact", "create_logged_model", "log_model_artifacts",
    "finalize_logged_model", "log_outputs", "set_terminated", "create_registered_model", "create_model_version",
    "set_registered_model_tag",
]  # fmt: skip


@pytest.mark.parametrize("failure", [KeyboardInterrupt, BackendUnreachable])
def test_an_import_that_fails_or_is_interrupted_leaves_nothing(
    failure: Any, there: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, write = what_is_there(), Mlflow.write
    for after in (False, True):
        for stopped in WRITES[not after :]:
            if after and stopped == "create_run":
                continue

            def failing(self: Mlflow, operation: str, *args: Any, _at: str = stopped, _after: bool = after, **kw: Any):
                if operation != _at:
                    return write(self, operation, *args, **kw)
                if _after:
                    write(self, operation, *args, **kw)
                raise failure("stopped")

            monkeypatch.setattr(Mlflow, "write", failing)
            with pytest.raises(failure):
                mlops.import_(str(there))
            monkeypatch.setattr(Mlflow, "write", write)
            assert what_is_there() == before, stopped
    assert mlops.import_(str(there)).is_new


def test_what_a_killed_import_has_left_is_removed_by_the_next(
    there: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Mlflow.write

    def lost(self: Mlflow, operation: str, *args: Any, **kw: Any) -> Any:
        if operation.startswith("delete") or operation == "set_terminated":
            raise BackendUnreachable("gone")
        return write(self, operation, *args, **kw)

    monkeypatch.setattr(Mlflow, "write", lost)
    with pytest.raises(BackendUnreachable):
        mlops.import_(str(there))
    monkeypatch.setattr(Mlflow, "write", write)
    assert len(what_is_there()["runs"]) == 1
    mlops.import_(str(there))
    assert len(what_is_there()["runs"]) == len(what_is_there()["logged"]) == 1


KILLED_AFTER = ["create_run", "log_outputs", "create_registered_model", "create_model_version", "set_terminated"]


def test_an_import_that_was_killed_is_made_whole_by_the_next(
    there: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Mlflow.write
    for count, last in enumerate(KILLED_AFTER, start=1):
        done: list[str] = []

        def killed(
            self: Mlflow, operation: str, *args: Any, _done: list[str] = done, _last: str = last, **kw: Any
        ) -> Any:
            if _last in _done:
                raise BackendUnreachable("gone")
            _done.append(operation)
            return write(self, operation, *args, **kw)

        target = f"{name}-{last}"
        monkeypatch.setattr(Mlflow, "write", killed)
        with pytest.raises(BackendUnreachable):
            mlops.import_(str(there), name=target)
        monkeypatch.setattr(Mlflow, "write", write)
        mlops.import_(str(there), name=target)
        left = what_is_there()
        assert len(left["runs"]) == len(left["logged"]) == count, last
        assert dict(left["models"])[target] == ["1"]
        assert run_of(f"{target}/1").info.status == "FINISHED"
        assert [event.action for event in mlops.audit(target, verify=True).events] == ["import"]
        version = versions.find_version(Workspace.here().mlflow, ModelRef.of(f"{target}/1"))
        assert card_files.fetch(Workspace.here().mlflow, version) is not None


def test_two_at_once_make_one_version(there: Path, name: str) -> None:
    line = f"import jupyter_mlops as m; print('new', m.import_({str(there)!r}).is_new)"
    both = [subprocess.Popen([sys.executable, "-c", line], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate(timeout=120)[0].strip() for process in both)
    assert said == ["new False", "new True"]
    assert [row.version for row in mlops.models(name).rows] == [1]


def test_an_alias_that_could_not_be_given_is_given_the_next_time(
    there: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.registry import aliases

    def busy(*_: object, **__: object) -> None:
        raise Conflict("busy")

    move = aliases.move
    monkeypatch.setattr(aliases, "move", busy)
    with pytest.raises(Conflict):
        mlops.import_(str(there), alias="challenger")
    monkeypatch.setattr(aliases, "move", move)
    again = mlops.import_(str(there), alias="challenger")
    assert (again.version, again.is_new) == (1, False)
    assert mlops.models(name).rows[0].aliases == ("challenger",)


def test_files_that_are_missing_on_the_server_are_told(
    face: Face, trained: Any, name: str, project: Path, tracking_uri: str
) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    mlflow = Workspace.here().mlflow
    version = versions.find_version(mlflow, ModelRef.of(f"{name}/1"))
    logged = mlflow.read("get_logged_model", version.source.removeprefix("models:/"))
    folder = logged.artifact_location.removeprefix("mlflow-artifacts:/")
    stored = next(Path(project.parents[1]).rglob(f"artifacts/{folder}"))
    shutil.rmtree(stored)
    outcome = face(f"export {name}/1")
    assert outcome.exit_code == NotFound.exit_code
    assert "are missing on the server" in outcome.error
    assert not list(project.glob("*.zip"))


def test_a_deployment_of_missing_files_and_a_missing_model_file_are_told_alike(
    trained: Any, name: str, project: Path
) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name, alias="challenger")
    version = versions.find_version(Workspace.here().mlflow, ModelRef.of(f"{name}/1"))
    logged = Workspace.here().mlflow.read("get_logged_model", version.source.removeprefix("models:/"))
    folder = logged.artifact_location.removeprefix("mlflow-artifacts:/")
    stored = next(Path(project.parents[1]).rglob(f"artifacts/{folder}"))
    next(stored.glob("*.skops")).unlink()
    with pytest.raises(NotFound, match="are missing on the server"):
        mlops.export(f"{name}/1")
    shutil.rmtree(stored)
    with pytest.raises(NotFound, match="are missing on the server"):
        mlops.deploy(f"{name}/1")


def test_a_version_without_a_run_is_shared_too(
    trained: Any, name: str, other: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trained("first")
    mlops.register(f"{name}-before")
    files_of(f"{name}-before/1", tmp_path / "files")
    mlflow = Workspace.here().mlflow
    experiment = run_of(f"{name}-before/1").info.experiment_id
    logged = mlflow.write("create_logged_model", experiment, name="model")
    mlflow.write("log_model_artifacts", logged.model_id, str(next(tmp_path.rglob("MLmodel")).parent))
    mlflow.write("finalize_logged_model", logged.model_id, "READY")
    mlflow.write("create_registered_model", name)
    source = f"models:/{logged.model_id}"
    mlflow.write("create_model_version", name, source, model_id=logged.model_id, await_creation_for=0)
    file = Path(mlops.export(f"{name}/1").file).resolve()
    monkeypatch.chdir(other)
    assert mlops.import_(str(file)).version == 1
    assert run_of(f"{name}/1").info.run_name == f"{name} 1"


def test_a_model_that_only_clusters_is_shared_though_no_endpoint_serves_it(cancer: Any, name: str) -> None:
    from sklearn.cluster import DBSCAN

    mlops.register(name, model=DBSCAN().fit(cancer[0]), data=cancer[0])
    mlops.export(f"{name}/1", to="a.zip")
    assert mlops.import_("a.zip").version == 2


def test_secrets_do_not_go_along(project: Path, name: str, cancer: Any) -> None:
    from sklearn.tree import DecisionTreeClassifier

    key = "gh" + "p_" + "x7Kq2mPz91LvRt0Yw4Ns8Bd3Fg6Hj5Ac1De9"
    with mlops.run("first", data=cancer[0], param={"depth": 2}, autolog=False) as run:
        DecisionTreeClassifier(max_depth=2).fit(cancer[0], cancer[2])
    Workspace.here().mlflow.write("log_param", run.run_id, "api_token", key)  # by a client that masks nothing
    mlops.register(name)
    exported = mlops.export(f"{name}/1")
    with zipfile.ZipFile(exported.file) as opened:
        said = json.loads(opened.read("run.json"))
        assert not any(key.encode() in opened.read(each) for each in opened.namelist())
    assert (said["params"]["api_token"], said["params"]["depth"]) == ("***", "2")
    assert exported.masked == ("api_token",)
    assert "api_token" in str(exported)


def test_secrets_in_the_audit_do_not_go_along(trained: Any, name: str) -> None:
    key = "gh" + "p_" + "x7Kq2mPz91LvRt0Yw4Ns8Bd3Fg6Hj5Ac1De9"
    trained("first", accuracy=0.95)
    mlops.register(name, alias="challenger")
    mlops.promote(f"{name}/1")
    mlops.card(name)
    from jupyter_mlops.backend import audit

    # As a version before this one has written it: our commands mask it by now.
    audit.append(Workspace.here().mlflow, name, "note", who="ann", where="here", why=f"the token {key} works")
    exported = mlops.export(f"{name}/1")
    with zipfile.ZipFile(exported.file) as opened:
        assert not any(key.encode() in opened.read(each) for each in opened.namelist())
        events = [json.loads(line) for line in opened.read("audit.jsonl").splitlines()]
    assert exported.masked == (f"audit event {len(events)}",)
    assert events[-1]["why"] == "the token *** works"
    assert [event["previous"] for event in events] == ["", *(event["hash"] for event in events[:-1])]


def test_every_step_of_a_metric_goes_along(trained: Any, name: str, other: Path, monkeypatch: Any) -> None:
    run = trained("first", accuracy=0.95)
    mlflow = Workspace.here().mlflow
    for step, loss in enumerate((3.0, float("nan"), 1.5)):
        mlflow.write("log_metric", run.run_id, "loss", loss, timestamp=1_700_000_000_000 + step, step=step)
    mlops.register(name)
    file = Path(mlops.export(f"{name}/1").file).resolve()
    monkeypatch.chdir(other)
    mlops.import_(str(file))
    taken = Workspace.here().mlflow.read("get_metric_history", run_of(f"{name}/1").info.run_id, "loss")
    assert [(str(each.value), each.timestamp, each.step) for each in taken] == [
        ("3.0", 1_700_000_000_000, 0), ("nan", 1_700_000_000_001, 1), ("1.5", 1_700_000_000_002, 2),
    ]  # fmt: skip
    assert run_of(f"{name}/1").data.metrics["accuracy"] == 0.95


def test_what_the_origin_tells_is_kept_and_lineage_names_it(there: Path, name: str, project: Path) -> None:
    mlops.import_(str(there))
    mlflow, run = Workspace.here().mlflow, run_of(f"{name}/1")
    said = json.loads(str(artifacts.read_text(mlflow, run.info.run_id, "origin/lineage.json")))
    assert said["version"]["name"] == name
    events = str(artifacts.read_text(mlflow, run.info.run_id, "origin/audit.jsonl")).splitlines()
    assert [json.loads(line)["action"] for line in events] == ["register", "alias"]
    shown = mlops.lineage(f"{name}/1")
    assert f"← {name}/1 · of {project.name} (imported)" in str(shown)
    assert (shown.frame().how == "imported").sum() == 1
    assert shown.plot().axes


def test_a_version_without_a_card_gets_one_for_its_way(there: Path, name: str, project: Path) -> None:
    assert not (project / "cards").exists()
    mlops.import_(str(there))
    run_id = run_of(f"{name}/1").info.run_id
    text = artifacts.read_text(Workspace.here().mlflow, run_id, f"cards/{name}-1.md")
    assert f"# {name}/1" in str(text)
    assert artifacts.read_text(Workspace.here().mlflow, run_id, f"cards/{name}-1.html")
    assert mlops.card(f"{name}/1").taken_from == f"the server, imported from {name}/1 of {project.name}"


@pytest.mark.parametrize(
    ("card", "says"),
    [(b"<!-- yours: contact -->\nhi", "'Contact' has no end"), (b"\xff\xfe", "no UTF-8"), (b"x" * 5_000_001, "larger")],
)
def test_a_broken_card_is_refused(card: bytes, says: str, there: Path) -> None:
    before = what_is_there()
    with pytest.raises(InvalidUsage, match=says):
        mlops.import_(str(rebuilt(there, lambda folder: (folder / "card.md").write_bytes(card))))
    assert what_is_there() == before


def test_a_file_has_a_safe_name_whatever_the_model_is_called(trained: Any, name: str, project: Path) -> None:
    trained("first", accuracy=0.95)
    for odd in (f"--{name}", f"| {name} | b |", f"$(touch {name})"):
        mlops.register(odd)
        file = mlops.export(f"{odd}/1").file
        assert re.fullmatch(r"[A-Za-z0-9][\w-]*-[0-9a-f]{8}-1\.mlops\.zip", file)


def test_the_card_goes_along(trained: Any, name: str, project: Path, other: Path, monkeypatch: Any) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    written = mlops.card(f"{name}/1")
    file = project / written.file
    file.write_text(file.read_text().replace("<!-- end: contact -->", "ann@example.org\n<!-- end: contact -->"))
    mlops.card(f"{name}/1")
    exported = mlops.export(f"{name}/1")
    assert "card.md" in exported.contents
    monkeypatch.chdir(other)
    mlops.import_(str(project / exported.file))
    assert "ann@example.org" in mlops.card(f"{name}/1").markdown


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs of keys: a.pem with a.pub, b.pem with b.pub."""
    pytest.importorskip("model_signing")
    from cryptography.hazmat.primitives import serialization as how
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    folder = tmp_path_factory.mktemp("keys")
    private = how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption()
    for name in "ab":
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / f"{name}.pem").write_bytes(key.private_bytes(*private))
        public = key.public_key().public_bytes(how.Encoding.PEM, how.PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{name}.pub").write_bytes(public)
    (folder / "rsa.pem").write_bytes(rsa.generate_private_key(65537, 2048).private_bytes(*private))
    locked = ec.generate_private_key(ec.SECP256R1()).private_bytes(*private[:2], how.BestAvailableEncryption(b"word"))
    (folder / "locked.pem").write_bytes(locked)
    return folder


def test_a_signature_says_who_has_exported(face: Face, trained: Any, name: str, keys: Path) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    assert face(f"export {name}/1 --to a.zip --sign {keys / 'a.pem'}").data["signed"] is True
    assert face("import a.zip --dry-run").data["signature"] == "signed, not verified"
    assert face(f"import a.zip --key {keys / 'a.pub'}").data["signature"] == "verified"
    assert "verified" in mlops.audit(name).events[-1].evidence
    wrong = face(f"import a.zip --key {keys / 'b.pub'} --name {name}-b")
    assert wrong.exit_code == ValidationFailed.exit_code
    assert "was not signed by the key in b.pub" in wrong.error
    mlops.export(f"{name}/1", to="unsigned.zip")
    unsigned = face(f"import unsigned.zip --key {keys / 'a.pub'} --name {name}-b")
    assert unsigned.exit_code == ValidationFailed.exit_code
    assert "is not signed" in unsigned.error
    assert name + "-b" not in dict(what_is_there()["models"])


def test_a_signature_of_something_else_is_refused(trained: Any, name: str, keys: Path, project: Path) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    mlops.export(f"{name}/1", to="a.zip", sign=str(keys / "a.pem"))
    with zipfile.ZipFile("a.zip") as opened:
        signature = opened.read("signature.sig")
    for forged in (signature, b"{}", b"", b"\xff", signature.replace(b"MEUC", b"MEUD")[:-9]):
        rebuilt(project / "a.zip", lambda folder: edit_json(folder, "run.json", name="another"))
        with zipfile.ZipFile("changed.zip", "a") as opened:
            opened.writestr("signature.sig", forged)
        zips.seal(Path("changed.zip"))
        with pytest.raises(ValidationFailed, match=r"a\.pub|not signed"):
            mlops.import_("changed.zip", key=str(keys / "a.pub"))


@pytest.mark.parametrize("key", ["rsa.pem", "locked.pem", "a.pub"])
def test_keys_of_another_kind_are_refused(key: str, trained: Any, name: str, keys: Path, project: Path) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    with pytest.raises(InvalidUsage, match="is no private EC key"):
        mlops.export(f"{name}/1", sign=str(keys / key))
    assert not list(project.glob("*.zip"))
    mlops.export(f"{name}/1", to="a.zip", sign=str(keys / "a.pem"))
    with pytest.raises(InvalidUsage, match="is no public EC key"):
        mlops.import_("a.zip", key=str(keys / "a.pem"))


def test_others_can_check_the_signature_without_us(trained: Any, name: str, keys: Path, tmp_path: Path) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    mlops.export(f"{name}/1", to="a.zip", sign=str(keys / "a.pem"))
    with zipfile.ZipFile("a.zip") as opened:
        opened.extract("manifest.json", tmp_path / "content")
        opened.extract("signature.sig", tmp_path)
    words = ["verify", "key", "content", "--signature", "signature.sig", "--public_key", str(keys / "a.pub")]
    done = subprocess.run(
        [sys.executable, "-m", "model_signing", *words], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_signing_without_the_library_says_what_to_install(
    trained: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    monkeypatch.setitem(sys.modules, "model_signing", None)
    monkeypatch.setitem(sys.modules, "model_signing.signing", None)
    with pytest.raises(MissingDependency) as missing:
        mlops.export(f"{name}/1", sign="key.pem")
    assert missing.value.hint == "%pip install 'jupyter-mlops[sign]'"
    with pytest.raises(MissingDependency):
        mlops.import_("a.zip", key="key.pub")
