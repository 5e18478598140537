"""The cells that this kernel has run, in order: what each needs, gives and changes."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

# Cell magics whose body is Python that runs in the notebook's namespace.
_OF_PYTHON = re.compile(r"^\s*%%(mlops|time|timeit|capture|prun)\b.*\n")
# Lines that are ours, only show something, or are told by the environment: nothing later needs them.
_NOT_NEEDED = re.compile(
    r"^\s*(\w+\s*=\s*)?(%mlops\b|%(load_ext|reload_ext|autoreload|matplotlib|config|time|timeit|who|whos|pwd|history|pinfo\w*)\b"
    r"|[!%]\s*(pip|conda|mamba|uv)\b|.*\?\??\s*$)"
)
# Methods that change what they are called on; the first ones give something else each time.
_GROWING = frozenset(["append", "extend", "insert", "partial_fit", "pop", "popitem", "reverse", "shuffle"])
_MUTATING = _GROWING | frozenset(
    [
        "add",
        "clear",
        "drop_duplicates",
        "fit",
        "fit_predict",
        "fit_transform",
        "remove",
        "set_params",
        "setdefault",
        "sort",
        "update",
    ]
)
_DOING_ANYTHING = frozenset(
    [
        "exec",
        "get_ipython",
        "manual_seed",
        "manual_seed_all",
        "seed",
        "seed_everything",
        "set_config",
        "set_option",
        "set_random_seed",
        "use",
    ]
)
_BUILTIN = frozenset([*dir(builtins), "get_ipython"])
_ONLY_SHOWING = frozenset(["print", "display", "help", "len", "type"])


@dataclass(frozen=True)
class Cell:
    """A cell that was run.

    Attributes
    ----------
    number : int
        Its execution count, as in ``In [3]``.
    source : str
        As it was typed.
    at : float
        When it ended, in seconds since the epoch; 0 where that is not known.
    failed : bool
    """

    number: int
    source: str
    at: float = 0.0
    failed: bool = False

    @property
    def body(self) -> str:
        """Its Python: without the magic that it is the body of, and without lines that nothing needs."""
        lines = _OF_PYTHON.sub("", self.source, count=1).splitlines()
        return "\n".join(line for line in lines if not _NOT_NEEDED.match(line))

    @cached_property
    def names(self) -> Names:
        """What it needs, gives and changes."""
        return Names.of(self.body)


@dataclass(frozen=True)
class Names:
    """The names of a cell.

    Attributes
    ----------
    used, bound, changed : frozenset of str
        Read when the cell runs; given a value; changed in place, such as ``rows.append(1)``.
    later : frozenset of str
        Read by its functions, when they are called.
    surely : frozenset of str
        Of the bound ones, those whose value before does not matter.
    grown : frozenset of str
        Those that are something else when the cell runs again: ``n += 1``, ``rows.append(1)``.
    anything : bool
        It may have done anything: ``from x import *``, ``%run``, ``!command``, a seed or an option set, not Python.
    """

    used: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    surely: frozenset[str] = frozenset()
    grown: frozenset[str] = frozenset()
    anything: bool = False

    @classmethod
    def of(cls, source: str) -> Names:
        """Read a piece of Python, with IPython's lines in it."""
        from IPython.core.inputtransformer2 import TransformerManager

        try:
            python = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
            tree = ast.parse(python)
            table = symtable.symtable(_without_top_level_await(python), "<cell>", "exec")
        except (SyntaxError, ValueError):
            return cls(anything=bool(source.strip()))
        used, later, bound = _of_scopes(table)
        surely = {name for statement in tree.body for name in _bound_by(statement)} - _read_first(tree)
        anything = any(
            (isinstance(node, ast.ImportFrom) and node.names[0].name == "*")
            or (isinstance(node, ast.Call) and _called(node) in _DOING_ANYTHING)
            for node in ast.walk(tree)
        )
        return cls(
            frozenset(used - _BUILTIN),
            frozenset(bound),
            frozenset(_changed(tree)),
            frozenset(later - _BUILTIN),
            frozenset(surely),
            frozenset(_grown(tree)) - surely,
            anything,
        )


def needed(cells: Sequence[Cell], target: Cell) -> list[Cell]:
    """Choose the cells that a cell needs, in the order in which they ran.

    Read backwards: a cell is needed that gives or changes a name that is needed after it.
    When in doubt it is taken: one too many costs time, one too few the result.
    """
    earlier = [cell for cell in cells if cell.number < target.number and not cell.failed]
    chosen = [target]
    while True:
        # What a function reads is looked up when it is called: a cell below the function may have given it.
        late = frozenset().union(*(cell.names.later for cell in chosen))
        before, chosen = chosen, [*_needed(earlier, target.names.used | late), target]
        if len(chosen) == len(before):
            return chosen[:-1]


