"""Replace what is secret in a text, and collect the secrets that a notebook knows."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .assignments import assigned
from .formats import formatted
from .names import holds_address, is_random, kind_of, names_secret
from .scan import Span, find_all

_MASK: Final = "***"
_SHORTEST: Final = 6  # what is shorter stands in too many innocent words to be searched for
_LONG: Final = 16  # random characters of this length are no word that stands elsewhere by chance
_MOST_AGAIN: Final = 200  # each costs a search of the whole text
_LONGEST: Final = 20_000  # what is longer is data


@dataclass(frozen=True)
class Finding:
    """A secret that was masked.

    Parameters
    ----------
    kind
        What it is, such as "AWS access key", "value of API_KEY", "password in a URL".
    line
        The line of the text that it stands in, from 1. Nothing of the secret itself: findings are stored.
    """

    kind: str
    line: int


def mask(text: str, known: Collection[str] = ()) -> tuple[str, tuple[Finding, ...]]:
    """Replace each secret in a text by ``***``; quotes, names and lines stay as they are.

    Parameters
    ----------
    text
        Python, magics, shell lines, a notebook's JSON, a diff, a lock file, a URL.
    known
        Values that are secret wherever they occur (see `secret_values`); those under 6 characters are left out.

    Returns
    -------
    tuple
        The masked text, and what was masked, in the order of the text.
    """
    parts: list[str] = []
    findings = []
    done, line = 0, 1
    spans = [*_known(text, known), *_found(text)]
    for start, end, kind in _merged(text, [*spans, *_again(text, spans)]):
        parts += text[done:start], _MASK
        line += text.count("\n", done, start)
        if kind:
            findings.append(Finding(kind, line))
        done = end
    return "".join([*parts, text[done:]]), tuple(findings)


def mask_pairs(pairs: Mapping[str, Any], known: Collection[str] = ()) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """Write parameters or tags as text, and mask those that are secrets by their name or by their value.

    Returns
    -------
    dict of str to str, tuple of Finding
    """
    written: dict[str, str] = {}
    findings: list[Finding] = []
    for name, value in pairs.items():
        _, found = mask(f"{name} = {str(value)!r}", known)
        written[name] = _MASK if found else str(value)
        findings += found
    return written, tuple(findings)


def mask_texts(tree: Any, known: Collection[str] = ()) -> Any:
    """Mask the secrets in all texts of a tree of plain dicts and lists; its keys and its numbers stay.

    All are masked at once, each a line of its own: one by one, thousands of texts would take seconds.
    """
    texts = list(dict.fromkeys(_texts(tree)))
    lines = mask("\n".join(json.dumps(text, ensure_ascii=False) + ";" for text in texts), known)[0].split("\n")
    masked = {text: json.loads(line[:-1]) for text, line in zip(texts, lines, strict=True)}
    return _replaced(tree, masked)


def secret_values(namespace: Mapping[str, Any], environ: Mapping[str, str]) -> frozenset[str]:
    """Collect the values whose names say that they are secret, for `mask` to find them wherever they occur.

    Only plain ``str``, ``bytes``, ``dict`` (one level deep) and pydantic's ``SecretStr`` and ``SecretBytes`` are
    looked at: no code of an unknown object runs.

    Parameters
    ----------
    namespace
        The notebook's variables.
    environ
        The environment of the process.
    """
    variables = [*environ.items(), *namespace.items()]
    # A list first: another thread may write to a dict of the user's while it is read.
    entries = [entry for _, value in variables if type(value) is dict for entry in list(value.items())]
    secrets = {secret for name, value in variables for secret in _secrets_in(name, value, entry=False)}
    return frozenset(
        secrets.union(secret for name, value in entries for secret in _secrets_in(name, value, entry=True))
    )


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping | list | tuple):
        for branch in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _texts(branch)


def _replaced(tree: Any, by: Mapping[str, str]) -> Any:
    if isinstance(tree, str):
        return by[tree]
    if isinstance(tree, Mapping):
        return {key: _replaced(branch, by) for key, branch in tree.items()}
    return [_replaced(branch, by) for branch in tree] if isinstance(tree, list | tuple) else tree


def _found(text: str) -> list[Span]:
    return [*formatted(text), *assigned(text)]


def _again(text: str, spans: Collection[Span]) -> Iterator[Span]:
    """Find a secret in other places too, where it stands for itself: ``from_key("0x…")``, and ``key = "0x…"`` below."""
    values = dict.fromkeys(text[start:end] for start, end, _ in spans if _LONG <= end - start <= _LONGEST)
    taken = {span.start for span in spans}
    for value in filter(is_random, list(values)[:_MOST_AGAIN]):
        for start in find_all(text, value):
            if start not in taken:
                yield Span(start, start + len(value), "known secret")


def _known(text: str, known: Collection[str]) -> Iterator[Span]:
    # A secret of several lines is masked line by line: the text keeps its lines.
    lines = {line.strip() for value in known for line in value.splitlines()}
    in_json = {json.dumps(line, ensure_ascii=ascii)[1:-1] for line in lines for ascii in (True, False)}
    for line in lines | in_json:
        if len(line) >= _SHORTEST:
            yield from (Span(start, start + len(line), "known secret") for start in find_all(text, line))


def _merged(text: str, spans: Iterable[Span]) -> list[Span]:
    r"""Sort spans, make one of those that overlap, and leave the ``n`` of a ``\n`` to its backslash."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(span.end, merged[-1].end))
        else:
            before = text[max(0, span.start - 20) : span.start]
            merged.append(span._replace(start=span.start + (len(before) - len(before.rstrip("\\"))) % 2))
    return merged


def _secrets_in(name: Any, value: Any, *, entry: bool) -> Iterator[str]:
    if type(name) is not str or not (kind_of(name) or holds_address(name)):
        return
    text = _plain(value)
    if text is None or not _SHORTEST <= len(text) <= _LONGEST:
        return
    if names_secret(name, text, entry=entry) and not _exists(text):
        yield text
    elif holds_address(name):
        yield from (text[start:end] for start, end, _ in _found(text) if end - start >= _SHORTEST)


def _plain(value: Any) -> str | None:
    # `type`, not `isinstance`: that one asks an object for its __class__, which may be a user's code.
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bytes:
        return bytes(value[: _LONGEST + 1]).decode(errors="replace")
    pydantic = sys.modules.get("pydantic")
    if pydantic and kind in (pydantic.SecretStr, pydantic.SecretBytes):
        return _plain(value.get_secret_value())
    return None


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False
