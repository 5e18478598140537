"""From words to a call: the registry's commands as a cyclopts app. Imported at the first command."""

from __future__ import annotations

import inspect
import shlex
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin

import cyclopts
from docstring_parser import DocstringStyle
from docstring_parser import parse as parse_docstring

from .command import Command, Pairs, commands, pairs, short_of, slot_of, spoken
from .errors import InvalidUsage, MlopsError, nearest
from .frames import as_dataset

HELP_FLAGS = ("--help", "-h")

# What every command takes beside its own parameters; the faces act on them.
_JSON = inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=bool)
_QUIET = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=bool)
_INTO = inspect.Parameter("into", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=str | None)
_FACE_HELP = {
    "json": "Give the result as JSON.",
    "quiet": "Give the result without showing it.",
    "into": "Keep the result under this name.",
}


@dataclass(frozen=True)
class Invocation:
    """A command with its words bound to its parameters, and how to show the result."""

    command: Command
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    json: bool = False
    quiet: bool = False
    into: str | None = None

    def call(self, resolve: Callable[[str], Any]) -> Any:
        """Call the command; ``resolve`` turns a word in a slot for a value into that value."""
        bound = inspect.signature(self.command.function).bind(*self.args, **self.kwargs)
        words: dict[int, str] = {}
        for name, value in bound.arguments.items():
            slot = self.command.slot(name)
            if slot == "variable" and isinstance(value, str):
                opened = as_dataset(value) if self.command.streams(name) else None
                bound.arguments[name] = resolve(value) if opened is None else opened
                words[id(bound.arguments[name])] = value
            elif slot == "values":
                bound.arguments[name] = {key: _number(word, resolve) for key, word in pairs(value, "value").items()}
        token = spoken.set(words)
        try:
            return self.command.function(*bound.args, **bound.kwargs)
        finally:
            spoken.reset(token)


@dataclass(frozen=True)
class Option:
    """One parameter of a command, as help and completion show it."""

    name: str
    flag: str
    help: str
    default: Any
    required: bool
    positional: bool
    is_switch: bool
    letter: str = ""

    @property
    def label(self) -> str:
        """As help shows it: ``MODEL``, ``--name NAME``, ``-p, --param PARAM``, ``--dry-run``."""
        if self.positional:
            return self.name.upper()
        flag = f"-{self.letter}, {self.flag}" if self.letter else self.flag
        return flag if self.is_switch else f"{flag} {self.name.upper()}"

    @property
    def shown_default(self) -> str:
        """Its default, where it says something."""
        return "required" if self.required else "" if self.default in (None, "", False, True) else str(self.default)


