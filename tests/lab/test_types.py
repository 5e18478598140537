"""What TypeScript believes of the answers is what the server's own description of them says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.server import openapi

TYPES = (Path(__file__).parents[2] / "labextension/src/server/types.ts").read_text()
NAMES = {
    "Problem": "Problem", "Status": "Glance", "Experiment": "Experiment", "Experiments": "Experiments", "RunRow": "Row", "Runs": "Rows",
    "Run": "Whole", "ModelRow": "ModelRow", "Models": "ModelRows", "VersionRow": "Version", "Model": "Model",
    "EndpointRow": "EndpointRow", "Endpoints": "EndpointRows", "Endpoint": "WholeEndpoint", "Window": "Window", "AlertRow": "AlertRow",
    "Alerts": "AlertRows",
}  # fmt: skip


def interface(name: str) -> dict[str, str]:
    """Read the fields of an interface, with those that it takes over."""
    found = re.search(rf"export interface {name}(?: extends (\w+))? {{\n(.*?)\n}}", TYPES, re.DOTALL)
    assert found, name
    above = interface(found[1]) if found[1] else {}
    return above | dict(re.findall(r"^  (\w+\??): (.*);$", found[2], re.MULTILINE))


def may_be_null(schema: dict[str, Any]) -> bool:
    return any(one.get("type") == "null" for one in schema.get("anyOf", []))


@pytest.mark.parametrize("name", NAMES)
def test_a_type_is_what_the_server_answers(name: str) -> None:
    schema = openapi.document("/")["components"]["schemas"][NAMES[name]]["properties"]
    fields = {field.rstrip("?"): (field, kind) for field, kind in interface(name).items()}
    assert set(fields) <= set(schema), "a field that the server doesn't send"
    for field, (written, kind) in fields.items():
        if may_be_null(schema[field]):
            assert "null" in kind or written.endswith("?"), f"{name}.{field} may be null"


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
