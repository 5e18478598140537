"""What Tab offers: commands, flags, and what is known on the server, without ever holding the prompt."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import jupyter_mlops as mlops
from jupyter_mlops import completion
from jupyter_mlops.backend.processes import Process
from jupyter_mlops.monitoring.alerting.alert import Alert
from jupyter_mlops.monitoring.alerting.keeping import Keeper
from jupyter_mlops.workspace import Workspace

from .waiting import until


@pytest.fixture
def offered(shell: InteractiveShell) -> Any:
    completion._answers.clear()

    def complete(text: str) -> list[str]:
        with provisionalcompleter():
            return [text[: found.start] + found.text for found in shell.Completer.completions(text, len(text))]

    return complete


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("%mlops depl", "%mlops deploy"),
        ("x = %mlops depl", "x = %mlops deploy"),
        ("%%mlops r", "%%mlops run"),
        ("%mlops deploy m --na", "%mlops deploy m --name"),
        ("%%mlops run base --data my_fr", "%%mlops run base --data my_frame"),
        ("%mlops help undep", "%mlops help undeploy"),
    ],
)
def test_words_flags_and_variables_are_offered(offered: Any, shell: InteractiveShell, text: str, becomes: str) -> None:
    shell.user_ns["my_frame"] = 1
    assert becomes in offered(text)


def test_names_on_the_server_are_offered(offered: Any, trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.promote(mlops.register(name))
    completion.PATIENCE_SECONDS, before = 90.0, completion.PATIENCE_SECONDS  # a busy machine is not what is tested here
    try:
        assert f"%mlops deploy {name}@champion" in offered(f"%mlops deploy {name}@ch")
        assert "%mlops runs --sort accuracy" in offered("%mlops runs --sort acc")
        assert f"%mlops register {name} --run best:accuracy" in offered(f"%mlops register {name} --run best:a")
        assert f"%mlops register {name} --run first" in offered(f"%mlops register {name} --run fi")
    finally:
        completion.PATIENCE_SECONDS = before


def test_a_slow_server_does_not_hold_the_prompt(offered: Any, project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setitem(completion._LOOK_UPS, "model", lambda: ["late"] if answers.wait(120) else [])
    begin = time.monotonic()
    assert "%mlops deploy late" not in offered("%mlops deploy la")
    assert time.monotonic() - begin < 30
    answers.set()
    until(lambda: "%mlops deploy late" in offered("%mlops deploy la"))


def test_other_lines_are_left_alone(offered: Any, shell: InteractiveShell) -> None:
    shell.user_ns["deployment"] = 1
    assert "deployment" in offered("deploym")
    assert not [text for text in offered("print('%mlops deploym") if text.endswith("deploy")]


def test_unloading_takes_everything_away(shell: InteractiveShell) -> None:
    shell.run_line_magic("unload_ext", "jupyter_mlops")
    assert completion._match not in shell.Completer.custom_matchers
    assert shell.find_line_magic("mlops") is None
    shell.run_line_magic("load_ext", "jupyter_mlops")
    assert shell.find_line_magic("mlops") is not None


def test_rules_are_offered_to_be_silenced_what_rings_first(offered: Any, project: Any) -> None:
    with (project / "mlops.toml").open("a") as file:
        file.write('\n[monitor.shop]\naccuracy = "< 0.9"\n"drift:age" = "minor"\nsilent = "2h"\n')
    workspace = Workspace(project)
    workspace.state.put(Process("endpoint", "shop", 0, 0.0, 0, 0.0, {"model": "shop", "version": 1}))
    alert = Alert("0", "shop", "shop", 1, "accuracy", "< 0.9", "major", 0.8, "why", 0.0, 1.0, 1.0, 1.0)
    Keeper.of(workspace, "shop").change(lambda book: book.with_alert(alert))
    found = completion._rules()
    assert found[0] == "accuracy"
    assert {"drift", "drift:age", "performance", "silent", "late", "all"} <= {*found}
    assert "%mlops alerts --silence drift:age" in offered("%mlops alerts --silence drift:a")
