"""The routes as an OpenAPI document: the bodies are the commands' own signatures, the answers the rooms' own types."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any, Final

from pydantic import TypeAdapter

from ..command import commands
from ..monitoring import browsing as monitoring
from ..registry import browsing as registry
from ..session.glance import Glance
from ..tracking import browsing as tracking
from ..tracking import one_run
from . import forms, parameters

_TEXT: Final = {"type": "string"}
_AT: Final = ("at", _TEXT, "The path of the notebook whose project is meant, below the server's folder.")
_PAGE: Final = ("page", _TEXT, "The token of the page before.")
_REFUSALS: Final = {
    "400": "The words, the parameters or the settings are off.",
    "403": "Nobody is logged in, or who asks may not do this.",
    "404": "It is not there.",
    "503": "The MLflow server is down, hangs, or isn't MLflow.",
    "504": "There was no answer in time.",
}
_LOOKS: Final[dict[str, tuple[str, Any, list[tuple[str, dict[str, Any], str]]]]] = {
    "status": ("How the project is.", Glance, []),
    "experiments": ("The experiments of the server.", tracking.Experiments, [_PAGE]),
    "runs": (
        "A page of runs.",
        tracking.Rows,
        [
            ("experiment", _TEXT, "Its id or name; by default the project's."),
            ("filter", _TEXT, "accuracy > 0.9, failed, since 7d; or in MLflow's language."),
            ("sort", _TEXT, "started, ended, name or a metric."),
            ("descending", {"type": "boolean"}, "By default what is newest or best is first."),
            ("children", {"type": "boolean"}, "Also those that are nested in others."),
            ("limit", {"type": "integer", "minimum": 1, "maximum": tracking.MOST}, "How many."),
            _PAGE,
        ],
    ),
    "runs/{run}": ("One run.", one_run.Whole, [("brief", {"type": "boolean"}, "Only what the list shows.")]),
    "models": (
        "A page of registered models.",
        registry.ModelRows,
        [("search", _TEXT, "A part of the name."), ("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "How many."), _PAGE],
    ),
    "models/{model}": ("One registered model with its versions.", registry.Model, []),
    "endpoints": ("The endpoints.", monitoring.EndpointRows, []),
    "endpoints/{endpoint}": ("One endpoint.", monitoring.WholeEndpoint, []),
    "alerts": ("What rings, and what has rung.", monitoring.AlertRows, []),
    "compare": (
        "Runs side by side.",
        tracking.Compared,
        [("run", {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 10}, "last, best:auc, an id.")],
    ),
    "commands": ("The commands, with their parameters.", forms.Forms, []),
}  # fmt: skip


@cache
def document(root: str) -> dict[str, Any]:
    """Write the document.

    Parameters
    ----------
    root : str
        Where the routes begin, with the server's base URL.
    """
    schemas: dict[str, Any] = {"Problem": {"type": "object", "properties": {"code": _TEXT, "message": _TEXT, "hint": {"type": ["string", "null"]}}, "required": ["code", "message", "hint"]}, "Outcome": _OUTCOME}  # fmt: skip
    paths = {f"/{path}": {"get": _look(path, *of, schemas)} for path, of in _LOOKS.items()}
    watched = [("experiment", _TEXT, "Its id or name: its runs are watched beside those of the project's own.")]
    paths["/events"] = {
        "get": _operation("events", "What changes, as it changes.", _TEXT, watched, "text/event-stream")
    }
    for command in commands().values():
        if parameters.over_rest(command):
            path = f"/commands/{command.key.replace(' ', '-')}"
            paths[path] = {"post": _command(command.python_name, command.summary, parameters.model(command), schemas)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter-mlops", "version": version("jupyter-mlops")},
        "servers": [{"url": root}],
        "paths": paths,
        "components": {"schemas": schemas},
    }


_OUTCOME: Final = {
    "type": "object",
    "properties": {
        "ok": {"type": ["boolean", "null"]},
        "result": {"type": "object"},
        "text": _TEXT,
        "html": _TEXT,
        "mime": {"type": "object"},
    },
    "required": ["ok", "result", "text", "html", "mime"],
}


def _look(
    path: str, summary: str, answer: Any, more: list[tuple[str, dict[str, Any], str]], schemas: dict[str, Any]
) -> dict[str, Any]:
    schema = _odd(TypeAdapter(answer).json_schema(ref_template="#/components/schemas/{model}", mode="serialization"))
    schemas.update(schema.pop("$defs", {}))
    schemas[answer.__name__] = schema
    name = path.replace("/{", "_").replace("}", "")
    said = _operation(name, summary, {"$ref": f"#/components/schemas/{answer.__name__}"}, more)
    if "{" in path:
        within = {"name": path.partition("{")[2][:-1], "in": "path", "required": True, "schema": _TEXT}
        said["parameters"].insert(0, within)
    return said


def _odd(schema: Any) -> Any:
    """Let numbers be what JSON has no number for: those come as words."""
    if isinstance(schema, list):
        return [_odd(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "number":
        return {"anyOf": [schema, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
    return {key: _odd(value) for key, value in schema.items()}


def _command(name: str, summary: str, body: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = body.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    said = _operation(f"call_{name}", summary, {"$ref": "#/components/schemas/Outcome"})
    said["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    said["responses"] |= {"413": _problem("The body is too large.")}
    return said


def _operation(
    name: str,
    summary: str,
    answer: dict[str, Any],
    more: list[tuple[str, dict[str, Any], str]] | None = None,
    kind: str = "application/json",
) -> dict[str, Any]:
    asked = [{"name": word, "in": "query", "required": word == "run", "schema": schema, "description": text} for word, schema, text in [*(more or ()), _AT]]  # fmt: skip
    return {
        "operationId": name,
        "summary": summary,
        "parameters": asked,
        "responses": {"200": {"description": "It is.", "content": {kind: {"schema": answer}}}}
        | {status: _problem(text) for status, text in _REFUSALS.items()},
    }


def _problem(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
