"""Mask the files of a snapshot: a notebook cell by cell, a diff without its column of signs, other text as it is."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from .masking import Finding, mask


def mask_file(name: str, text: str, known: Collection[str] = ()) -> tuple[str, tuple[Finding, ...]]:
    """Mask the secrets in a file, by the ending of its name; see `mask`.

    What goes over several lines of code is found in the code only: in JSON and beside signs it looks otherwise.
    """
    if name.endswith(".ipynb"):
        return _notebook(text, known)
    return _diff(text, known) if name.endswith(".diff") else mask(text, known)


def _notebook(text: str, known: Collection[str]) -> tuple[str, tuple[Finding, ...]]:
    findings: list[Finding] = []
    try:
        content = json.loads(text)
        for cell in content["cells"]:
            cell["source"] = _source(cell["source"], known, findings)
        text = json.dumps(content, indent=1, ensure_ascii=False)
    except (ValueError, KeyError, TypeError):
        pass  # a broken one is masked as the text that it is
    masked, more = mask(text, known)  # names of files, metadata, Markdown's attachments
    return masked, tuple(findings) + more


def _source(source: Any, known: Collection[str], findings: list[Finding]) -> Any:
    masked, found = mask(source if isinstance(source, str) else "".join(source), known)
    findings += found
    return masked if isinstance(source, str) else masked.splitlines(keepends=True)


def _diff(text: str, known: Collection[str]) -> tuple[str, tuple[Finding, ...]]:
    lines = text.split("\n")
    masked, findings = mask("\n".join(line[1:] for line in lines), known)
    return "\n".join(f"{line[:1]}{code}" for line, code in zip(lines, masked.split("\n"), strict=True)), findings
