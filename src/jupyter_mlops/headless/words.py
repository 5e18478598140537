"""Words of the command line as values of Python, by the type that is declared, and such values as code."""

from __future__ import annotations

import ast
import json
from typing import Any


def literal(value: Any) -> str:
    """Write a value as Python reads it."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return f'float("{value}")'
    return repr(value)


def type_of(name: str) -> Any:
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


def is_text(kind: Any) -> bool:
    """Whether a type takes a word as it is."""
    import typing

    if typing.get_origin(kind) is typing.Literal:
        return all(isinstance(choice, str) for choice in typing.get_args(kind))
    return kind is str


def of_word(adapter: Any, word: str) -> Any:
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


def is_literal(value: Any) -> bool:
    """Whether Python reads back what is written of a value."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def json_or_text(given: Any) -> Any:
    """Read a word as JSON where it is some; a value of Python stays."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads({"True": "true", "False": "false", "None": "null"}.get(given, given))
    except ValueError:
        return given
