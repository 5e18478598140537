"""What the palette and the forms are made of: each command with its parameters, as the registry has them."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args, get_origin

from .. import grammar
from ..command import Command, commands
from .parameters import over_rest

_TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


@dataclass(frozen=True)
class Field:
    """One parameter; ``kind`` says what it stands for, such as ``model``, and ``many`` that it is a list."""

    name: str
    flag: str
    kind: str | None
    help: str
    positional: bool
    many: bool
    required: bool
    default: bool | int | float | str | None
    type: str
    choices: list[str] | None


@dataclass(frozen=True)
class Form:
    """A command: ``key`` is what stands in the address of a call, and ``needs_kernel`` says that none can be made.

    Where ``changes_with`` names a parameter, it changes something only with that, and lists without it.
    """

    name: str
    key: str
    magic: str
    summary: str
    group: str
    changes: bool
    changes_with: str | None
    cell: bool
    needs_kernel: bool
    usage: str
    parameters: list[Field]


@dataclass(frozen=True)
class Forms:
    """All commands."""

    commands: list[Form]


def described() -> Forms:
    """Describe all commands."""
    return Forms([_form(command) for command in commands().values()])


def _form(command: Command) -> Form:
    return Form(
        name=command.name,
        key=command.key,
        magic=command.magic,
        summary=command.summary,
        group=command.group,
        changes=command.changes,
        changes_with=command.changes_with,
        cell=command.cell,
        needs_kernel=not over_rest(command),
        usage=grammar.usage(command),
        parameters=[
            _field(command, option)
            for option in grammar.options(command)
            if option.name in command.hints and command.slot(option.name) != "address"
        ],
    )


def _field(command: Command, option: grammar.Option) -> Field:
    hint = command.hints[option.name]
    return Field(
        name=option.name,
        flag=option.flag,
        kind=command.slot(option.name),
        help=option.help,
        positional=option.positional,
        many=_is_list(command, option.name),
        required=option.required,
        default=option.default if isinstance(option.default, str | int | float | bool) else None,
        type=_type_name(hint),
        choices=[str(choice) for choice in get_args(hint)] if get_origin(hint) is typing.Literal else None,
    )


def _is_list(command: Command, name: str) -> bool:
    parameter = inspect.signature(command.function).parameters[name]
    return parameter.kind is inspect.Parameter.VAR_POSITIONAL or _type_name(command.hints[name]) == "array"


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return _type_name(get_args(annotation)[0])
    for part in (annotation, *get_args(annotation)):
        found = _TYPES.get(get_origin(part) or part)
        if found:
            return found
    return "string"
