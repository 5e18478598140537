"""The parameters of a notebook: what its cell declares, and what was given, held against one another."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidUsage, nearest
from .book import INJECTED, PARAMETERS, code_cells, tags_of

_MAGIC = re.compile(r"%%mlops\s+params\b[^\n]*\n?")
_HELP = re.compile(r"#\s*(?:type:\s*(?P<type>[^#]+?)\s*(?:#\s*)?)?(?P<help>.*)")


@dataclass(frozen=True)
class Parameter:
    """A parameter that a notebook declares.

    Attributes
    ----------
    name : str
    type : str
        As it is annotated; without one, the type of its default. Empty where neither says.
    default : str
        As it is written.
    help : str
        The comment behind it.
    """

    name: str
    type: str
    default: str
    help: str = ""

    def check_default(self) -> None:
        """Make sure that the default is of the type that is declared.

        Raises
        ------
        InvalidUsage
            Where it is not.
        """
        try:
            value = ast.literal_eval(self.default)
        except (ValueError, SyntaxError, TypeError):  # it is computed
            return
        if not isinstance(value, str):
            self.read(value)
        elif (kind := _type(self.type)) is not None and not _is_text(kind):
            from pydantic import TypeAdapter, ValidationError

            try:
                TypeAdapter(kind).validate_python(value, strict=True)
            except ValidationError:
                raise InvalidUsage(
                    f"The parameter {self.name} is declared as {self.type}, and its default {self.default} is none.",
                    f"{self.name}: str = {self.default}",
                ) from None

    def read(self, given: Any) -> Any:
        """Turn a word of the command line, or a value of Python, into a value of the parameter's type.

        Raises
        ------
        InvalidUsage
            Where it is none.
        """
        value = self._read(given)
        if not isinstance(value, float) and not _is_literal(value):
            raise InvalidUsage(
                f"The parameter {self.name} is to be {_short(value)}, and that can't be written into a cell: "
                "only numbers, texts, true, false, null, and lists and names of them can.",
                f'{self.name}: "{value}"',
            )
        return value

    def _read(self, given: Any) -> Any:
        from pydantic import TypeAdapter, ValidationError

        kind = _type(self.type)
        if kind is None:  # it may be anything; a word is read as JSON where it is some
            return _json_or_text(given)
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(kind)
            if not isinstance(given, str):
                is_int = isinstance(given, int) and not isinstance(given, bool)  # an int is a float too
                return adapter.validate_python(given, strict=not is_int)
            if _is_text(kind):
                return adapter.validate_python(given)
            return _of_word(adapter, given)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise InvalidUsage(
                f"The parameter {self.name} takes {self.type}, and {_short(given)} is none: {reason}.",
                f"-p {self.name}={self.default}",
            ) from None


@dataclass(frozen=True)
class Declared:
    """The parameters of a notebook, and where they stand.

    Attributes
    ----------
    parameters : tuple of Parameter
    index : int, optional
        The place of the cell; None where there is none.
    """

    parameters: tuple[Parameter, ...] = ()
    index: int | None = None

    def read(self, given: Mapping[str, Any], notebook: str) -> dict[str, Any]:
        """Hold what was given against what is declared.

        Raises
        ------
        InvalidUsage
            For a name that is not declared, with those that are; or a value of another type.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name in known:
                continue
            if self.index is None:
                raise InvalidUsage(
                    f"{notebook} has no parameters, so {name!r} is none of them.",
                    "begin the cell that sets them with %%mlops params, or tag it parameters",
                )
            listed = ", ".join(known) or "none"
            did_you = nearest(name, known) if "Did you" in nearest(name, known) else ""
            raise InvalidUsage(
                f"{notebook} has no parameter {name!r}.{did_you} Its parameters: {listed}.",
                f"jupyter mlops run {notebook} --help-params",
            )
        return {name: known[name].read(value) for name, value in given.items()}


def values_for(known: Sequence[Declared], given: Mapping[str, Any], notebooks: Sequence[str]) -> list[dict[str, Any]]:
    """Give each of several notebooks what it declares of what was given.

    Raises
    ------
    InvalidUsage
        For a name that none of them declares, or a value of another type.
    """
    names = {parameter.name for each in known for parameter in each.parameters}
    stray = [name for name in given if name not in names]
    if len(known) == 1:
        return [known[0].read(given, notebooks[0])]
    if stray:
        did_you = nearest(stray[0], names) if "Did you" in nearest(stray[0], names) else ""
        raise InvalidUsage(
            f"None of the {len(known)} notebooks has a parameter {stray[0]!r}.{did_you} "
            f"Their parameters: {', '.join(sorted(names)) or 'none'}.",
            f"jupyter mlops run {notebooks[0]} --help-params",
        )
    return [
        each.read({name: value for name, value in given.items() if name in {p.name for p in each.parameters}}, notebook)
        for each, notebook in zip(known, notebooks, strict=True)
    ]


