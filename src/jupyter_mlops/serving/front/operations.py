"""What the paths in an OpenAPI document have in common: headers, refusals, keys."""

from __future__ import annotations

from typing import Any, Final

Document = dict[str, Any]

KEYED: Final[list[Document]] = [{"bearer": []}, {"basic": []}]
TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "integer", "minimum": 0}
ASKED: Final = (400, 413, 415, 503)
"""The refusals of a path that predicts."""
_REFUSALS: Final = {
    400: "It can't be answered: the code says why, and the column where one is at fault.",
    401: "The key is missing or wrong.",
    403: "The server is not known by the name in the Host header.",
    404: "There is nothing at this path.",
    405: "The path takes another method.",
    413: "The request has too many bytes or rows.",
    415: "The media type or the encoding is not spoken.",
    500: "The server failed; its log has the reason, under the id.",
    503: "The model is being started again, or too many requests are waiting.",
}
_ANY: Final = (403, 405, 500)
_HEADERS: Final = {
    "X-Model-Version": {"description": "The version that answers.", "schema": TEXT},
    "X-Request-Id": {
        "description": "The client's own, or a fresh one; in the log the id of the first row.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
}
_PARAMETERS: Final = [
    {"name": name, "in": "header", "required": False, "description": text, "schema": TEXT}
    for name, text in {
        "X-Request-Id": "Your own id; the same id is always answered by the same side of a canary.",
        "X-Request-Tags": "Kept in the log: team=red, batch=7",
    }.items()
]


def components() -> Document:
    """Give what the operations refer to; a refusal of the protocol v2 calls its message ``error``."""
    words = {"Refusal": "message", "RefusalV2": "error"}
    return {
        "schemas": {
            name: record({"error_code": TEXT, word: TEXT, "column": {"type": ["string", "null"]}})
            for name, word in words.items()
        },
        "responses": {
            f"{name}{status}": {
                "description": text,
                "headers": _HEADERS,
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
            }
            for name in words
            for status, text in _REFUSALS.items()
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "basic": {"type": "http", "scheme": "basic", "description": "With the key as the password."},
        },
    }


def get(id: str, summary: str, content: Document, *refusals: int, locked: bool, v2: bool = False) -> Document:
    """Describe a path that is read; ``refusals`` are those beside the ones that any path has."""
    return {"get": _operation(id, summary, content, refusals, locked=locked, v2=v2)}


def post(id: str, summary: str, body: Document, content: Document, *, locked: bool, v2: bool = False) -> Document:
    """Describe a path that predicts; ``body`` is its media type in JSON."""
    operation = _operation(id, summary, content, ASKED, locked=locked, v2=v2)
    operation |= {"parameters": _PARAMETERS, "requestBody": {"required": True, "content": {"application/json": body}}}
    return {"post": operation}


def json(properties: Document, optional: Document | None = None) -> Document:
    """Describe an answer in JSON."""
    return {"application/json": {"schema": record(properties, optional)}}


def record(properties: Document, optional: Document | None = None) -> Document:
    """Describe an object with these fields and no others."""
    return {
        "type": "object",
        "properties": properties | (optional or {}),
        "required": list(properties),
        "additionalProperties": False,
    }


def _operation(
    id: str, summary: str, content: Document, refusals: tuple[int, ...], *, locked: bool, v2: bool
) -> Document:
    refused = sorted({*_ANY, *refusals, *([401] if locked else [])})
    name = "RefusalV2" if v2 else "Refusal"
    return {
        "operationId": id,
        "summary": summary,
        "security": KEYED if locked else [],
        "responses": {
            "200": {"description": "The answer.", "headers": _HEADERS, "content": content},
            **{str(status): {"$ref": f"#/components/responses/{name}{status}"} for status in refused},
        },
    }
