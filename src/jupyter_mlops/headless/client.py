"""nbclient, which keeps no more of what a cell shows than it may."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode

from ..display import bytes_of

_MOST_OF_A_TRACEBACK = 200_000
_FRAME = 200  # bytes of an output besides what it shows: a million of one digit each are not a megabyte
_VIEW = "application/vnd.jupyter.widget-view+json"
_SMALL = 1_000  # characters of a widget's state that are not worth counting


class Client(NotebookClient):
    """Run cells; of the outputs of each only ``most_output`` bytes are kept.

    What goes beyond is dropped as it comes: a cell that prints without end costs time, not memory. A cell that is in
    ``hidden`` is run with that source, and keeps its own: a secret reaches the kernel, and not the notebook.
    """

    def __init__(self, book: Any, *, most_output: float, hidden: Mapping[int, str], **options: Any) -> None:
        super().__init__(book, store_widget_state=True, **options)
        self._most_output = most_output
        self._hidden = hidden
        self._kept: dict[int, float] = {}
        self._dropped: dict[int, float] = {}
        self._pieces: list[tuple[NotebookNode, list[str]]] = []
        self._states: dict[tuple[str, ...], int] = {}
        self._without: set[str] = set()  # the widgets there was no room for
        self._of_states = 0

    def dropped(self, cell_index: int) -> str:
        """Say what of a cell's outputs was left out; empty as a rule."""
        lost = self._dropped.get(cell_index, 0)
        return (
            f"{bytes_of(lost)} of its output left out, over the limit of {bytes_of(self._most_output)}" if lost else ""
        )

    async def async_execute_cell(self, cell: Any, cell_index: int, *args: Any, **named: Any) -> NotebookNode:
        """Run a cell, counting its output from nothing."""
        self._kept[cell_index] = self._dropped[cell_index] = 0
        shown = cell.source
        cell.source = self._hidden.get(cell_index, shown)
        try:
            return await super().async_execute_cell(cell, cell_index, *args, **named)
        finally:
            cell.source = shown
            self._settle()
            cell.outputs = _joined(cell.get("outputs", []))
            for output in cell.outputs if self._without else ():
                view = output.get("data", {}).get(_VIEW)
                if view and self._lacks(view["model_id"], set()):  # it would say "Loading widget…" for ever
                    del output["data"][_VIEW]

    def output(self, outs: Any, msg: Any, display_id: str | None, cell_index: int) -> NotebookNode | None:
        """Take an output in, or what of it there is room for."""
        content = msg["content"]
        if msg["msg_type"] == "error":
            content["traceback"] = [str(line)[:_MOST_OF_A_TRACEBACK] for line in content.get("traceback", [])]
            return super().output(outs, msg, display_id, cell_index)
        is_stream = msg["msg_type"] == "stream"
        size = _size(content) + (0 if is_stream else _FRAME)
        room = self._most_output - self._kept.get(cell_index, 0)
        if size > room:
            kept = max(0, int(room)) if is_stream else 0
            self._kept[cell_index] = self._kept.get(cell_index, 0) + kept
            self._dropped[cell_index] = self._dropped.get(cell_index, 0) + size - kept
            if not kept:
                return None
            content["text"] = content["text"][:kept]
        else:
            self._kept[cell_index] = self._kept.get(cell_index, 0) + size
        if is_stream and self._goes_on(outs, msg):
            self._pieces_of(outs[-1]).append(content["text"])
            return None
        return super().output(outs, msg, display_id, cell_index)

    def _goes_on(self, outs: Any, msg: Any) -> bool:
        """Whether what is written to a stream goes on where it was: an output for each piece would be many times its size."""
        if self.clear_before_next_output or self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            return False
        return bool(outs) and outs[-1].output_type == "stream" and outs[-1].name == msg["content"]["name"]

    def _pieces_of(self, output: NotebookNode) -> list[str]:
        """Give what has been written to a stream, newest streams first; a cell has few."""
        for node, pieces in reversed(self._pieces):
            if node is output:
                return pieces
        self._pieces.append((output, [output.text]))
        return self._pieces[-1][1]

    def _settle(self) -> None:
        """Put the pieces of each stream together."""
        for node, pieces in self._pieces:
            node.text = "".join(pieces)
        self._pieces.clear()

    def handle_comm_msg(self, outs: Any, msg: Any, cell_index: int) -> None:
        """Keep the state of a widget, where there is room for it: that of all widgets is limited as a cell's output is."""
        sizes = dict(_states(msg))
        more = sum(size - self._states.get(place, 0) for place, size in sizes.items())
        fits = self._of_states + more <= self._most_output
        if fits:
            self._states |= sizes
            self._of_states += more
        else:
            self._dropped[cell_index] = self._dropped.get(cell_index, 0) + sum(sizes.values())
            if msg["msg_type"] == "comm_open":
                self._without.add(msg["content"]["comm_id"])
        self.store_widget_state = fits
        super().handle_comm_msg(outs, msg, cell_index)

    def _lacks(self, model: str, seen: set[str]) -> bool:
        """Whether a widget is not there, or one that stands in it."""
        if model in self._without:
            return True
        seen.add(model)
        inner = re.findall(r"IPY_MODEL_([\w-]+)", json.dumps(self.widget_state.get(model, {}), default=str))
        return any(self._lacks(each, seen) for each in inner if each not in seen)

    def clear_output(self, outs: Any, msg: Any, cell_index: int) -> None:
        """Clear what a cell has shown; there is room again."""
        self._kept[cell_index] = 0
        self._settle()
        super().clear_output(outs, msg, cell_index)

    def _update_display_id(self, display_id: str, msg: Any) -> None:
        if _size(msg["content"]) <= self._most_output:
            super()._update_display_id(display_id, msg)


def _joined(outputs: list[Any]) -> list[Any]:
    """Join what was written to one stream piece by piece, with its progress bars as a terminal shows them at last.

    nbclient can do it too, in a time that grows with the square of the output.
    """
    found: list[Any] = []
    for is_stream, group in itertools.groupby(outputs, lambda output: output.output_type == "stream"):
        pieces = list(group)
        if not is_stream:
            found += pieces
            continue
        for name in dict.fromkeys(piece.name for piece in pieces):
            first = next(piece for piece in pieces if piece.name == name)
            first.text = _as_shown("".join(piece.text for piece in pieces if piece.name == name))
            found.append(first)
    return found


def _as_shown(text: str) -> str:
    if "\r" in text:
        text = re.sub(r"[^\n]*\r(?=[^\r\n])", "", text.replace("\r\n", "\n"))
    while "\b" in text:
        before, text = text, re.sub(r"[^\n\b]\x08", "", text)
        if text == before:
            return text.replace("\b", "")
    return text


def _states(msg: Any) -> Iterator[tuple[tuple[str, ...], int]]:
    """Measure what is long in the state of a widget, as JSON has it, and what comes beside it as bytes."""
    content = msg["content"]
    said = content.get("data") or {}
    for name, value in (said.get("state") or {}).items():
        size = len(value) if isinstance(value, str) else len(json.dumps(value, default=str))
        if size > _SMALL:
            yield (content["comm_id"], str(name)), size
    for path, buffer in zip(said.get("buffer_paths") or [], msg.get("buffers") or [], strict=False):
        yield (content["comm_id"], *map(str, path)), len(buffer)


def _size(content: dict[str, Any]) -> int:
    return len(content.get("text", "")) + sum(len(str(value)) for value in content.get("data", {}).values())