def _needed(earlier: Sequence[Cell], names: frozenset[str]) -> list[Cell]:
    wanted = set(names)
    chosen: list[Cell] = []
    for cell in reversed(earlier):
        given = cell.names
        if given.anything or wanted & (given.bound | given.changed):
            chosen.append(cell)
            wanted -= given.surely
            wanted |= given.used
    return chosen[::-1]


class Recorder:
    """Note when each cell ended, and whether it failed: IPython's history does not say."""

    def __init__(self) -> None:
        self._ended: dict[int, tuple[float, bool]] = {}

    def __call__(self, result: Any) -> None:
        """Take note; IPython calls this after each cell."""
        if result.info is not None and result.info.store_history and result.execution_count:
            self._ended[result.execution_count] = time.time(), not result.success

    def cells(self, ip: Any) -> list[Cell]:
        """List the cells so far, the running one last."""
        sources = ip.history_manager.input_hist_raw
        return [
            Cell(number, source, *self._ended.get(number, ()))
            for number, source in enumerate(sources)
            if number and source.strip()
        ]


recorder = Recorder()


def _without_top_level_await(python: str) -> str:
    """Let ``symtable`` read a cell that awaits: it knows no such modules."""
    return re.sub(r"\bawait\b|\basync\b(?=\s+(?:for|with)\b)", "", python)


def _of_scopes(table: symtable.SymbolTable) -> tuple[set[str], set[str], set[str]]:
    """Collect what the cell reads when it runs, what its functions read later, and what it binds."""
    used: set[str] = set()
    later: set[str] = set()
    bound: set[str] = set()
    for symbol in table.get_symbols():
        if table.get_type() == "module" or symbol.is_global():
            if symbol.is_referenced():
                used.add(symbol.get_name())
            if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                bound.add(symbol.get_name())
    for child in table.get_children():
        now, then, given = _of_scopes(child)
        is_function = child.get_type() == "function" and not child.get_name().endswith(("comp", "genexpr"))
        used |= set() if is_function else now
        later |= then | (now if is_function else set())
        bound |= given
    return used, later, bound


def _bound_by(statement: ast.stmt) -> Iterator[str]:
    """Name what a statement of the cell's top level binds in any case."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            yield from (
                node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            )


def _read_first(tree: ast.Module) -> set[str]:
    """Name what the cell reads before it binds it, such as the ``x`` of ``x = x + 1``."""
    bound: set[str] = set()
    read: set[str] = set()
    for statement in tree.body:
        loaded = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and _reads(node, statement)}
        read |= loaded - bound
        bound |= set(_bound_by(statement))
    return read


def _reads(name: ast.Name, statement: ast.stmt) -> bool:
    return isinstance(name.ctx, ast.Load) or isinstance(statement, ast.AugAssign)


def _changed(tree: ast.Module) -> Iterator[str]:
    """Name what the cell changes in place, as far as one can tell from the text."""
    last = tree.body[-1] if tree.body else None
    for statement in tree.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
                yield from _root(node)
            elif isinstance(node, ast.Call) and _is_mutating(node):
                yield from _root(node.func)
        called = statement.value if isinstance(statement, ast.Expr) else None
        # A call whose value nobody takes is there for what it does; that of the last line is shown.
        if isinstance(called, ast.Call) and statement is not last and _called(called) not in _ONLY_SHOWING:
            for argument in (called.func, *called.args):
                yield from _root(argument)


def _grown(tree: ast.Module) -> Iterator[str]:
    """Name what is made of itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign):
            yield from _root(node.target)
        elif isinstance(node, ast.Assign):
            read = {ast.unparse(part) for part in ast.walk(node.value) if isinstance(part, ast.expr)}
            for target in node.targets:
                if ast.unparse(target) in read:
                    yield from _root(target)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _GROWING:
            yield from _root(node.func)


def _is_mutating(call: ast.Call) -> bool:
    inplace = any(k.arg == "inplace" and getattr(k.value, "value", False) is True for k in call.keywords)
    return inplace or (isinstance(call.func, ast.Attribute) and call.func.attr in _MUTATING)


def _called(call: ast.Call) -> str:
    """Name the function or method that is called."""
    return str(getattr(call.func, "id", "") or getattr(call.func, "attr", ""))


def _root(node: ast.expr) -> Iterator[str]:
    """Name the variable at the root of ``a.b[0].c``."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id
