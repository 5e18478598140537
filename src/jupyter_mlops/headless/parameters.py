"""The parameters of a notebook: what its cell declares, and what was given, held against one another."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidUsage, nearest
from .book import INJECTED, PARAMETERS, code_cells, tags_of
from .words import is_literal, is_text, json_or_text, literal, of_word, type_of

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
        elif (kind := type_of(self.type)) is not None and not is_text(kind):
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
        if not isinstance(value, float) and not is_literal(value):
            raise InvalidUsage(
                f"The parameter {self.name} is to be {_short(value)}, and that can't be written into a cell: "
                "only numbers, texts, true, false, null, and lists and names of them can.",
                f'{self.name}: "{value}"',
            )
        return value

    def _read(self, given: Any) -> Any:
        from pydantic import TypeAdapter, ValidationError

        kind = type_of(self.type)
        if kind is None:  # it may be anything; a word is read as JSON where it is some
            return json_or_text(given)
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(kind)
            if not isinstance(given, str):
                is_int = isinstance(given, int) and not isinstance(given, bool)  # an int is a float too
                return adapter.validate_python(given, strict=not is_int)
            if is_text(kind):
                return adapter.validate_python(given)
            return of_word(adapter, given)
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


def _short(given: Any) -> str:
    return repr(given)[:80]
