"""The names of a cell: what it reads, gives and changes; and what else it may do."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

from . import python
from .calls import GROWING, called, is_mutating, kind_of, root

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
_SEEDING = frozenset(name for name in _DOING_ANYTHING if "seed" in name)
_READING_ANYTHING = frozenset(["eval", "exec", "globals", "locals", "vars"])
_BUILTIN = frozenset([*dir(builtins), "get_ipython"])
# What has an effect by itself: a module that is imported, a file that is opened, a value that others may share.
_ACTING = (ast.Import, ast.ImportFrom, ast.AugAssign, ast.Delete)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


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
    reads_anything : bool
        It may have read any variable: ``eval``, ``globals()``, ``%run -i``, not Python.
    seeds : bool
        It seeds the random numbers that all share: who draws from them before, and how many, matters from then on.
    acts : bool
        It may do more than to bind its names: nothing that it calls is known to only look.
    draws : bool
        It may draw from the random numbers that all share.
    """

    used: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    surely: frozenset[str] = frozenset()
    grown: frozenset[str] = frozenset()
    anything: bool = False
    reads_anything: bool = False
    seeds: bool = False
    acts: bool = False
    draws: bool = False

    @classmethod
    def of(cls, source: str) -> Names:
        """Read a cell, with IPython's lines in it."""
        tree = python.parse(source)
        try:
            text = "" if tree is None else ast.unparse(_WithoutAwait().visit(tree))
            table = symtable.symtable(text, "<cell>", "exec")
        except (SyntaxError, ValueError):
            tree = None
        if tree is None:
            unknown = bool(source.strip())
            return cls(anything=unknown, reads_anything=unknown, acts=unknown)
        used, later, bound = _of_scopes(table)
        surely = {name for statement in tree.body for name in _bound_by(statement)} - _read_first(tree)
        calls = {called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        star = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
        kinds = {kind_of(node) for node in _executed(tree) if isinstance(node, ast.Call)}
        return cls(
            frozenset(used | _deleted(tree)) - _BUILTIN,
            frozenset(bound),
            frozenset(_changed(tree)),
            frozenset(later - _BUILTIN),
            frozenset(surely),
            frozenset(_grown(tree)) - surely,
            anything=star or bool(calls & _DOING_ANYTHING),
            reads_anything=bool(calls & _READING_ANYTHING) or _runs_unknown_magic(tree),
            seeds=bool(calls & _SEEDING),
            acts="acts" in kinds or any(_acts(node) for node in _executed(tree)) or _fits_anothers(tree),
            draws="draws" in kinds,
        )


class _WithoutAwait(ast.NodeTransformer):
    """Lets ``symtable`` read a cell that awaits at its top: it knows no such modules."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Leave functions as they are."""
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Leave functions as they are."""
        return node

    def visit_Await(self, node: ast.Await) -> ast.AST:
        """Take what is awaited for its value."""
        return self.visit(node.value)  # type: ignore[no-any-return]

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        """Take it for an ordinary loop."""
        return self.generic_visit(ast.copy_location(ast.For(node.target, node.iter, node.body, node.orelse), node))

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        """Take it for an ordinary block."""
        return self.generic_visit(ast.copy_location(ast.With(node.items, node.body), node))

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """Take it for an ordinary one."""
        node.is_async = 0
        return self.generic_visit(node)


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


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs when the cell runs: not what its functions will do."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, _FUNCTIONS):
            todo += [*getattr(node, "decorator_list", ()), *node.args.defaults, *filter(None, node.args.kw_defaults)]
        else:
            todo += ast.iter_child_nodes(node)


def _acts(node: ast.AST) -> bool:
    """Whether something that is no call has an effect beyond the names that it binds."""
    if isinstance(node, ast.Attribute | ast.Subscript):
        return not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.With | ast.AsyncWith):  # a run of ours is one by its body
        opened = [item.context_expr for item in node.items]
        return not all(isinstance(each, ast.Call) and [*root(each)] == ["mlops"] for each in opened)
    return isinstance(node, _ACTING) or bool(getattr(node, "decorator_list", None))


def _fits_anothers(tree: ast.Module) -> bool:
    """Whether an estimator is fitted that the cell has not made itself: it may have another name elsewhere."""
    made = {
        name.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and kind_of(node.value) == "draws"
        for name in node.targets
        if isinstance(name, ast.Name)
    }
    fitted = {
        name for node in _executed(tree) if isinstance(node, ast.Call) and is_mutating(node) for name in root(node.func)
    }
    return any(name not in made and not name[:1].isupper() for name in fitted)


def _runs_unknown_magic(tree: ast.Module) -> bool:
    """Whether IPython is asked for more than a program of the shell's."""
    asked = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "get_ipython"]
    shell = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("system", "getoutput") and [*root(node)] == ["get_ipython"]
    ]
    return len(asked) > len(shell)


def _deleted(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del)}


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
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            yield from root(node)
        elif isinstance(node, ast.Call) and is_mutating(node):
            yield from root(node.func)
    # A call whose value nobody takes is there for what it does.
    for node in _executed(tree):
        alone = node.value if isinstance(node, ast.Expr) else None
        if isinstance(alone, ast.Call) and kind_of(alone) == "acts":
            for argument in (alone.func, *alone.args, *(keyword.value for keyword in alone.keywords)):
                yield from root(argument)


def _grown(tree: ast.Module) -> Iterator[str]:
    """Name what is made of itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign):
            yield from root(node.target)
        elif isinstance(node, ast.Assign):
            read = {ast.unparse(part) for part in ast.walk(node.value) if isinstance(part, ast.expr)}
            for target in node.targets:
                if ast.unparse(target) in read:
                    yield from root(target)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in GROWING:
            yield from root(node.func)
