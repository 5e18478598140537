"""The page for people at ``/``: a form, the answer, the figures and who has answered since when.

The page is the same for every endpoint, and takes what it shows from ``/about``. It loads nothing else and nothing from
elsewhere, and its policy lets the browser run nothing but these very lines.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from .messages import Reply, Request, Route


def routes() -> dict[str, Route]:
    """Give the path."""
    page = resources.files(__package__) / "assets"
    style, script = ((page / name).read_text("utf-8") for name in ("page.css", "page.js"))
    html = (page / "page.html").read_text("utf-8").replace("/*style*/", style).replace("/*script*/", script)
    policy = {
        "default-src": "'none'",
        "script-src": _digest(script),
        "style-src": _digest(style),
        "img-src": "data:",
        "connect-src": "'self'",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'self'",
    }
    headers = (
        ("content-security-policy", "; ".join(map(" ".join, policy.items()))),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-cache"),
    )
    reply = Reply(200, html.encode(), "text/html; charset=utf-8", headers)

    async def index(request: Request) -> Reply:
        return reply

    return {"/": Route("GET", index)}


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
