"""Where settings come from: argument > environment > ``mlops.toml`` > default, and what is wrong with them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Final, get_args

from pydantic import ValidationError

from .errors import InvalidUsage, nearest
from .settings import Settings

FILE_NAME: Final = "mlops.toml"

# Ours first, then MLflow's own variables, so that what a team has already set up just works.
_ENVIRONMENT: Final = {
    "tracking_uri": ("MLOPS_TRACKING_URI", "MLFLOW_TRACKING_URI"),
    "experiment": ("MLOPS_EXPERIMENT", "MLFLOW_EXPERIMENT_NAME"),
    "user": ("MLOPS_USER",),
    "timeout": ("MLOPS_TIMEOUT",),
}


@dataclass(frozen=True)
class Configuration:
    """The settings and, for each, where it came from."""

    settings: Settings
    sources: Mapping[str, str]
    path: Path


def load(root: Path, environ: Mapping[str, str] | None = None) -> Configuration:
    """Read the settings of the project in ``root``.

    Raises
    ------
    InvalidUsage
        Where ``mlops.toml`` is not TOML, or a key or value is unknown or ill-typed: the message
        names the file, the line and the nearest known key.
    """
    environ = os.environ if environ is None else environ
    path = root / FILE_NAME
    text = _read(path)
    from_file = _parse(path, text)
    from_env = {
        key: (value, name)
        for key, names in _ENVIRONMENT.items()
        for name in reversed(names)
        if (value := environ.get(name))
    }
    values = {**from_file, **{key: value for key, (value, _) in from_env.items()}}
    sources = dict.fromkeys(Settings.model_fields, "default")
    sources |= dict.fromkeys(from_file, FILE_NAME) | {key: name for key, (_, name) in from_env.items()}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _explain(error, path, text, sources) from None
    return Configuration(settings, sources, path)


def check(values: Mapping[str, Any]) -> None:
    """Check settings that are about to be written.

    Raises
    ------
    InvalidUsage
        For the first that is not valid.
    """
    try:
        Settings.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidUsage(f"--{str(first['loc'][0]).replace('_', '-')}: {_reason(first['msg'])}.") from None


def _reason(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[0].lower() + text[1:]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidUsage(f"{path} can't be read: {error}.") from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidUsage(
            f"{path} is not valid TOML: {error}.", 'strings need quotes, as in experiment = "churn"'
        ) from None


def _explain(error: ValidationError, path: Path, text: str, sources: Mapping[str, str]) -> InvalidUsage:
    """Say of the first wrong key where it stands and what it should be."""
    first = error.errors()[0]
    keys = [str(part) for part in first["loc"]]
    name = ".".join(keys)
    source = sources.get(keys[0], FILE_NAME)
    place = f"{path}, line {line_of(text, keys)}" if source == FILE_NAME else f"The environment variable {source}"
    if first["type"] == "extra_forbidden":
        return InvalidUsage(f"{place}: there is no setting {name!r}.{nearest(keys[-1], _known(keys[:-1]))}")
    hint = None if source == FILE_NAME else f"import os; del os.environ[{source!r}]"
    reason = _reason(first["msg"])
    return InvalidUsage(f"{place}: {name}: {reason}{'' if reason.endswith('?') else '.'}", hint)


def _known(table: list[str]) -> list[str]:
    """List the keys that a table of the file may have."""
    node: Any = Settings
    for key in table:
        # A table of tables, as [gates.MODEL], takes any name and holds one kind of table.
        node = node.model_fields[key].annotation if hasattr(node, "model_fields") else get_args(node)[1]
        if isinstance(node, UnionType):  # a table that may be left out
            node = get_args(node)[0]
    return list(node.model_fields)


def line_of(text: str, keys: list[str]) -> int:
    """Find the line on which a key's value ends: the shortest beginning of the file that has it.

    tomllib gives no positions, and this needs no second TOML parser.
    """
    lines = text.splitlines()
    for count in range(1, len(lines) + 1):
        try:
            node: Any = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        for key in keys:
            if isinstance(node, list):  # its items stand where it does
                break
            node = node.get(key) if isinstance(node, dict) else None
        if node is not None:
            return count
    return 1
