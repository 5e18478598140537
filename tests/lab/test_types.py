"""What TypeScript believes of the answers is what the server's own description of them says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.server import openapi
from jupyter_mlops.server.forms import described

TYPES = (Path(__file__).parents[2] / "labextension/src/server/types.ts").read_text()
NAMES = {
    "Problem": "Problem", "Status": "Glance", "Experiment": "Experiment", "Experiments": "Experiments", "RunRow": "Row", "Runs": "Rows",
    "Run": "Whole", "ModelRow": "ModelRow", "Models": "ModelRows", "VersionRow": "Version", "Model": "Model",
    "EndpointRow": "EndpointRow", "Endpoints": "EndpointRows", "Endpoint": "WholeEndpoint", "Window": "Window", "AlertRow": "AlertRow",
    "Alerts": "AlertRows", "DataSet": "Data", "Comparison": "Compared", "Commands": "Forms", "Command": "Form", "Parameter": "Field",
    "Outcome": "Outcome",
}  # fmt: skip
WORDS = {"Figure": "number | 'NaN'", "Verdict": "'pass'"}
"""Our own names in TypeScript for what is a number or a text."""
MOMENTS = {"started", "ended", "updated", "created", "opened", "recovered", "start", "end"}
RATES = {"requests_per_second", "p50_ms", "p99_ms", "errors", "series", "points"}
"""Numbers that the server itself has counted or read from a clock: never NaN."""


def interface(name: str) -> dict[str, str]:
    """Read the fields of an interface, with those that it takes over."""
    found = re.search(rf"export interface {name}(?: extends (\w+))? {{\n(.*?)\n}}", TYPES, re.DOTALL)
    assert found, name
    above = interface(found[1]) if found[1] else {}
    return above | dict(re.findall(r"^  (\w+\??): (.*);$", found[2], re.MULTILINE))


def parts(written: str, at: str) -> list[str]:
    """Split a type where a sign stands outside of all brackets."""
    found, depth = [""], 0
    for sign in written:
        depth += (sign in "([{<") - (sign in ")]}>")
        if sign == at and depth == 0:
            found.append("")
        else:
            found[-1] += sign
    return [part.strip() for part in found if part.strip()]


def takes(written: str, schema: dict[str, Any], schemas: dict[str, Any], *, counted: bool = False) -> bool:
    """Whether all that a schema lets through is of a type as it is written in TypeScript."""
    if "anyOf" in schema:
        every = [one for one in schema["anyOf"] if not (counted and "enum" in one)]
        return all(takes(written, one, schemas, counted=counted) for one in every)
    if isinstance(schema.get("type"), list):
        return all(takes(written, {"type": kind}, schemas) for kind in schema["type"])
    written = WORDS.get(written, written)
    return any(_takes(one, schema, schemas, counted) for one in parts(written, "|"))


def _takes(one: str, schema: dict[str, Any], schemas: dict[str, Any], counted: bool) -> bool:
    if one in WORDS or (one.startswith("(") and one.endswith(")")):
        return takes(WORDS.get(one, one[1:-1]), schema, schemas, counted=counted)
    if one == "unknown":
        return True
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if one.startswith("{"):
            return fits(dict(re.findall(r"(\w+\??): (.*)", "\n".join(parts(one[1:-1], ";")))), schemas[name], schemas)
        return NAMES.get(one) == name
    if "enum" in schema:
        return one == "string" or one.startswith("'")
    match schema.get("type"):
        case "array" if one.endswith("[]"):
            return takes(one[:-2], schema.get("items", {}), schemas, counted=counted)
        case "array" if one.startswith("["):
            return all(takes(each, schema["items"], schemas, counted=counted) for each in parts(one[1:-1], ","))
        case "object":
            values = schema.get("additionalProperties")
            if not isinstance(values, dict):  # anything may be in it
                return one.startswith(("Record<string,", "{")) or one[0].isupper()
            if one.startswith("{"):
                return all(takes(each.partition(":")[2].strip(), values, schemas) for each in parts(one[1:-1], ";"))
            if one in NAMES:
                return all(takes(kind, values, schemas) for field, kind in interface(one).items() if field[-1] != "?")
            return one.startswith("Record<string,") and takes(one[len("Record<string,") : -1].strip(), values, schemas)
        case "string":
            return one == "string" or one.startswith("'")
        case "integer" | "number":
            return one == "number"
        case kind:
            return one == kind  # boolean and null


def fits(fields: dict[str, str], schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Compare the fields of an object; the message names the first that is off."""
    sent = schema["properties"]
    for written, kind in fields.items():
        field = written.rstrip("?")
        assert field in sent, f"{field} isn't sent by the server"
        kind = f"{kind} | null" * written.endswith("?") or kind
        counted = field in MOMENTS | RATES
        assert takes(kind, sent[field], schemas, counted=counted), f"{field} is written as {kind}, and is {sent[field]}"
    return True


@pytest.mark.parametrize("name", NAMES)
def test_a_type_is_what_the_server_answers(name: str) -> None:
    schemas = openapi.document("/")["components"]["schemas"]
    assert fits(interface(name), schemas[NAMES[name]], schemas)


def test_a_type_that_is_off_is_found() -> None:
    schemas = openapi.document("/")["components"]["schemas"]
    for name, field, off in [
        ("RunRow", "metrics", "Record<string, number>"),
        ("RunRow", "ended", "number"),
        ("Models", "models", "RunRow[]"),
        ("Model", "versions", "VersionRow"),
        ("VersionRow", "signed", "string"),
        ("Endpoint", "canary", "number"),
        ("Command", "cell", "string"),
        ("Comparison", "metrics", "Record<string, Figure[]>"),
    ]:
        assert fits({field: interface(name)[field]}, schemas[NAMES[name]], schemas)
        with pytest.raises(AssertionError):
            fits({field: off}, schemas[NAMES[name]], schemas)


def test_a_click_can_tell_commands_apart() -> None:
    keys = [command.key for command in described().commands]
    assert len(set(keys)) == len(keys)


def test_the_kinds_of_results_are_those_that_python_writes() -> None:
    from jupyter_mlops.display import Card, Table
    from jupyter_mlops.result import Result

    class Any_(Result):
        def __init__(self, view: Any) -> None:
            self.view = lambda: view  # type: ignore[method-assign]

        def to_dict(self) -> dict[str, Any]:
            return {}

    drawn = (Path(__file__).parents[2] / "labextension/src/results/view.ts").read_text()
    kinds = set(re.findall(r"'(\w+)'", re.search(r"TYPES = \[(.*?)\]", drawn)[1]))  # type: ignore[index]
    for view in (Card("a"), Table(["a"], [])):
        (ours,) = (kind for kind in Any_(view)._repr_mimebundle_() if "jupyter-mlops" in kind)
        assert re.fullmatch(r"application/vnd\.jupyter-mlops\.(\w+)\.v1\+json", ours)[1] in kinds  # type: ignore[index]
