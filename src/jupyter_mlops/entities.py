"""The nouns, spelled as MLflow spells them: ``churn@champion``, ``churn/3``, ``run:3f2a``, ``best:auc``."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .errors import InvalidUsage

CHAMPION = "champion"
CHALLENGER = "challenger"

# MLflow refuses "/", ":", "." and quotes in different places (mlflow.utils.validation); what is left
# here is what every MLflow release and a URL take.
_NAME = re.compile(r"[^/:@%\"'\\\x00-\x1f]{1,250}")
_RESERVED = re.compile(r"latest|v\d+", re.IGNORECASE)
_ALIAS = re.compile(r"[A-Za-z][\w-]{0,250}")

DURATION = "duration_seconds"
"""The metric of how long a run's own code took."""

# "training_f1_score" of a fit, and "LogisticRegression_score_X_test" of what a cell asked of the estimator afterwards.
_AUTOLOGGED = re.compile(r"training_|[A-Z][A-Za-z]*_\w*score")

# Words of metrics that are better when smaller, as scikit-learn and the boosting libraries name them.
_SMALLER_IS_BETTER = re.compile(r"(^|_)(loss|logloss|error|err|rmse|mse|mae|mape|msle|deviance|brier|perplexity)(_|$)")


@dataclass(frozen=True)
class ModelRef:
    """A registered model, or one version of it by alias or by number."""

    name: str
    alias: str | None = None
    version: int | None = None

    @classmethod
    def of(cls, value: object) -> ModelRef:
        """Read ``churn``, ``churn@champion`` or ``churn/3``, or take the ``.ref`` of a result."""
        if isinstance(value, cls):
            return value
        ref = getattr(value, "ref", value)
        if isinstance(ref, cls):
            return ref
        text = str(ref).strip()
        name, at, alias = text.partition("@")
        name, slash, version = (name, "", "") if at else name.partition("/")
        if at and not _ALIAS.fullmatch(alias):
            raise InvalidUsage(f"{text!r} names no alias: an alias is a word, as in churn@champion.")
        if at and _RESERVED.fullmatch(alias):
            raise InvalidUsage(f"{alias!r} can't be an alias: MLflow keeps latest, v1, v2 … for itself.")
        if slash and not (version.isdecimal() and int(version) > 0):
            raise InvalidUsage(f"{text!r} names no version: a version is a number, as in churn/3.")
        return cls(model_name(name), alias or None, int(version) if slash else None)

    @property
    def ref(self) -> ModelRef:
        """Itself, so that every result and every reference is read the same way."""
        return self

    def __str__(self) -> str:
        if self.alias:
            return f"{self.name}@{self.alias}"
        return f"{self.name}/{self.version}" if self.version else self.name


@dataclass(frozen=True)
class RunRef:
    """A run: by id, unique prefix or name, the ``last`` one, or the ``best`` by a metric."""

    kind: Literal["id", "name", "last", "best"]
    value: str = ""
    smaller: bool = False

    @classmethod
    def of(cls, value: object) -> RunRef:
        """Read ``last``, ``best:auc``, ``best:cost:min``, ``run:3f2a`` or the name of a run.

        A result that has a ``run_id`` is taken as that run.
        """
        if isinstance(value, cls):
            return value
        text = str(getattr(value, "run_id", value)).strip()
        head, _, rest = text.partition(":")
        if text == "last":
            return cls("last")
        if head == "best":
            metric, _, direction = rest.partition(":")
            if not metric or direction not in ("", "min", "max"):
                raise InvalidUsage(
                    f"{text!r} names no metric.", "best:accuracy, or best:cost:min for one that is better when smaller"
                )
            return cls("best", metric, smaller_is_better(metric) if not direction else direction == "min")
        if head == "run" and rest:
            return cls("id", rest.lower())
        if re.fullmatch(r"[0-9a-f]{32}", text):
            return cls("id", text)
        if not text:
            raise InvalidUsage("The run has no name.", "last, best:accuracy, run:3f2a or a run's name")
        return cls("name", text)

    def __str__(self) -> str:
        return {"last": "last", "best": f"best:{self.value}", "id": f"run:{self.value}"}.get(self.kind, self.value)


def model_name(text: str) -> str:
    """Check the name of a registered model against what MLflow and a URL take.

    Raises
    ------
    InvalidUsage
        Where MLflow would refuse the name, or a path could not carry it.
    """
    if not _NAME.fullmatch(text) or not text.strip(" ."):
        raise InvalidUsage(
            f"{text[:60]!r} can't be the name of a model: one to 250 characters without / : @ % quotes.",
            f"for example {re.sub(r'[^A-Za-z0-9_-]+', '-', text[:60]).strip('-') or 'churn'}",
        )
    return text


def file_name(model: str) -> str:
    """Write the name of a model as that of a file; one that is no safe one gets a digest of it beside."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip(".-")[:80] or "model"
    return safe if safe == model else f"{safe}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"


def smaller_is_better(metric: str) -> bool:
    """Whether a metric is better when smaller, by the words in its name (``log_loss``, ``rmse`` …)."""
    words = re.sub(r"[/.\- ]", "_", metric.lower())
    return not words.startswith("neg_") and bool(_SMALLER_IS_BETTER.search(words))


def is_own(metric: str) -> bool:
    """Whether somebody has logged a metric, and not autologging or the run itself."""
    return metric != DURATION and not _AUTOLOGGED.match(metric)


def own_first(metrics: Iterable[str]) -> list[str]:
    """Order metrics for people: those that they log themselves come first."""
    return sorted(metrics, key=lambda name: (not is_own(name), name))


def typed(name: object) -> str:
    """Write a name as it is typed in a line: in quotes where it has spaces."""
    return shlex.quote(str(name))
