"""The card: what is known is written anew, what people have written stays."""

from __future__ import annotations

import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.backend import artifacts, experiments
from jupyter_mlops.backend.adapter import Mlflow
from jupyter_mlops.display.markdown import escape, to_html
from jupyter_mlops.errors import Conflict, InvalidUsage, NotFound
from jupyter_mlops.registry.card import files, parts
from jupyter_mlops.registry.card.modelcard import ModelCard
from jupyter_mlops.workspace import Workspace

from ..conftest import Face

pytestmark = pytest.mark.usefixtures("project")

NASTY = "<script>alert(1)</script> a|b `c` *d* [e](javascript:f)"


def mlflow() -> Mlflow:
    return Workspace.here().mlflow


def stored(written: ModelCard, run_id: str) -> str | None:
    return artifacts.read_text(mlflow(), run_id, written.file)


def fill(file: str, key: str, content: str) -> None:
    path = Path(file)
    before, begin, after = path.read_bytes().decode().partition(f"<!-- yours: {key} -->")
    _, end, rest = after.partition(f"<!-- end: {key} -->")
    path.write_bytes(f"{before}{begin}{content}{end}{rest}".encode())


def test_a_card_says_what_is_known(face: Face, trained: Any, name: str) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name, alias="challenger")
    mlops.promote(f"{name}@challenger")
    data = face(f"card {name}@champion").data
    text = data["markdown"]
    assert (data["state"], data["file"]) == ("new", f"cards/{name}-1.md")
    assert data["open"] == ["What it is for", "Who should not use it", "Limits and risks", "Contact"]
    assert Path(data["file"]).read_text() == text
    for said in [
        f"# {name}/1",
        "| Aliases | @challenger, @champion |",
        f"| Run | first (run:{run.run_id[:8]}), finished |",
        "| Estimator | DecisionTreeClassifier |",
        "| mean radius | double |",
        "| accuracy | 0.9500 |",
        "- accuracy 0.9500 >= 0.9",
        "scikit-learn ",
        "| Served | not by this project |",
        "| promote | @champion 1 |",
    ]:
        assert said in text
    assert text.count("426 | 30 |") == 1
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert mlflow().read("get_model_version", name, "1").tags[files.TAG] == digest
    assert artifacts.read_text(mlflow(), run.run_id, data["file"]) == text


