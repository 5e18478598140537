"""The house itself: every command is known to every face, floors are kept, and loading is light."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_mlops as mlops
from jupyter_mlops import cli, grammar
from jupyter_mlops.command import Command, commands
from jupyter_mlops.completion import candidates
from jupyter_mlops.errors import MlopsError

ROOT = Path(__file__).parents[1]
COMMANDS = list(commands().values())

each = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)


@each
def test_every_command_explains_itself_and_each_of_its_parameters(command: Command) -> None:
    assert command.summary.endswith(".")
    for option in grammar.options(command):
        assert option.help, f"{command.name} does not explain {option.name}"


@each
def test_every_command_is_a_verb_of_python(command: Command) -> None:
    assert getattr(mlops, command.python_name) is command.function
    assert command.python_name in mlops.__all__


@each
def test_every_command_is_completed_with_its_flags(command: Command) -> None:
    *words, last = command.name.split()
    assert (last, "command") in candidates(words, "", cell=command.cell, namespace={})
    flags = {flag for flag, _ in candidates(command.name.split(), "--", cell=command.cell, namespace={})}
    assert {option.flag for option in grammar.options(command) if not option.positional} == flags


@each
def test_every_command_has_a_form_on_the_command_line(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["help", *command.key.split()]) == 0
    assert command.summary in " ".join(capsys.readouterr().out.split())
    shares = any(other.name == command.name and other is not command for other in COMMANDS)
    if command.needs_kernel and not shares:
        assert cli.main(command.name.split()) == 2
        assert "acts on the body" in capsys.readouterr().err


def test_a_cell_and_a_line_may_share_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert grammar.find(["run", "a.ipynb"]).python_name == "run_notebooks"
    assert grammar.find(["run", "base"], cell=True).python_name == "run"
    assert cli.main(["run", "--help"]) == 0
    assert "jupyter mlops run [NOTEBOOKS]" in capsys.readouterr().out
    assert cli.main(["run", "base"]) == 2
    assert "is no notebook" in capsys.readouterr().err


@each
def test_every_command_that_needs_no_kernel_and_runs_no_code_is_called_over_rest(command: Command) -> None:
    from jupyter_mlops.server import openapi, parameters

    name = command.key.replace(" ", "-")
    refused = command.needs_kernel or command.key in ("reproduce", "run notebooks")
    assert (f"/commands/{name}" in openapi.document("/jupyter-mlops")["paths"]) is not refused
    if refused:
        with pytest.raises(MlopsError, match=r"acts on the body|runs code"):
            parameters.find(name)
        return
    assert parameters.find(name) is command
    taken = {field.alias for field in parameters.model(command).model_fields.values()}
    mine = {option.name for option in grammar.options(command)} & {*inspect.signature(command.function).parameters}
    assert mine - taken == {name for name in mine if command.slot(name) == "address"}


@each
def test_what_changes_something_can_be_tried_first(command: Command) -> None:
    assert ("dry_run" in inspect.signature(command.function).parameters) == command.changes


@each
def test_every_command_stands_in_the_readme(command: Command) -> None:
    assert f"| `{command.magic}` |" in (ROOT / "README.md").read_text()


def test_the_readmes_table_is_the_generated_one() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "command_table.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_public_names_are_the_commands_and_the_error() -> None:
    assert set(mlops.__all__) == {command.python_name for command in COMMANDS} | {"MlopsError"}


def test_no_room_is_larger_than_can_be_overlooked() -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in (ROOT / "src").rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 320} == {}


def test_every_room_has_the_same_shape() -> None:
    for api in (ROOT / "src/jupyter_mlops").glob("*/api.py"):
        assert (api.parent / "results.py").exists()
        tree = ast.parse((api.parent / "__init__.py").read_text())
        assert all(isinstance(node, ast.Expr) for node in tree.body), "__init__.py only says what the room is for"


def test_loading_the_extension_imports_nothing_heavy() -> None:
    script = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
ip = InteractiveShell.instance()
before = set(sys.modules)
ip.run_line_magic("load_ext", "jupyter_mlops")
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    heavy = {
        "mlflow",
        "pandas",
        "numpy",
        "sklearn",
        "scipy",
        "matplotlib",
        "cyclopts",
        "pydantic",
        "jinja2",
        "rich",
        "requests",
    }
    assert not loaded & heavy


def test_the_server_of_jupyter_carries_no_science() -> None:
    script = "import json, sys; import jupyter_mlops; jupyter_mlops._jupyter_server_extension_points(); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"mlflow", "pandas", "numpy", "sklearn", "scipy", "matplotlib", "pyarrow", "skops"}
    assert not {name.partition(".")[0] for name in json.loads(done.stdout)} & heavy


def test_importing_every_command_imports_no_science() -> None:
    script = "import json, sys; from jupyter_mlops.command import commands; commands(); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"mlflow", "pandas", "numpy", "sklearn", "scipy", "matplotlib", "starlette", "uvicorn", "skops"}
    assert not {name.partition(".")[0] for name in json.loads(done.stdout)} & heavy


def test_every_error_has_a_status_and_an_exit_code_of_its_own() -> None:
    def tree(cls: type[MlopsError]) -> list[type[MlopsError]]:
        return [
            cls,
            *(
                below
                for child in cls.__subclasses__()
                if child.__module__ == "jupyter_mlops.errors"
                for below in tree(child)
            ),
        ]

    kinds = tree(MlopsError)
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
    drawn = inspect.getdoc(sys.modules["jupyter_mlops.errors"]) or ""
    for kind in kinds:
        assert kind.__name__ in drawn
        assert all(400 <= kind.status < 600 for kind in kinds)


def test_the_direction_of_a_metric_is_read_from_its_name() -> None:
    from jupyter_mlops.entities import smaller_is_better

    assert [smaller_is_better(m) for m in ("log_loss", "val/loss", "train.loss", "val-loss", "rmse", "Test_MAE")] == [
        True
    ] * 6
    assert not any(map(smaller_is_better, ("neg_log_loss", "neg_mean_squared_error", "accuracy", "lossless", "f1")))
