"""Views as HTML. Jinja2 escapes everything; a link must be http or https."""

from __future__ import annotations

from functools import cache
from importlib import resources
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from .views import Badge, Card, Code, Link, Table, View, figure


def render(view: View) -> str:
    """Draw a card or a table as an HTML fragment that carries its own style.

    Returns
    -------
    str
        Every name, tag and value in it is escaped.
    """
    return _template().render(view=view).strip()


def safe_link(href: str | None) -> str | None:
    """Let only web addresses through: ``javascript:`` and ``data:`` are text."""
    return href if href and urlsplit(href).scheme in ("http", "https") else None


def _kind(value: object) -> str:
    kinds = {Badge: "badge", Link: "link", Code: "code", Card: "card", Table: "table"}
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
    environment.filters.update(figure=figure, kind=_kind, safe_link=safe_link)
    environment.globals["style"] = Markup(resources.files(__package__).joinpath("templates/style.css").read_text())  # noqa: S704 - our own file
    return environment.get_template("view.html.j2")
