"""The guard: an MLflow server that itself holds the gates, whoever asks and from whatever client.

    mlflow server --app-name jupyter-mlops-guard …

The rule. A protected alias (``champion``) goes to a version only if the server, by itself and at that moment, finds the
gate passed: it reads ``[gates.MODEL]`` in **its own** ``mlops.toml`` (in the folder ``MLOPS_GUARD_PROJECT``, or where it
was started), the metrics of the version's run, the reports with their seals, limits and what they were held against, and
the approvals in the audit. What a client says of a gate counts for nothing. Where no gate is set, the report of the model
must have passed. A version that the guard has seen with the alias may have it again: a rollback can't wait. A protected
alias does not go away, nor does its version or its model, nor is the model renamed: the next version would be held
against nothing. Forced promotions are refused, unless ``[guard] forced = true``; then the audit's last event must be
the promotion, with its reason. What can't be judged is refused.

What it can't hold. Whoever can write to a run can write a report or a metric that nobody has measured, or an approval
in another's name: the server sees what is recorded, and that it fits together, not who measured it. That takes
authentication: ``MLOPS_GUARD_OVER=basic-auth`` puts the guard under MLflow's own. Nor does it see who writes to the
database, to the files of a model (``[policy] models = "signed"`` does) or to its ``mlops.toml``, or another server on the
same database without the guard. Where a model had a champion before the guard was there, that one is taken as it is.
Stages, which MLflow has given up, are no aliases. Prompts are registered models to MLflow: an alias of the same name is
refused to them too, for they have no gate; protect another one, or call theirs otherwise.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from . import config
from .backend import guard as guards
from .workspace import Workspace

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from .backend.audit import Stored
    from .backend.inside import Inside

ALIASES: Final = "MLOPS_GUARD_ALIASES"
"""The environment variable of a server with the aliases that it protects, in place of those in ``mlops.toml``."""

_FORCED_SECONDS: Final = 300.0
"""How old the word of a forced promotion may be: it is written right before the alias moves."""


def create_app() -> Any:
    """Make the MLflow server's app; MLflow calls it by the entry point ``mlflow.app``.

    Raises
    ------
    InvalidUsage
        Where ``mlops.toml`` is broken: the server does not start then.
    """
    from .backend import guarding

    rules = ByTheGates(Path(os.environ.get(guards.PROJECT) or Path.cwd()))
    _ = rules.aliases
    return guarding.app(rules)


class ByTheGates:
    """The gates of ``mlops.toml``, read anew at each move.

    Parameters
    ----------
    root : Path
        The folder that it is in.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def aliases(self) -> Sequence[str]:
        """The aliases that are protected."""
        named = [alias.strip() for alias in os.environ.get(ALIASES, "").split(",") if alias.strip()]
        return named or _Within(self._root).settings.guard.aliases

    @property
    def forced(self) -> bool:
        """Whether forced promotions pass."""
        return _Within(self._root).settings.guard.forced

    def evidence(self, version: ModelVersion, alias: str, now: ModelVersion | None) -> str:
        """Say on what a version may have an alias.

        Raises
        ------
        ValidationFailed
            Where it may not; ``Inconclusive`` where the gate can't say.
        """
        from .backend import audit, guarding
        from .registry import promotion, reports
        from .registry.results import Change

        if guarding.has_had(version, alias):
            return "had it before"
        workspace, name, number = _Within(self._root), str(version.name), int(version.version)
        chain = audit.read(workspace.mlflow, name)
        events = [stored.event for stored in chain]
        word = events[-1] if events and events[-1].action == "promote" and events[-1].after == str(number) else None
        asked = reports.asked_of(workspace, name, version)
        gate = promotion.gate_of(workspace, asked, version, alias, events, word.who if word else "")
        if gate.outcome == "pass":
            return gate.evidence()
        before = None if now is None else int(now.version)
        is_forced = bool(word and word.is_forced)
        if is_forced and self.forced and _is_on_record(chain, alias, before):
            return f"{gate.evidence(forced=True)}: {word.why if word else ''}"
        error = promotion.refusal(Change("promote", name, alias, before, number, gate, done=False))
        if is_forced:
            error.message += " Forced promotions are refused by this server."
            error.hint = "a better version, or [guard] forced = true in the mlops.toml of the server"
        elif gate.outcome == "fail":
            error.hint = "a better version"
        raise error


class _Within(Workspace):
    """The project as the server sees it; MLflow's variables are there of its own making."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.configuration = config.load(root, environ={})

    @cached_property
    def mlflow(self) -> Inside:
        """The stores themselves."""
        from .backend.inside import Inside

        return Inside()


def _is_on_record(chain: Sequence[Stored], alias: str, before: int | None) -> bool:
    """Whether the audit holds, and ends with the word of exactly this move, with its reason, from right now."""
    from .backend import faults

    word = chain[-1].event
    is_this = (word.alias, word.before) == (alias, "" if before is None else str(before))
    is_fresh = abs(time.time() - word.time) < _FORCED_SECONDS
    return is_this and is_fresh and bool(word.why.strip()) and not faults.in_links(chain)