def declared(book: Any, notebook: str = "the notebook") -> Declared:
    """Find the parameters of a notebook: those of ``%%mlops params``, else of the cell with papermill's tag.

    Raises
    ------
    InvalidUsage
        Where there is more than one such cell, or it can't be read.
    """
    cells = [(index, cell) for index, cell in code_cells(book) if INJECTED not in tags_of(cell)]
    found = [(i, cell) for i, cell in cells if _MAGIC.match(cell.source.lstrip()) or PARAMETERS in tags_of(cell)]
    if not found:
        return Declared()
    if len(found) > 1:
        which = " and ".join(f"cell {index + 1}" for index, _ in found[:2])
        raise InvalidUsage(f"{notebook} has more than one cell of parameters: {which}.", "put them into one cell")
    index, cell = found[0]
    language = book.metadata.get("kernelspec", {}).get("language") or book.metadata.get("language_info", {}).get("name")
    if language not in (None, "", "python"):
        return Declared((), index)
    try:
        return Declared(of_source(cell.source), index)
    except SyntaxError as error:
        raise InvalidUsage(f"The parameters of {notebook} can't be read: {error.msg}, line {error.lineno}.") from None


def of_source(source: str) -> tuple[Parameter, ...]:
    """Read the parameters of a cell: plain assignments ``name: type = default  # help``.

    Raises
    ------
    SyntaxError
        Where it is no Python.
    """
    body = _MAGIC.sub("", source.lstrip(), count=1)
    body = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in body.split("\n"))
    comments = _comments(body)
    found: dict[str, Parameter] = {}
    for statement in ast.parse(body).body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            target, kind = statement.target, ast.unparse(statement.annotation)
        elif (
            isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
            and isinstance(statement.targets[0], ast.Name)
        ):
            target, kind = statement.targets[0], ""
        else:
            continue
        assert statement.value is not None
        said = _HELP.match(comments.get(statement.end_lineno or 0, "#"))
        hint = (said["type"] or "").strip() if said else ""
        kind = kind or hint or _type_of(statement.value)
        found[target.id] = Parameter(
            target.id, kind, ast.unparse(statement.value), said["help"].strip() if said else ""
        )
    return tuple(found.values())


def inject(book: Any, where: Declared, values: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[int, str]:
    """Put a cell behind the parameters that sets what was given, as papermill does.

    Parameters
    ----------
    book : NotebookNode
    where : Declared
    values : dict
    shown : dict
        The same without secrets: what stands in the cell.

    Returns
    -------
    dict
        The source that the kernel is to run in its place, by the place of the cell; empty where nothing was given.
    """
    import nbformat

    if not values or where.index is None:
        return {}
    cell = nbformat.v4.new_code_cell(_setting(shown), metadata={"tags": [INJECTED]})  # type: ignore[no-untyped-call]
    book.cells.insert(where.index + 1, cell)
    return {where.index + 1: _setting(values)}


def _setting(values: Mapping[str, Any]) -> str:
    return "\n".join(["# Parameters", *(f"{name} = {literal(value)}" for name, value in values.items())])


def literal(value: Any) -> str:
    """Write a value as Python reads it."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return f'float("{value}")'
    return repr(value)


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    try:
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    except (tokenize.TokenError, IndentationError):
        return {}


def _type_of(value: ast.expr) -> str:
    try:
        found = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ""
    return "" if found is None else type(found).__name__


def _type(name: str) -> Any:
    """Turn an annotation into a type; None where it names what is not known here."""
    import typing

    kinds: dict[str, Any] = {kind.__name__: kind for kind in (int, float, str, bool, list, dict, tuple, set)}
    kinds |= {"None": None, "Literal": typing.Literal, "Optional": typing.Optional, "Union": typing.Union, "Any": Any}
    kinds |= {"List": list, "Dict": dict, "Tuple": tuple, "Set": set, "typing": typing}
    try:
        tree = ast.parse(name, mode="eval")
    except (SyntaxError, ValueError):
        return None
    calls = (ast.Call, ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.NamedExpr, ast.Await)
    if not name or any(isinstance(node, calls) for node in ast.walk(tree)):
        return None
    try:
        found = eval(compile(tree, "<annotation>", "eval"), {"__builtins__": {}}, kinds)  # noqa: S307 - names of types, no calls
    except Exception:  # a type of the notebook's own
        return None
    return None if found is Any else found


def _is_text(kind: Any) -> bool:
    import typing

    if typing.get_origin(kind) is typing.Literal:
        return all(isinstance(choice, str) for choice in typing.get_args(kind))
    return kind is str


def _of_word(adapter: Any, word: str) -> Any:
    """Read a word: ``3``, ``true``, ``[1, 2]``; else it is text, where the type takes it. True is no number here."""
    from pydantic import ValidationError

    text = {"True": "true", "False": "false", "None": "null"}.get(word, word)
    try:
        return adapter.validate_json(text, strict=True if _says_bool(text) else False if text[:1] != '"' else None)
    except ValidationError as error:
        first = error
    try:
        return adapter.validate_python(word, strict=_says_bool(text) or None)
    except ValidationError as error:
        raise error if first.errors()[0]["type"] == "json_invalid" else first from None


def _says_bool(text: str) -> bool:
    try:
        return _holds_bool(json.loads(text))
    except (ValueError, RecursionError):
        return False


def _holds_bool(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_holds_bool, value.values() if isinstance(value, dict) else value))
    return isinstance(value, bool)


def _is_literal(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def _json_or_text(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return json.loads({"True": "true", "False": "false", "None": "null"}.get(given, given))
    except ValueError:
        return given


def _short(given: Any) -> str:
    return repr(given)[:80]
