"""What came of what: data, runs, versions, aliases and endpoints, as a tree and as a picture."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ..display import Card, Cell, Picture, View, layers, plots
from ..errors import NotFound
from ..result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Kind = Literal["data", "run", "version", "alias", "endpoint"]

KINDS: tuple[Kind, ...] = ("data", "run", "version", "alias", "endpoint")
_PLURALS = ("data sets", "runs", "versions", "aliases", "endpoints")
_MOST_BOXES = 30
_MOST_LINES = 80
_PLAIN = ("", "registered", "alias", "serves")  # from what they join; the others are said


@dataclass(frozen=True)
class Node:
    """One thing.

    Attributes
    ----------
    id : str
        As it is typed: ``data:4f76…``, ``run:3f2a…``, ``tumour/2``, ``tumour@champion``; ``endpoint tumour``.
    kind : str
    name, detail : str
        What people call it, and what tells it from others of that name.
    at : float
        When it came to be, in seconds since the epoch.
    note : str
        What else a person should know, such as ``deleted``.
    """

    id: str
    kind: Kind
    name: str
    detail: str = ""
    at: float = 0.0
    note: str = ""

    def __str__(self) -> str:
        kind = "" if self.kind in ("version", "alias") else f"{self.kind} "
        return kind + " · ".join(filter(None, (self.name, self.detail, self.note)))


@dataclass(frozen=True)
class Edge:
    """From ``source`` came ``target``; ``how`` says in which way, such as ``features`` or ``registered``."""

    source: str
    target: str
    how: str


@dataclass(frozen=True, repr=False)
class Lineage(Result):
    """Where something came from, and what became of it.

    Attributes
    ----------
    subject : str
        What was asked for.
    roots : tuple of str
        The ids of the nodes that it is.
    nodes : tuple of Node
        Newest first.
    edges : tuple of Edge
    gaps : tuple of str
        What is not known.
    """

    subject: str
    roots: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    gaps: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.nodes)

    def frame(self) -> pd.DataFrame:
        """Give a row for each edge."""
        import pandas as pd

        rows = [
            {
                "source_kind": self._by_id[edge.source].kind,
                "source": edge.source,
                "source_name": self._by_id[edge.source].name,
                "how": edge.how,
                "target_kind": self._by_id[edge.target].kind,
                "target": edge.target,
                "target_name": self._by_id[edge.target].name,
            }
            for edge in self.edges
        ]
        names = ("source_kind", "source", "source_name", "how", "target_kind", "target", "target_name")
        return pd.DataFrame(rows, columns=names)

    def plot(self) -> Figure:
        """Draw data, runs, versions, aliases and endpoints from left to right; of many the newest.

        Raises
        ------
        NotFound
            Where nothing is joined to anything.
        """
        if not self.edges:
            raise NotFound(f"Nothing is known that {self.subject} came from, or that came of it.")
        chosen = self._newest()
        boxes = {
            node.id: layers.Box(KINDS.index(node.kind), node.name, node.detail, node.id in self.roots)
            for node in self.nodes
            if node.id in chosen
        }
        lines = [(edge.source, edge.target) for edge in self.edges if {edge.source, edge.target} <= chosen]
        left_out = len(self.nodes) - len(boxes)
        return layers.draw(boxes, lines, KINDS, f"{left_out} more: .frame()" if left_out else "")

    def view(self) -> View:
        """Draw the tree and the picture."""
        counts = Counter(node.kind for node in self.nodes)
        told = [f"{counts[kind]:,} {many if counts[kind] > 1 else _one(kind)}" for kind, many in zip(KINDS, _PLURALS, strict=True) if counts[kind]]  # fmt: skip
        facts: list[tuple[str, Cell]] = [("in all", ", ".join(told)), *(("not known", gap) for gap in self.gaps)]
        return Card(f"Lineage of {self.subject}", facts=facts, text=self.tree(), pictures=self._pictures())

    def tree(self) -> str:
        """Write what came from where: ``←`` is where something came from, ``→`` what became of it."""
        lines = [line for root in self.roots for line in self._lines(root)]
        more = len(lines) - _MOST_LINES
        return "\n".join([*lines[:_MOST_LINES], *([f"… {more} more lines: .frame()"] if more > 0 else [])])

    def outline(self) -> Iterator[tuple[int, str]]:
        """Give the lines of the tree as text alone, each with how deep it stands."""
        for root in self.roots:
            yield 0, str(self._by_id[root])
            yield from _outlined([*self._branches(root, back=True), *self._branches(root, back=False)], 1)

    @cached_property
    def _by_id(self) -> dict[str, Node]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def _ways(self) -> dict[tuple[str, bool], list[tuple[str, str]]]:
        """Where one gets from a node, back or on, and how."""
        found: dict[tuple[str, bool], list[tuple[str, str]]] = defaultdict(list)
        for edge in self.edges:
            found[edge.source, False].append((edge.target, edge.how))
            found[edge.target, True].append((edge.source, edge.how))
        return found

    def _lines(self, root: str) -> Iterator[str]:
        yield str(self._by_id[root])
        branches = [*self._branches(root, back=True), *self._branches(root, back=False)]
        yield from _drawn(branches)

    def _branches(self, of: str, *, back: bool) -> list[Branch]:
        """Follow the edges one way only: what else came of the same data is another question."""
        found = []
        for there, how in self._ways.get((of, back), ()):
            said = f" ({how})" if how not in _PLAIN else ""
            found.append(Branch(f"{'←' if back else '→'} {self._by_id[there]}{said}", self._branches(there, back=back)))
        return found

    def _newest(self) -> set[str]:
        """Choose what is drawn: versions that somebody points at, then the newest, each with where it came from."""
        live = {edge.source for edge in self.edges if edge.how in ("alias", "serves")}
        order = sorted(self.nodes, key=lambda node: (node.id not in self.roots[:1], node.id not in live, -node.at))
        chosen: set[str] = set()
        for node in order:
            whole = {node.id, *self._reached(node.id, back=True), *self._reached(node.id, back=False, far=False)}
            if len(chosen | whole) <= _MOST_BOXES:
                chosen |= whole
        return chosen or {node.id for node in order[:_MOST_BOXES]}

    def _reached(self, of: str, *, back: bool, far: bool = True) -> set[str]:
        found = {there for there, _ in self._ways.get((of, back), ())}
        return found.union(*(self._reached(each, back=back) for each in found)) if far else found

    def _pictures(self) -> Sequence[Picture]:
        if not self.edges:
            return ()
        names = (str(self._by_id[root]) for root in self.roots[:3])
        return [plots.picture(self.plot(), f"from data to endpoint: {', '.join(names)}")]


@dataclass(frozen=True)
class Branch:
    """A line of the tree, and what hangs on it."""

    text: str
    below: list[Branch]


def _drawn(branches: Sequence[Branch], indent: str = "") -> Iterator[str]:
    for number, branch in enumerate(branches, start=1):
        is_last = number == len(branches)
        yield f"{indent}{'└─ ' if is_last else '├─ '}{branch.text}"
        yield from _drawn(branch.below, indent + ("   " if is_last else "│  "))


def _outlined(branches: Sequence[Branch], depth: int) -> Iterator[tuple[int, str]]:
    for branch in branches:
        yield depth, branch.text
        yield from _outlined(branch.below, depth + 1)


def _one(kind: Kind) -> str:
    return "data set" if kind == "data" else kind
