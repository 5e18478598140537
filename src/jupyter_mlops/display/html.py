"""Views as HTML. Jinja2 escapes everything; a link must be http or https."""

from __future__ import annotations

import base64
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from .markdown import to_html
from .views import Badge, Card, Code, Link, Table, Time, View, figure


def render(view: View) -> str:
    """Draw a card or a table as an HTML fragment that carries its own style.

    Returns
    -------
    str
        Every name, tag and value in it is escaped.
    """
    return _template().render(view=view).strip()


def page(view: View, title: str) -> str:
    """Draw a view as a page of its own, which follows the reader's choice of light or dark."""
    head = f"<meta charset='utf-8'><meta name='color-scheme' content='light dark'><title>{escape(title)}</title>"
    body = "<body style='font-family:system-ui,sans-serif;margin:2em'>"
    return f"<!doctype html><html lang='en'><head>{head}</head>{body}{render(view)}</body></html>\n"


def data_url(png: bytes) -> str:
    """Write a picture into the page itself: it stays when the notebook is saved, and needs no server."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def safe_link(href: str | None) -> str | None:
    """Let only web addresses through: ``javascript:`` and ``data:`` are text."""
    return href if href and urlsplit(href).scheme in ("http", "https") else None


def _markdown(text: str) -> Markup:
    return Markup(to_html(text))  # noqa: S704 - HTML within it has been escaped


def _kind(value: object) -> str:
    kinds = {Badge: "badge", Link: "link", Code: "code", Time: "time", Card: "card", Table: "table"}
    return kinds.get(type(value), "number" if isinstance(value, int | float) else "text")


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(figure=figure, kind=_kind, safe_link=safe_link, data_url=data_url, markdown=_markdown)
    environment.globals["style"] = Markup(resources.files(__package__).joinpath("templates/style.css").read_text())  # noqa: S704 - our own file
    return environment.get_template("view.html.j2")
