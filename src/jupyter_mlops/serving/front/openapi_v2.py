"""The paths of the open inference protocol v2 in the OpenAPI document; a model's tensors are as it tells of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from .operations import NUMBER, TEXT, Document, get, json, post, record
from .routing import Routing
from .schemas import cell

_KINDS: Final = {"BOOL": "boolean", "FP64": "double", "FP32": "float"} | {
    f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)
}
_TENSOR: Final = record(
    {"name": TEXT, "datatype": TEXT, "shape": {"type": "array", "items": NUMBER}, "data": {"type": "array"}}
)
_SHAPED: Final = record({"name": TEXT, "datatype": TEXT, "shape": {"type": "array", "items": {"type": "integer"}}})


def paths(routing: Routing, *, locked: bool) -> Document:
    """Describe them, for the model that is served."""
    about, model = routing.champion.about, f"/v2/models/{quote(routing.model, safe='')}"
    tensors = about.get("tensors", {})
    server = json({"name": TEXT, "version": TEXT, "extensions": {"type": "array", "items": TEXT}})
    shaped = {"type": "array", "items": _SHAPED}
    metadata = {"name": TEXT, "versions": {"type": "array", "items": TEXT}, "platform": TEXT}
    answer = {"model_name": TEXT, "model_version": TEXT, "outputs": {"type": "array", "items": _TENSOR}}
    summary = "Ask for predictions in tensors. They may be binary, behind the JSON, and so may the answer be."
    body: Document = {"schema": infer(about.get("inputs", []), tensors)}
    return {
        "/v2": get("v2_server", "What the server speaks.", server, locked=locked, v2=True),
        "/v2/health/live": get(
            "v2_live", "Whether it lives.", json({"live": {"type": "boolean"}}), locked=False, v2=True
        ),
        "/v2/health/ready": get(
            "v2_ready", "Whether it answers.", json({"ready": {"type": "boolean"}}), 503, locked=False, v2=True
        ),
        model: get(
            "v2_model",
            "Its tensors.",
            json(metadata | {"inputs": shaped, "outputs": shaped}),
            503,
            locked=locked,
            v2=True,
        ),
        f"{model}/ready": get(
            "v2_model_ready",
            "Whether the model answers.",
            json({"name": TEXT, "ready": {"type": "boolean"}}),
            503,
            locked=locked,
            v2=True,
        ),
        f"{model}/infer": post("v2_infer", summary, body, json(answer, {"id": TEXT}), locked=locked, v2=True),
    }


def infer(inputs: Sequence[Mapping[str, Any]], tensors: Mapping[str, Any]) -> Document:
    """Describe a request of one row: that shape and data belong together, a schema can say of no more.

    Parameters
    ----------
    inputs : sequence of mapping
        What the model wants, by column; or its one tensor.
    tensors : mapping
        What goes in and comes out, as the protocol's metadata has it.
    """
    given = tensors.get("inputs", [])
    kinds = {str(each["name"]): str(each["type"]) for each in inputs}
    sent = [_tensor(each, kinds.get(each["name"], "")) for each in given]
    names = [each["name"] for each in tensors.get("outputs", [])]
    wanted = {"type": ["array", "null"], "items": record({"name": {"enum": names}})}
    inputs_of_it: Document = {"type": "array", "prefixItems": sent, "items": False, "minItems": len(sent)}
    return record({"inputs": inputs_of_it}, {"id": TEXT} | ({"outputs": wanted} if names else {}))


def _tensor(about: Mapping[str, Any], kind: str) -> Document:
    shape = [1, *(max(length, 1) for length in about["shape"][1:])]
    datatype = about["datatype"]
    of = cell(kind if datatype == "BYTES" else _KINDS.get(datatype, ""))
    count = math.prod(shape)
    return record(
        {
            "name": {"const": about["name"]},
            "datatype": {"const": datatype},
            "shape": {"const": shape, "description": "One row; of n rows the first length is n."},
            "data": {"type": "array", "items": of, "minItems": count, "maxItems": count},
        }
    )
