"""Markdown: names and values as text in it, whatever they are, and Markdown as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .views import figure

if TYPE_CHECKING:
    from jinja2 import Template
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

# What means something within a line; an underscore only where it is not within a word; GitHub makes
# links of bare addresses. At the beginning of a line: lists, quotes, rules and underlines of headings.
_WITHIN = re.compile(r"[\\`*\[\]<|~&$#]|(?<![^\W_])_|_(?![^\W_])|(?<=\w):(?=//)|(?<=www)\.")
_AT_BEGIN = re.compile(r"^(\d{0,9})([-+.)](?=\s|$)|[-=](?=[-=\s]*$)|>)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Raw(str):
    """Markdown that is meant as such, and not escaped."""

    __slots__ = ()


def escape(value: object) -> str:
    """Write a value as text of one line: nothing in it is Markdown or HTML, in a table or elsewhere."""
    if isinstance(value, Raw):
        return value
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(figure(value).split()))
    return _AT_BEGIN.sub(r"\1\\\2", _WITHIN.sub(r"\\\g<0>", text))


def template(package: str, name: str) -> Template:
    """Get a Markdown template of a package, in which every value is escaped unless it is ``Raw``."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - it writes no HTML, and escapes as Markdown asks for
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        finalize=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def to_html(text: str) -> str:
    """Draw Markdown, with tables; HTML in it is shown as text, and a script's address is no link.

    A picture that another server would have to give is named instead: asking for it would tell who reads.
    """
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    reader.add_render_rule("image", _image)
    drawn = reader.render(text)
    return str(drawn).replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")


def _image(renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
    source = str(tokens[place].attrGet("src"))
    parts = urlsplit(source)
    if parts.scheme == "data" or not (parts.scheme or parts.netloc):
        return renderer.image(tokens, place, options, env)
    shown = renderer.renderInlineAsText(tokens[place].children, options, env)
    return html.escape(f"{shown} ({source})".strip())
