"""Completion of ``%mlops`` lines: commands, flags, and the names that fit a slot."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, SimpleMatcherResult, context_matcher

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

    from .command import Command, SlotKind

# The prompt waits no longer than this for the server; what comes later is there at the next Tab.
PATIENCE_SECONDS = 0.2
_FRESH_SECONDS = 10.0

_LINE = re.compile(r"(?:^|=\s*|\s)(?P<percent>%{1,2})mlops[ \t](?P<rest>.*)$", re.DOTALL)


def register(ip: InteractiveShell) -> None:
    """Add the matcher to IPython's."""
    if _match not in ip.Completer.custom_matchers:
        ip.Completer.custom_matchers.append(_match)


def unregister(ip: InteractiveShell) -> None:
    """Take the matcher away."""
    ip.Completer.custom_matchers[:] = [matcher for matcher in ip.Completer.custom_matchers if matcher is not _match]


@context_matcher()  # type: ignore[untyped-decorator]
def _match(context: CompletionContext) -> SimpleMatcherResult:
    """Answer IPython: nothing where the line is not ours."""
    line = context.full_text.split("\n")[context.cursor_line][: context.cursor_position]
    found = _LINE.search(line)
    if found is None:
        return {"completions": []}
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    words, fragment = _words(found["rest"])
    offered = candidates(words, fragment, cell=found["percent"] == "%%", namespace=shell.user_ns if shell else {})
    fitting = [SimpleCompletion(text, type=kind) for text, kind in offered if text.startswith(fragment)]
    return {
        # IPython asks its other matchers, seconds of them, where there is nothing: so what was typed is offered.
        "completions": fitting or [SimpleCompletion(fragment, type="magic")] if fragment else fitting,
        "matched_fragment": fragment,
        "suppress": True,
    }


def candidates(words: list[str], fragment: str, *, cell: bool, namespace: dict[str, Any]) -> list[tuple[str, str]]:
    """List what could stand next, after ``words``.

    Returns
    -------
    list of (str, str)
        Text and kind (``"command"``, ``"flag"``, ``"variable"`` …).
    """
    from . import grammar
    from .command import commands
    from .errors import InvalidUsage

    try:
        command = grammar.find(words, cell=cell)
    except InvalidUsage:
        spoken = " ".join([*words, ""])
        names = [
            known.name.removeprefix(spoken)
            for known in commands().values()
            if known.name.startswith(spoken) and known.cell >= cell
        ]
        return [(name, "command") for name in sorted(set(names))]
    options = grammar.options(command)
    given = words[len(command.name.split()) :]
    last = given[-1] if given else ""
    pending = next((option for option in options if option.flag == last and not option.is_switch), None)
    if pending is not None:
        return _slot(command, pending.name, namespace)
    if fragment.startswith("-"):
        return [(option.flag, "flag") for option in options if not option.positional and option.flag not in given]
    position = len([word for word in given if not word.startswith("-")])
    places = [option for option in options if option.positional]
    if position >= len(places):
        return [(option.flag, "flag") for option in options if not option.positional and option.flag not in given]
    return _slot(command, places[position].name, namespace)


def _words(rest: str) -> tuple[list[str], str]:
    """Split what was typed into whole words and the one that is being typed."""
    words = rest.split()
    fragment = "" if not words or rest[-1:].isspace() else words.pop()
    return words, fragment


def _slot(command: Command, parameter: str, namespace: dict[str, Any]) -> list[tuple[str, str]]:
    slot = command.slot(parameter)
    if slot is None or slot in ("values", "file", "address"):
        return []
    if slot == "variable":
        return [(name, "variable") for name in sorted(namespace) if not name.startswith("_")]
    if slot == "command":
        from .command import commands

        return [(name, "command") for name in sorted(commands())]
    return [(text, slot) for text in _known(slot)]


@dataclass
class _Answer:
    texts: list[str]
    time: float


_answers: dict[SlotKind, _Answer] = {}


def _known(slot: SlotKind) -> Iterable[str]:
    """Look up names on the server, for ``PATIENCE_SECONDS`` at the most; a late answer is for the next time."""
    answer = _answers.get(slot)
    if answer and time.monotonic() - answer.time < _FRESH_SECONDS:
        return answer.texts
    look_up = threading.Thread(target=_look_up, args=(slot,), daemon=True)
    look_up.start()
    look_up.join(PATIENCE_SECONDS)
    answer = _answers.get(slot)
    return answer.texts if answer else []


def _look_up(slot: SlotKind) -> None:
    from .errors import MlopsError

    try:
        texts = _LOOK_UPS[slot]()
    except MlopsError:  # no project, no server: nothing to offer, and Tab is no place for an error
        texts = []
    _answers[slot] = _Answer(texts, time.monotonic())


def _names() -> list[str]:
    from .backend import versions

    return [model.name for model in versions.models(_mlflow())]


def _models() -> list[str]:
    from .backend import versions

    found = versions.models(_mlflow())
    return [text for model in found for text in (model.name, *(f"{model.name}@{alias}" for alias in model.aliases))]


def _recent_runs() -> list[Any]:
    from .backend import experiments
    from .workspace import Workspace

    mlflow = _mlflow()
    experiment = experiments.experiment_id(mlflow, Workspace.here().settings.experiment, create=False)
    return list(experiments.search(mlflow, experiment, most=50))


def _runs() -> list[str]:
    runs = _recent_runs()
    metrics = {name for run in runs for name in run.data.metrics}
    names = dict.fromkeys(str(run.info.run_name) for run in runs)
    return [
        "last",
        *(f"best:{name}" for name in sorted(metrics)),
        *names,
        *(f"run:{run.info.run_id[:8]}" for run in runs),
    ]


def _metrics() -> list[str]:
    return sorted({name for run in _recent_runs() for name in run.data.metrics})


def _endpoints() -> list[str]:
    from .workspace import Workspace

    return [process.name for process in Workspace.here().state.all("endpoint")]


def _rules() -> list[str]:
    """Name what can be silenced: what has rung first."""
    from .monitoring import browsing
    from .monitoring.alerting import silencing, watch
    from .workspace import Workspace

    workspace = Workspace.here()
    rings = [alert.rule for alert in browsing.list_alerts(workspace).alerts if alert.recovered is None]
    known = [rule for name in watch.endpoints(workspace) for rule in silencing.rules_of(workspace, name)]
    return list(dict.fromkeys([*rings, *known, silencing.ALL]))


def _mlflow() -> Any:
    """Find the server, if it runs: Tab starts none."""
    from .errors import BackendUnreachable
    from .workspace import Workspace

    workspace = Workspace.here()
    server = workspace.state.get("server", "mlflow")
    if workspace.settings.tracking_uri is None and not (server and server.alive):
        raise BackendUnreachable("The project's MLflow server does not run.")
    return workspace.mlflow


_LOOK_UPS: dict[SlotKind, Callable[[], list[str]]] = {
    "model": _models,
    "name": _names,
    "alias": lambda: ["champion", "challenger"],
    "run": _runs,
    "subject": lambda: [*_runs(), *_models()],
    "metric": _metrics,
    "endpoint": _endpoints,
    "rule": _rules,
}
