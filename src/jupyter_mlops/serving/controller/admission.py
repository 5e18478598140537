"""Whether a version may take part: it is quick enough on its own example, and its clients can ask it as they do now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import InvalidUsage, ValidationFailed
from ...settings import EndpointSettings
from .versions import Version

_MOST = 3  # columns of a kind that are named


def need_quick(version: Version, settings: EndpointSettings) -> None:
    """Make sure that a version is not too slow.

    Raises
    ------
    ValidationFailed
        With what it took for its own example.
    """
    allowed = (settings.smoke_latency or settings.timeout) * 1000
    took = version.about.get("smoke_ms", 0.0)
    if took > allowed:
        raise ValidationFailed(
            f"It takes {took:.3g} ms for its own example, and {allowed:.3g} ms are allowed.",
            "a quicker version, or another smoke_latency in [endpoints.NAME] of mlops.toml",
        )


def need_same_clients(version: Version, champion: Version) -> None:
    """Make sure that who asks the champion can ask a version as well.

    Raises
    ------
    InvalidUsage
        With the columns that differ.
    """
    if why := difference(champion.about["inputs"], version.about["inputs"]):
        raise InvalidUsage(f"Its clients can't ask it as they ask version {champion.number}: {why}.")


def difference(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> str:
    """Say everything for which what asked the old version can't ask the new one; nothing where it can."""
    before, after = ({str(column["name"]): column for column in inputs} for inputs in (old, new))
    gone = [repr(name) for name in before if name not in after]
    added = [repr(name) for name in after if name not in before and after[name].get("required", True)]
    both = [(name, before[name], after[name]) for name in before if name in after]
    changed = [
        f"{name!r} as {_written(now)}, not as {_written(then)}"
        for name, then, now in both
        if _written(now) != _written(then)
    ]
    missed = [repr(name) for name, then, now in both if now.get("required") and not then.get("required")]
    said = {"does not know": gone, "also wants": added, "wants": changed, "does not do without": missed}
    told = [f"{verb} {_listed(columns)}" for verb, columns in said.items() if columns]
    return f"it {'; it '.join(told)}" if told else ""


def _written(column: dict[str, Any]) -> str:
    shape = column.get("shape")
    return f"{column.get('type')}{'' if shape is None else f' of shape {shape}'}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")
