"""Lineage: what came of what, from data to endpoint and back."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.backend import experiments
from jupyter_mlops.backend.adapter import Mlflow
from jupyter_mlops.backend.processes import Process
from jupyter_mlops.errors import Conflict, InvalidUsage, NotFound
from jupyter_mlops.fingerprint import fingerprint
from jupyter_mlops.registry.graph import Edge, Lineage, Node
from jupyter_mlops.workspace import Workspace

from ..conftest import Face

pytestmark = pytest.mark.usefixtures("project")


def mlflow() -> Mlflow:
    return Workspace.here().mlflow


def serve(endpoint: str, model: str, version: int, *, alive: bool = True) -> None:
    created = psutil.Process().create_time() if alive else 1.0
    details = {"model": model, "version": version}
    Workspace.here().state.put(Process("endpoint", endpoint, os.getpid(), created, 1, time.time(), details))


def use(run_id: str, name: str, digest: str) -> None:
    entities = experiments.entities()
    dataset = entities.Dataset(name=name, digest=digest, source_type="code", source="{}")
    mlflow().write("log_inputs", run_id, [entities.DatasetInput(dataset, [])])


def ids(lineage: Any, kind: str) -> list[str]:
    nodes = lineage["nodes"] if isinstance(lineage, dict) else lineage.to_dict()["nodes"]
    return [node["id"] for node in nodes if node["kind"] == kind]


def test_a_model_from_data_to_endpoint(face: Face, trained: Any, name: str, cancer: Any) -> None:
    first, second = trained("first", accuracy=0.95), trained("second", accuracy=0.96)
    mlops.register(name, run="first")
    mlops.register(name, run="second", alias="challenger")
    mlops.promote(f"{name}/2")
    serve("prod", name, 2)
    serve("old", name, 1, alive=False)
    whole = face(f"lineage {name}").data
    digest = fingerprint(cancer[0]).digest
    assert whole["roots"] == [f"{name}/2", f"{name}/1"]
    assert f"data:{digest}" in ids(whole, "data")
    assert ids(whole, "run") == [f"run:{second.run_id}", f"run:{first.run_id}"]
    assert ids(whole, "alias") == [f"{name}@challenger", f"{name}@champion"]
    assert ids(whole, "endpoint") == ["endpoint prod", "endpoint old"]
    edges = {(edge["source"], edge["target"], edge["how"]) for edge in whole["edges"]}
    assert (f"data:{digest}", f"run:{first.run_id}", "training") in edges
    assert (f"run:{second.run_id}", f"{name}/2", "registered") in edges
    assert (f"{name}/2", "endpoint prod", "serves") in edges
    one = face(f"lineage {name}@champion").data
    assert one["roots"] == [f"{name}/2"]
    assert ids(one, "run") == [f"run:{second.run_id}"]
    assert ids(face(f"lineage {name}/1").data, "endpoint") == ["endpoint old"]


def test_the_tree_and_the_table_and_the_picture(trained: Any, name: str) -> None:
    run = trained("<script>alert(1)</script> and more of it", accuracy=0.95)
    mlops.register(name, alias="challenger")
    serve("prod", name, 1)
    found = mlops.lineage(name)
    lines = found.tree().splitlines()
    assert lines[0] == f"{name}/1"
    assert lines[1] == f"├─ ← run <script>alert(1)</script> and more of it · {run.run_id[:8]}"
    assert lines[2].startswith("│  ├─ ← data data · ")
    assert lines[2].endswith("426 × 30 (training)")
    assert lines[-2:] == ["├─ → @challenger", "└─ → endpoint prod"]
    frame = found.frame()
    assert list(frame["target_kind"]) == ["run", "run", "version", "alias", "endpoint"]
    drawn = [text.get_text() for text in found.plot().axes[0].texts]
    assert "<script>alert(1…" in drawn
    assert {"data", "run", "version", "alias", "endpoint", "@challenger", "prod"} <= set(drawn)
    bundle = found._repr_mimebundle_()
    assert "<script" not in bundle["text/html"]
    assert "data:image/png;base64," in bundle["text/html"]
    assert found.tree() in bundle["text/plain"]


def test_a_run_and_what_it_came_from_and_became(face: Face, trained: Any, name: str) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    for words in ("last", "first", f"run:{run.run_id[:12]}", "best:accuracy"):
        found = face(f"lineage {words}").data
        assert found["roots"] == [f"run:{run.run_id}"]
        assert ids(found, "version") == [f"{name}/1"]
        assert len(ids(found, "data")) == 2
    assert mlops.lineage(run).roots == (f"run:{run.run_id}",)
    assert mlops.lineage(mlops.register(name)).roots == (f"{name}/1",)


def test_all_that_depends_on_data(face: Face, trained: Any, name: str, cancer: Any, project: Path) -> None:
    X = cancer[0].assign(mine=name)  # nobody else's
    with mlops.run("here", data=X, autolog=False) as here:
        pass
    toml = project / "mlops.toml"
    toml.write_text(toml.read_text().replace('experiment = "', 'experiment = "elsewhere, '))
    with mlops.run("there", data=X, autolog=False) as there:
        pass
    trained("other data", accuracy=0.95)
    found = face("lineage --data X", X=X).data
    digest = fingerprint(X).digest
    assert found["roots"] == [f"data:{digest}"]
    assert ids(found, "run") == [f"run:{there.run_id}", f"run:{here.run_id}"]
    assert [node["note"] for node in found["nodes"] if node["kind"] == "run"] == ["", f"in experiment of {name}"]
    assert face(f"lineage data:{digest[:10]}").data["nodes"] == found["nodes"]
    assert face(f"lineage data:{digest.upper()}").data["nodes"] == found["nodes"]


def test_data_that_nobody_has_used(face: Face, cancer: Any) -> None:
    X = cancer[0].assign(mine=0.5)
    outcome = face("lineage --data X", X=X)
    assert outcome.exit_code == NotFound.exit_code
    assert f"data:{fingerprint(X).digest[:8]}" in outcome.error
    outcome = face("lineage data:0123456789abcdef")
    assert "No run has used data:0123456789abcdef." in outcome.error
    assert face("lineage data:%").exit_code == NotFound.exit_code  # no wildcard
    with pytest.raises(InvalidUsage, match="digest is missing"):
        mlops.lineage("data:")


def test_data_that_has_changed_since_says_so(shell: Any, cancer: Any) -> None:
    shell.user_ns["odd_rows"] = cancer[0].iloc[::2].copy()
    shell.run_cell("%%mlops run base --data odd_rows --no-autolog\n1")
    shell.run_cell("odd_rows.iloc[0, 0] += 1")
    error = shell.run_cell("%mlops lineage --data odd_rows").error_in_exec
    assert "What base used as odd_rows was other data." in str(error)
    hint = str(error).rpartition("%mlops ")[2]
    assert "odd_rows" in [node.name for node in mlops.lineage(hint.split()[1]).nodes]


def test_a_digest_that_fits_more_than_one(trained: Any) -> None:
    run = trained("first")
    start = os.urandom(6).hex()
    use(run.run_id, "a", f"{start}1")
    use(run.run_id, "b", f"{start}2")
    with pytest.raises(Conflict, match=f"data:{start}1, data:{start}2"):
        mlops.lineage(f"data:{start}")
    assert ids(mlops.lineage(f"data:{start}2"), "data") == [f"data:{start}2"]


def test_reproductions_are_shown_with_their_run_only(trained: Any, name: str, cancer: Any) -> None:
    X = cancer[0].assign(mine=len(name), other=range(len(cancer[0])))
    with mlops.run("base", data=X, autolog=False) as base:
        pass
    tags = {"mlops.reproduces": f"{base.run_id} word", "mlflow.parentRunId": base.run_id}
    with mlops.run("again", data=X, tag=tags, autolog=False) as again:
        pass
    assert ids(mlops.lineage(data=X), "run") == [f"run:{base.run_id}"]
    of_base = mlops.lineage("base")
    assert f"→ run again · {again.run_id[:8]} (reproduced)" in of_base.tree()
    assert len(of_base.plot().axes[0].patches) == 3 + 2  # boxes and lines
    of_again = mlops.lineage(f"run:{again.run_id}")
    assert f"← run base · {base.run_id[:8]} (reproduced)" in of_again.tree()
    mlflow().write("set_tag", base.run_id, "mlops.reproduces", again.run_id)  # nonsense, and no endless loop
    assert mlops.lineage("base").tree()


def test_what_is_not_known_is_said(trained: Any, name: str) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    mlflow().write("delete_run", run.run_id)
    assert "deleted" in mlops.lineage(name).tree()
    bare = f"{name}-bare"
    mlflow().write("create_registered_model", bare)
    with pytest.raises(NotFound, match="has no version yet"):
        mlops.lineage(bare)
    mlflow().write("create_model_version", bare, "s3://bucket/model", await_creation_for=0)
    found = mlops.lineage(bare)
    assert found.gaps == (f"{bare}/1: it was registered without a run",)
    assert found.tree() == f"{bare}/1"
    assert "<img" not in found._repr_mimebundle_()["text/html"]
    with pytest.raises(NotFound):
        found.plot()


BAD_WORDS = [
    ("lineage", "lineage takes a model, version or run, or --data"),
    ("lineage {name}x", "There is no registered model and no run"),
    ("lineage {name}/7", "has no version 7"),
    ("lineage {name}@nobody", "no alias 'nobody'"),
    ("lineage run:ffffffffff", "no run whose id begins with"),
    ("lineage best:nothing", "has a metric 'nothing'"),
]


def test_bad_words_are_answered_with_what_mends_them(face: Face, trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    for line, says in BAD_WORDS:
        outcome = face(line.format(name=name))
        assert says in outcome.error
        assert outcome.exit_code in (InvalidUsage.exit_code, NotFound.exit_code), line
        assert len(outcome.error.splitlines()) <= 3


def test_of_many_the_newest_are_drawn_and_what_is_in_use() -> None:
    nodes = [Node("data:x", "data", "X", "abcd")]
    edges = []
    for number in range(2000):
        nodes.append(Node(f"run:{number}", "run", f"run {number}", at=number))
        edges.append(Edge("data:x", f"run:{number}", "features"))
    nodes += [Node("m/1", "version", "m/1", at=3), Node("m@champion", "alias", "@champion")]
    edges += [Edge("run:3", "m/1", "registered"), Edge("m/1", "m@champion", "alias")]
    found = Lineage("X", ("data:x",), tuple(nodes), tuple(edges))
    drawn = [text.get_text() for text in found.plot().axes[0].texts]
    assert {"run 3", "m/1", "@champion", "run 1999"} <= set(drawn)
    assert "run 4" not in drawn
    assert drawn[-1] == f"{2003 - 30} more: .frame()"
    assert len(found.frame()) == 2002
    assert found.tree().splitlines()[-1] == "… 1923 more lines: .frame()"


def test_lines_do_not_run_behind_boxes() -> None:
    from jupyter_mlops.display import layers

    boxes = {
        "v": layers.Box(2, "v"), "a": layers.Box(3, "a"), "b": layers.Box(3, "b"), "e": layers.Box(4, "e"),
        "f": layers.Box(4, "f"),
    }  # fmt: skip
    figure = layers.draw(
        boxes, [("v", "a"), ("v", "b"), ("v", "e"), ("v", "f")], ["", "", "version", "alias", "endpoint"]
    )
    from matplotlib.patches import FancyBboxPatch, PathPatch

    patches = figure.axes[0].patches
    aliases = [p.get_bbox() for p in patches if isinstance(p, FancyBboxPatch)][1:3]
    lines = [
        p.get_path().interpolated(1).to_polygons(closed_only=False)[0] for p in patches if isinstance(p, PathPatch)
    ]
    through = [line for line in lines if line[-1][0] > 2.2]
    assert len(through) == 2
    for line in through:
        for box in aliases:
            inside = [(x, y) for x, y in line if box.x0 < x < box.x1 and box.y0 < y < box.y1]
            assert inside == []


def test_a_champion_whose_run_or_experiment_was_deleted_still_depends_on_its_data(
    face: Face, trained: Any, name: str, cancer: Any
) -> None:
    X = cancer[0].assign(mine=name)
    with mlops.run("first", data=X, autolog=False) as run:
        pass
    again = mlflow().read("get_run", run.run_id)
    repeat = mlflow().write("create_run", again.info.experiment_id, tags={"mlops.reproduces": run.run_id})
    mlflow().write("delete_run", run.run_id)
    mlflow().write("delete_run", repeat.info.run_id)
    digest = fingerprint(X).digest
    found = face(f"lineage data:{digest}").data
    assert ids(found, "run") == [f"run:{run.run_id}"]
    assert "deleted" in next(node["note"] for node in found["nodes"] if node["kind"] == "run")
    assert f"run:{repeat.info.run_id}" in ids(face(f"lineage run:{run.run_id}").data, "run")
    mlflow().write("restore_run", run.run_id)
    mlflow().write("delete_experiment", again.info.experiment_id)
    assert ids(mlops.lineage(f"data:{digest}"), "run") == [f"run:{run.run_id}"]
    mlflow().write("restore_experiment", again.info.experiment_id)


def test_digests_in_capitals_and_several_roles_and_names(trained: Any, name: str) -> None:
    first, second = trained("first"), trained("second")
    entities = experiments.entities()
    digest = f"ABCD{abs(hash(name)):X}"[:16]
    for run, called, role in ((first, "X", "training"), (first, "X2", "testing"), (second, "Y", "eval")):
        dataset = entities.Dataset(name=called, digest=digest, source_type="code", source="{}")
        tags = [entities.InputTag("mlflow.data.context", role)]
        mlflow().write("log_inputs", run.run_id, [entities.DatasetInput(dataset, tags)])
    for written in (digest, digest.lower()):
        found = mlops.lineage(f"data:{written}")
        data = next(node for node in found.nodes if node.kind == "data")
        assert sorted(data.name.split(", ")) == ["X", "X2", "Y"]
        hows = {edge.target: set(edge.how.split(", ")) for edge in found.edges}
        assert hows == {f"run:{first.run_id}": {"training", "testing"}, f"run:{second.run_id}": {"eval"}}
        assert "testing" in found.tree()


def test_an_endpoint_hangs_on_the_alias_that_it_follows(trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name, alias="challenger")
    created = psutil.Process().create_time()
    for endpoint, alias in (("follows", "challenger"), ("fixed", None), ("behind", "champion")):
        details = {"model": name, "version": 1} | ({"alias": alias} if alias else {})
        Workspace.here().state.put(Process("endpoint", endpoint, os.getpid(), created, 1, time.time(), details))
    edges = {edge.target: edge.source for edge in mlops.lineage(name).edges if edge.how == "serves"}
    assert edges == {
        "endpoint follows": f"{name}@challenger",
        "endpoint fixed": f"{name}/1",
        "endpoint behind": f"{name}/1",
    }