def parse(line: str | Sequence[str], *, cell: bool = False) -> Invocation:
    """Read a line such as ``deploy churn@champion --port 8000``; ``cell`` where a body follows it.

    Raises
    ------
    InvalidUsage
        For an unknown command or option (with the nearest ones), a missing or ill-typed value.
    """
    tokens = split(line)
    command = find(tokens, cell=cell)
    try:
        _, bound, _ = _app(cell).parse_args(tokens, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        raise _explain(error, command, tokens) from None
    kwargs = dict(bound.kwargs)
    face = {name: kwargs.pop(name) for name in _FACE_HELP if name in kwargs}
    return Invocation(command, bound.args, kwargs, **face)


def split(line: str | Sequence[str]) -> list[str]:
    """Split a line as a shell does."""
    if not isinstance(line, str):
        return list(line)
    try:
        return shlex.split(line)
    except ValueError as error:
        raise InvalidUsage(
            f"The line can't be read: {str(error).lower()}.", "close the quote, or escape it with \\"
        ) from None


def find(tokens: Sequence[str], *, cell: bool = False) -> Command:
    """Name the command that a line begins with: the longest match of its first words.

    Where a cell and a line share a name, ``cell`` says which is meant.

    Raises
    ------
    InvalidUsage
        Where there is none, with the nearest names.
    """
    known = {command.name: command for command in _of_form(cell)}
    for count in (2, 1):
        found = known.get(" ".join(tokens[:count]))
        if found and len(tokens) >= count:
            return found
    name = tokens[0] if tokens else ""
    family = [words for words in known if words.split()[0] == name]
    if family:
        raise InvalidUsage(
            f"{name} needs one more word: {', '.join(words.split()[1] for words in family)}.", "%mlops help"
        )
    raise InvalidUsage(f"There is no command {name!r}.{nearest(name, known)}", "%mlops help")


def asks_help(tokens: Sequence[str], *, cell: bool = False) -> list[str]:
    """Write ``deploy --help`` as ``help deploy``."""
    words = [token for token in tokens if not token.startswith("-")]
    try:
        return ["help", *find(words, cell=cell).key.split()] if words else ["help"]
    except InvalidUsage:
        return ["help", *words]  # it says what is the matter


def _of_form(cell: bool) -> list[Command]:
    """List the commands, with one of each name: of two that share it that of this form."""
    return list(
        {command.name: command for command in sorted(commands().values(), key=lambda c: c.cell == cell)}.values()
    )


def options(command: Command) -> list[Option]:
    """List the parameters of a command, with the help of its docstring."""
    documented = parse_docstring(inspect.getdoc(command.function) or "", DocstringStyle.NUMPYDOC).params
    help_of = {
        name.strip(): " ".join((p.description or "").split()) for p in documented for name in p.arg_name.split(",")
    }
    help_of |= _FACE_HELP
    letters = {name: letter for name, hint in command.hints.items() if (letter := short_of(hint))}
    return [_option(parameter, help_of, letters) for parameter in _signature(command).parameters.values()]


def explained(words: Sequence[str]) -> Command:
    """Name the command that help is asked for, by its key; of a line and a cell that share a name the cell."""
    return commands().get(" ".join(words[:2])) or find(words, cell=True)


def usage(command: Command) -> str:
    """Write a command with its parameters on one line: ``%mlops deploy MODEL [--name NAME]``."""
    words = [command.magic]
    for option in options(command):
        if option.name in _FACE_HELP:
            continue
        words.append(option.label if option.required else f"[{option.label}]")
    return " ".join(words)


def _option(parameter: inspect.Parameter, help_of: dict[str, str], letters: dict[str, str]) -> Option:
    positional = parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    required = parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_POSITIONAL
    default = None if required else parameter.default
    name = parameter.name.strip("_").replace("_", "-")
    flag = f"--no-{name}" if default is True else f"--{name}"
    return Option(
        parameter.name, flag, help_of.get(parameter.name, ""), default, required, positional, isinstance(default, bool),
        letters.get(parameter.name, ""),
    )  # fmt: skip


@cache
def _app(cell: bool) -> cyclopts.App:
    """Build the app once for each form: each command as a function that cyclopts understands."""
    quiet = cyclopts.Parameter(negative_iterable=(), negative_none=())
    app = cyclopts.App(
        name="mlops", help_flags=(), version_flags=(), default_parameter=quiet, result_action="return_value"
    )
    families: dict[str, cyclopts.App] = {}
    for command in _of_form(cell):
        *family, name = command.name.split()
        parent = app
        if family:
            if family[0] not in families:
                families[family[0]] = cyclopts.App(name=family[0], help_flags=(), version_flags=())
                app.command(families[family[0]])
            parent = families[family[0]]
        parent.command(_stand_in(command), name=name)
    return app


def _stand_in(command: Command) -> Callable[..., Any]:
    """Make a function with the command's parameters in types that words can be turned into.

    cyclopts only ever reads it; ``Invocation.call`` calls the command itself.
    """

    def stand_in() -> None: ...

    signature = _signature(command)
    stand_in.__signature__ = signature  # type: ignore[attr-defined]
    stand_in.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    stand_in.__name__ = command.python_name
    return stand_in


@cache
def _signature(command: Command) -> inspect.Signature:
    parameters = []
    for name, parameter in inspect.signature(command.function).parameters.items():
        hint = command.hints.get(name, str)
        annotation = _words(hint)
        annotation = annotation | None if parameter.default is None else annotation
        if letter := short_of(hint):
            annotation = Annotated[annotation, cyclopts.Parameter(alias=f"-{letter}")]
        parameters.append(parameter.replace(annotation=annotation))
    return inspect.Signature([*parameters, _JSON, _QUIET, *([_INTO] if command.cell else [])])


def _words(annotation: Any) -> Any:
    """Turn an annotation into one for words: a slot is a string, pairs are a list of strings."""
    if annotation == Pairs:
        return list[str] | None
    if get_origin(annotation) is Annotated:
        return _words(Pairs) if get_args(annotation)[0] == Pairs else str if slot_of(annotation) else annotation
    if get_origin(annotation) in (types.UnionType, typing.Union):
        return typing.Union[tuple(_words(part) for part in get_args(annotation))]  # noqa: UP007
    if get_origin(annotation) is list:
        return list[_words(get_args(annotation)[0])]  # type: ignore[misc]
    return annotation


def _number(word: Any, resolve: Callable[[str], Any]) -> Any:
    """Read a number, or look up the variable of that name."""
    try:
        return float(word)
    except ValueError:
        return resolve(word)


def _explain(error: cyclopts.CycloptsError, command: Command, tokens: Sequence[str]) -> MlopsError:
    """Say what cyclopts found in one line, with the form of the command as the mend."""
    hint = usage(command)
    if "--" in tokens and any(token.startswith("-") for token in tokens[tokens.index("--") + 1 :]):
        return InvalidUsage("What stands after -- is no option: put the options before it.", hint)
    if isinstance(error, cyclopts.UnusedCliTokensError):
        extra = " ".join(error.unused_tokens or ())
        return InvalidUsage(f"{command.name} does not take {extra!r}.", hint)
    if isinstance(error, cyclopts.MissingArgumentError) and error.argument:
        name = error.argument.name
        if name.startswith("--"):
            form = f"{name} VALUE; one that begins with a dash as {name}=VALUE"
            return InvalidUsage(f"{command.name} needs a value after {name}: {form}.", hint)
        return InvalidUsage(f"{command.name} needs {name.upper()}.", hint)
    return InvalidUsage(" ".join(str(error).split()), hint)