def test_the_same_card_again_is_neither_written_nor_sent(
    trained: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    file = Path(mlops.card(name).file)
    written = file.stat().st_mtime_ns
    sent: list[str] = []
    monkeypatch.setattr(Mlflow, "write", lambda self, operation, *a, **k: sent.append(operation))
    assert mlops.card(name).state == "the same"
    assert (sent, file.stat().st_mtime_ns) == ([], written)


def test_a_dry_run_writes_nothing(face: Face, trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    data = face(f"card {name} --dry-run").data
    assert (data["state"], data["dry_run"]) == ("new", True)
    assert not Path("cards").exists()
    assert files.TAG not in mlflow().read("get_model_version", name, "1").tags


def test_what_people_wrote_is_kept_byte_for_byte(trained: Any, name: str) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    file = mlops.card(name).file
    mine = "\r\n \tFor *triage*, <b>only</b> | ü \N{PILE OF POO}\n\n```\n\n\n<!-- a comment -->\n```\n  "
    fill(file, "what-it-is-for", mine)
    fill(file, "contact", "anna@example.org")
    mlops.promote(f"{name}/1")  # what is known changes around it
    again = mlops.card(name)
    assert (again.state, again.open) == ("changed", ("Who should not use it", "Limits and risks"))
    assert f"<!-- yours: what-it-is-for -->{mine}<!-- end: what-it-is-for -->".encode() in Path(file).read_bytes()
    assert "@champion" in again.markdown
    assert again.markdown.count("Still open") == 2
    assert stored(again, run.run_id) == again.markdown == Path(file).read_bytes().decode()


def test_a_new_version_starts_with_the_parts_of_the_newest_earlier_card(trained: Any, name: str) -> None:
    for number in (1, 2, 3):
        trained(f"run {number}", accuracy=0.9 + number / 100)
        mlops.register(name)
    for number, said in ((1, "old"), (2, "newer")):
        fill(mlops.card(f"{name}/{number}").file, "limits-and-risks", said)
        mlops.card(f"{name}/{number}")
    third = mlops.card(f"{name}/3")
    assert third.taken_from == f"{name}/2"
    assert "-->newer<!--" in third.markdown
    assert "taken over from" in str(third)
    assert "Limits and risks" not in third.open
    assert mlops.card(f"{name}/3").taken_from is None  # now it has its own


def test_without_the_file_the_parts_are_those_on_the_server(trained: Any, name: str) -> None:
    for number in (1, 2):
        trained(f"run {number}", accuracy=0.9 + number / 100)
        mlops.register(name)
    file = Path(mlops.card(f"{name}/1").file)
    fill(str(file), "contact", "anna")
    mlops.card(f"{name}/1")
    file.unlink()
    second = mlops.card(f"{name}/2")  # of another person, who has no file of the first one
    assert second.taken_from == f"{name}/1"
    first = mlops.card(f"{name}/1")
    assert (first.taken_from, first.state) == ("the server", "new")
    assert "-->anna<!--" in first.markdown
    assert "-->anna<!--" in second.markdown


@pytest.mark.parametrize(
    ("before", "after", "says", "mend"),
    [
        ("<!-- end: contact -->", "", "'Contact' has no end", "put <!-- end: contact --> below its text"),
        ("<!-- yours: contact -->", "", "'Contact' has no beginning", "put <!-- yours: contact --> above its text"),
        ("<!-- end: contact -->", "<!-- end: contakt -->", "'Contact' ends as 'contakt'", "<!-- end: contact -->"),
        ("<!-- end: limits-and-risks -->", "", "'Limits and risks' has no end", "<!-- end: limits-and-risks -->"),
        (
            "<!-- yours: contact -->",
            "<!-- yours: contact -->\n<!-- end: contact -->\n<!-- yours: contact -->",
            "'Contact' stands there twice",
            "make one of the two",
        ),
        (
            "<!-- yours: contact -->\n\n<!-- end: contact -->",
            "call anna",
            "'Contact' has lost the lines",
            "above its text",
        ),
    ],
)
def test_a_broken_part_is_named_and_nothing_is_overwritten(
    trained: Any, name: str, before: str, after: str, says: str, mend: str
) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    file = Path(mlops.card(name).file)
    broken = file.read_text().replace(before, after)
    file.write_text(broken)
    with pytest.raises(Conflict) as caught:
        mlops.card(name)
    assert says in caught.value.message
    assert str(file) in caught.value.message
    assert mend in str(caught.value.hint)
    assert file.read_text() == broken


def test_what_is_written_outside_of_the_parts_is_not_lost(trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    file = Path(mlops.card(name).file)
    whole = file.read_text()
    own = "## Ethics\n\nAsk before use.\n"
    file.write_text(whole.replace("## History", f"{own}\n## History"))
    with pytest.raises(Conflict, match="outside of the parts"):
        mlops.card(name)
    file.write_text(whole.replace("## History", f"<!-- yours: ethics -->\n{own}<!-- end: ethics -->\n\n## History"))
    assert f"<!-- yours: ethics -->\n{own}<!-- end: ethics -->" in mlops.card(name).markdown
    assert mlops.card(name).state == "the same"
    file.write_text(file.read_text().replace("0.9500", "0.9999").partition("\n")[2])
    assert "0.9999" not in mlops.card(name).markdown


def test_hints_and_spaces_may_be_taken_out(trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    file = Path(mlops.card(name).file)
    text = re.sub(r"\*Still open:.*\*\n\n", "", file.read_text()).replace("| Version |", "| Version       |")
    file.write_text(text.replace("|---|---|", "| ------------- | --- |"))
    assert mlops.card(name).state == "changed"
    file.write_bytes("\xe4".encode("latin-1") + file.read_bytes())
    with pytest.raises(InvalidUsage, match="UTF-8"):
        mlops.card(name)


@pytest.mark.parametrize(
    "change",
    [
        ("*Still open: ", "*Still open: not at all. "),
        ("## History", "\U0001f6d1 \N{RIGHTWARDS ARROW}\n\n## History"),
        ("| Metric | Value |", "| Metric | Value | !"),
    ],
)
def test_no_word_and_no_symbol_outside_of_the_parts_is_lost(change: tuple[str, str], trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    file = Path(mlops.card(name).file)
    changed = file.read_text().replace(*change, 1)
    file.write_text(changed)
    with pytest.raises(Conflict, match="outside of the parts"):
        mlops.card(name)
    assert file.read_text() == changed


def test_a_word_on_the_line_of_a_hint_is_not_lost(trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    file = Path(mlops.card(name).file)
    hint = f"*Still open: {parts.PARTS[0].hint}*"
    changed = file.read_text().replace(hint, f"{hint} It decides about loans up to 5,000 euro.")
    file.write_text(changed)
    with pytest.raises(Conflict, match="outside of the parts"):
        mlops.card(name)
    assert file.read_text() == changed


def test_a_mark_that_is_only_to_be_read_takes_a_backslash(trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    file = mlops.card(name).file
    fill(file, "contact", "\n```\n<!-- yours: contact -->\n```\n")
    with pytest.raises(Conflict) as broken:
        mlops.card(name)
    assert "a backslash before it: \\<!--" in str(broken.value.hint)
    Path(file).write_text(Path(file).read_text().replace("```\n<!-- yours", "```\n\\<!-- yours"))
    assert "Contact" not in mlops.card(name).open


@pytest.fixture
def bob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Go to the project of a colleague, on the same server: ``bob()``; and back: ``bob(home=True)``."""
    folder = tmp_path / "bob"
    folder.mkdir()
    (folder / "mlops.toml").write_text((tmp_path / "mlops.toml").read_text().replace("tester", "bob"))
    return lambda home=False: monkeypatch.chdir(tmp_path if home else folder)


def test_what_a_colleague_wrote_is_not_overwritten(trained: Any, name: str, bob: Any) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    file = mlops.card(name).file
    bob()
    mlops.card(name)
    bob(home=True)
    fill(file, "contact", "ann")
    fill(file, "limits-and-risks", "few rows")
    mlops.card(name)
    bob()
    fill(file, "what-it-is-for", "triage")  # another part
    mine = mlops.card(name)
    assert mine.taken_from == "the server"
    assert mine.open == ("Who should not use it",)
    bob(home=True)
    fill(file, "contact", "ann and zoe")
    assert mlops.card(name).open == ("Who should not use it",)
    fill(file, "limits-and-risks", "")  # taken out on purpose
    assert "Limits and risks" in mlops.card(name).open
    bob()
    last = mlops.card(name)
    assert "-->ann and zoe<!--" in last.markdown
    assert "Limits and risks" in last.open
    assert stored(last, run.run_id) == last.markdown


def test_a_part_that_two_have_written_is_a_conflict(trained: Any, name: str, bob: Any) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    file = mlops.card(name).file
    bob()
    mlops.card(name)
    fill(file, "contact", "bob")
    bob(home=True)
    fill(file, "contact", "ann")
    theirs = mlops.card(name).markdown
    bob()
    before = Path(file).read_text()
    with pytest.raises(Conflict, match="somebody else has written Contact"):
        mlops.card(name, dry_run=True)
    assert sorted(path.name for path in Path("cards").iterdir()) == [f"{name}-1.html", f"{name}-1.md"]
    for _ in range(2):  # again changes nothing: it takes somebody to look
        with pytest.raises(Conflict, match=r"theirs\.md") as both:
            mlops.card(name)
        assert "remove cards" in str(both.value.hint)
        assert artifacts.read_text(mlflow(), run.run_id, file) == theirs
        assert Path(file).read_text() == before
    beside = Path(file).with_suffix(".theirs.md")
    assert beside.read_text() == theirs
    fill(file, "contact", "ann or bob")
    beside.unlink()
    assert "-->ann or bob<!--" in str(stored(mlops.card(name), run.run_id))


def test_a_project_that_has_never_seen_the_servers_card_overwrites_nothing(trained: Any, name: str, bob: Any) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    file = mlops.card(name).file
    fill(file, "contact", "ann")
    text = mlops.card(name).markdown
    bob()
    Path("cards").mkdir()
    Path(file).write_text(text)  # by git
    fill(file, "contact", "bob")
    with pytest.raises(Conflict, match="Contact"):
        mlops.card(name)


def test_a_broken_card_on_the_server_can_be_mended(trained: Any, name: str, bob: Any, tmp_path: Path) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    file = mlops.card(name).file
    broken = Path(file).read_text().replace("<!-- end: contact -->", "")
    (tmp_path / "harm").mkdir()
    harm = tmp_path / "harm" / Path(file).name
    harm.write_text(broken)
    mlflow().write("log_artifact", run.run_id, str(harm), "cards")
    with pytest.raises(Conflict, match="somebody else"):
        mlops.card(name)
    bob()
    with pytest.raises(Conflict) as told:
        mlops.card(name)
    assert file in told.value.message
    assert Path(file).read_text() == broken  # here it can be mended
    Path(file).write_text(
        Path(file).read_text().replace("<!-- yours: contact -->", "<!-- yours: contact -->\n<!-- end: contact -->")
    )
    assert mlops.card(name).state in ("changed", "the same")


def test_a_card_that_has_gone_from_the_server_is_stored_again(trained: Any, name: str, tmp_path: Path) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    written = mlops.card(name)
    where = mlflow().read("get_run", run.run_id).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    kept = next(tmp_path.parent.rglob(f"artifacts/{where}/{written.file}"))
    for gone in (kept, kept.with_suffix(".html")):
        gone.unlink()
        assert mlops.card(name).state == "the same"
        assert gone.is_file()


def test_the_card_is_a_page_too(trained: Any, name: str) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    written = mlops.card(name)
    assert written.page == f"cards/{name}-1.html"
    assert Path(written.page).read_text() == written.html()
    assert artifacts.read_text(mlflow(), run.run_id, written.page) == written.html()


def test_the_card_holds_the_lineage(trained: Any, name: str) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name, alias="challenger")
    text = mlops.card(name).markdown
    section = text.partition("## Lineage\n\n")[2].partition("\n\n## ")[0]
    version, made, data, target, alias = section.splitlines()
    assert (version, made, alias) == (f"- {name}/1", f"  - ← run first · {run.run_id[:8]}", "  - → @challenger")
    assert re.fullmatch(r"    - ← data data · [0-9a-f]{8} · 426 × 30 \(training\)", data)
    assert re.fullmatch(r"    - ← data target · [0-9a-f]{8} · 426 × 1 \(target\)", target)


def test_approvals_are_said_to_be_advice(project: Path, trained: Any, name: str, monkeypatch: Any) -> None:
    settings = project / "mlops.toml"
    settings.write_text(f"{settings.read_text()}approvals = 1\n")
    trained("first", accuracy=0.95)
    mlops.register(name, alias="challenger")
    assert "advice" not in mlops.card(name).markdown
    monkeypatch.setenv("MLOPS_USER", "zoe")
    mlops.approve(f"{name}/1")
    monkeypatch.delenv("MLOPS_USER")
    mlops.promote(f"{name}/1")
    assert "Approvals are advice: on a server that does not authenticate people" in mlops.card(name).markdown


def test_pictures_of_another_server_are_named_and_not_asked_for() -> None:
    for source in ("http://evil/p.png", "//evil/p.png", "HTTPS://evil/p.png", "ftp://evil/p"):
        shown = to_html(f"a ![<b>]({source}) b\n\n[![in a link]({source})](x)")
        assert "<img" not in shown
        assert f"&lt;b&gt; ({source})".lower() in shown.lower()
    assert '<img src="plot.png" alt="p"' in to_html("![p](plot.png)")
    assert "<img" in to_html("![p](data:image/png;base64,AAAA)")


def test_a_folder_in_the_place_of_a_card_is_told(trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    Path(f"cards/{name}-1.md").mkdir(parents=True)
    with pytest.raises(InvalidUsage, match="is a directory"):
        mlops.card(name)


def test_names_and_values_are_text_in_both_forms(trained: Any, name: str, cancer: Any) -> None:
    from sklearn.tree import DecisionTreeClassifier

    X_train, _, y_train, _ = cancer
    frame = X_train.iloc[:, :2].set_axis([NASTY, "<!-- end: contact -->"], axis=1)
    with mlops.run(NASTY, data=frame, param={"depth": NASTY}, autolog=False):
        DecisionTreeClassifier(max_depth=2).fit(frame, y_train)
        mlops.log({"accuracy": 0.95})
    mlops.register(name)
    mlops.promote(f"{name}/1", reason=f"because\n# of {NASTY}")
    written = mlops.card(name)
    for shown in (written.html(), written._repr_mimebundle_()["text/html"]):
        assert "<script" not in shown
        assert "<h1>of" not in shown
        assert 'href="javascript' not in shown
        assert f"<td>{html.escape(NASTY)}</td>" in shown
        assert "because # of" in shown
    rows = [line for line in written.markdown.splitlines() if line.startswith("|") and "script" in line]
    assert len(rows) >= 3
    assert all(r"\<script>" in row and r"a\|b" in row for row in rows)
    assert len(written.open) == 4
    assert mlops.card(name).state == "the same"


@pytest.mark.parametrize(
    "text",
    ["a|b", "a\\|b", "a\\", "__init__", "_x_ y_z", "- x", "1. x", "> x", "# x #", "---", "===", "&lt;b&gt;", "~~x~~",
     "![x](y)", "<!-- yours: contact -->", "two\nlines", "http://x.y www.x.y", "\\`", "5.", "+", "$x$", "2 < 3 > 1"],
)  # fmt: skip
def test_whatever_is_escaped_is_read_as_it_was(text: str) -> None:
    seen = " ".join(text.split())
    cells = re.findall("<td>(.*?)</td>", to_html(f"| a | b |\n|---|---|\n| {escape(text)} | {escape(text)} |\n"))
    assert [html.unescape(cell) for cell in cells] == [seen, seen]
    assert html.unescape(to_html(f"# {escape(text)}\n")) == f"<h1>{seen}</h1>\n"
    assert html.unescape(to_html(f"- {escape(text)}\n")) == f"<ul>\n<li>{seen}</li>\n</ul>\n"
    assert parts.read(escape(text), "x") == {}


def test_a_version_without_a_run_has_a_card(project: Path, name: str) -> None:
    mlflow().write("create_registered_model", name)
    mlflow().write("create_model_version", name, "s3://bucket/model", await_creation_for=0)
    written = mlops.card(name)
    assert written.gaps == (
        "It was registered without a run: its data, its metrics and how it was made are not known.",
    )
    assert written.gaps[0] in written.markdown
    assert "not stored: the version has no run" in written.stored
    assert (project / written.file).read_text() == written.markdown
    fill(written.file, "contact", "anna")
    assert "-->anna<!--" in mlops.card(name).markdown


def test_a_run_that_was_deleted_is_told(trained: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    mlflow().write("delete_run", run.run_id)
    deleted = mlops.card(name)
    assert "has been deleted" in deleted.gaps[0]
    assert "| accuracy | 0.9500 |" in deleted.markdown
    assert "not stored" in deleted.stored
    read = Mlflow.read

    def gone(self: Mlflow, operation: str, *arguments: Any, **named: Any) -> Any:
        if operation == "get_run":
            raise NotFound("gone")  # as after mlflow gc
        return read(self, operation, *arguments, **named)

    monkeypatch.setattr(Mlflow, "read", gone)
    nothing = mlops.card(name)
    assert "is gone" in nothing.gaps[0]
    assert "Not known: no metric was logged." in nothing.markdown


def test_a_run_without_a_snapshot_is_told_by_its_tags(trained: Any, name: str, tmp_path: Path) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    manifest = tmp_path / "snapshot.json"
    for text, says in (("[]", "can't be read"), ("{", "can't be read"), ('{"git": 3, "hidden": [7]}', None)):
        manifest.write_text(text)
        mlflow().write("log_artifact", run.run_id, str(manifest), "snapshot")
        written = mlops.card(name)
        assert (says in written.gaps[0]) if says else written.gaps == ()
        assert "| By | tester |" in written.markdown


def test_what_the_snapshot_has_is_told(trained: Any, name: str, tmp_path: Path) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    (tmp_path / "snapshot.json").write_text(
        json.dumps(
            {
                "notebook": "quick|start.ipynb",
                "git": {"commit": "c0ffee", "branch": "main"},
                "environment": {"python": "3.11.7", "packages": {"numpy": "2.0", "scikit-learn": "1.5", "x": "1"}},
                "seeds": ["random_state=0"],
                "hidden": [{"names": ["x", "y"], "number": 3, "why": "which ran 2 times"}],
            }
        )
    )
    mlflow().write("log_artifact", run.run_id, str(tmp_path / "snapshot.json"), "snapshot")
    text = mlops.card(name).markdown
    for said in [
        r"quick\|start.ipynb",
        "| Commit | c0ffee |",
        "| Uncommitted changes | no |",
        "scikit-learn 1.5, numpy 2.0 (of 3 installed)",
        "| Seeds | random_state=0 |",
        "- x, y from In \\[3\\], which ran 2 times",
    ]:
        assert said in text


def test_a_file_has_a_safe_name_of_its_own() -> None:
    names = ["a b", "a-b", "a/../b", "..", "Tumör", "x" * 250, "<script>", "con"]
    found = [files.file_of(Path("/p"), name, 2) for name in names]
    assert len(set(found)) == len(names)
    for file in found:
        assert file.parent == Path("/p/cards")
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,100}-2\.md", file.name)
    assert files.file_of(Path("/p"), "tumour", 2).name == "tumour-2.md"


def test_a_model_with_an_odd_name_has_a_card(trained: Any, name: str) -> None:
    run = trained("first", accuracy=0.95)
    odd = f"{name} of <b>ü"
    mlops.register(odd)
    written = mlops.card(odd)
    assert stored(written, run.run_id) == written.markdown
    assert mlops.card(odd).state == "the same"


def test_there_is_no_card_of_nothing(face: Face, trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    assert "There is no registered model 'nobody'" in face("card nobody").error
    assert "has no version 7" in face(f"card {name}/7").error


def test_what_should_be_no_secret_is_not_told_again(trained: Any, name: str) -> None:
    run = trained("first", accuracy=0.95)
    mlops.register(name)
    entities = experiments.entities()
    params = [entities.Param("api_key", "x93ksdfj3lk"), entities.Param("depth", "3")]
    mlflow().write("log_batch", run.run_id, params=params)
    source = json.dumps({"url": "https://anna:pass@host/rows.csv?sig=4f3a"})
    dataset = entities.Dataset(name="rows", digest="1", source_type="http", source=source)
    mlflow().write("log_inputs", run.run_id, [entities.DatasetInput(dataset, [])])
    text = mlops.card(name).markdown
    assert r"| api_key | \*\*\* |" in text
    assert "| depth | 3 |" in text
    assert "| rows |  |  |  | 1 | https\\://host/rows.csv |" in text


def test_it_says_what_the_version_was_validated_with(project: Path, name: str, trained: Any, cancer: Any) -> None:
    _, X_test, _, y_test = cancer
    test = X_test.assign(target=y_test)
    trained("trained", accuracy=0.95)
    mlops.register(name, run="last", alias="challenger")
    said = mlops.card(name).markdown
    assert "No report of its data, or of the model, is kept with its run." in said
    assert "Its gate is advisory: the server has no guard" in said
    mlops.validate_model(name, data=test, target="target", scorer=["accuracy>=0.999"])
    mlops.validate_data(test, target="target", run="last")
    with mlops.check("enough_rows", bound=">= 100") as check:
        check.value = 426
    said = mlops.card(name).markdown
    assert re.search(
        r"- Model report: failed; \d+ checks on 143 rows, .*accuracy 0\.\d+.*\. Report [0-9a-f]{16}, data \w+", said
    )
    assert "  - failed: MV001" in said
    assert re.search(r"- Data report: \w+; \d+ checks on 143 rows", said)
    assert "- enough_rows: pass, 426, must be >= 100" in said
    assert mlops.card(name).state == "the same"
