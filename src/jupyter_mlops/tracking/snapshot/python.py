"""A cell as the Python that it runs: its magics opened, as far as they are known here."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable

# Cell magics whose body, and line magics whose words, are Python that runs in the notebook's namespace.
_OF_PYTHON = frozenset(["mlops", "time", "capture", "prun"])
# They run it in a namespace of its own.
_APART = frozenset(["timeit"])
# They only show something, or say how it is shown: nothing later needs them.
_SHOWING = frozenset(
    ["autoreload", "config", "history", "lsmagic", "matplotlib", "pdoc", "pinfo", "pinfo2", "psource", "pwd", "who", "whos",
     "html", "HTML", "javascript", "js", "latex", "markdown", "svg"]
)  # fmt: skip
_OURS = re.compile(r"\s*(jupyter_mlops|autoreload)\s*")
_INSTALLING = re.compile(r"\s*(?:\S*python\S*\s+-m\s+)?(?:pip3?|conda|mamba|uv)\b")
# What IPython fills in: !ls {folder} or $folder.
_FILLED_IN = re.compile(r"[{$]\s*([^\W\d]\w*)")


def parse(source: str) -> ast.Module | None:
    """Read a cell; None where it is no Python.

    What a known magic runs stands in its place, what it only shows is left out, and the variables that one of
    ours names are read. What is left of ``get_ipython()`` may do anything.
    """
    try:
        return ast.fix_missing_locations(_Opening().visit(ast.parse(_transformed(source))))  # type: ignore[no-any-return]
    except (SyntaxError, ValueError, RecursionError):
        return None


def without_installs(source: str) -> str:
    """Write a cell without the lines that install packages: the environment of the user is left as it is."""
    lines = source.lstrip().splitlines()
    if lines and lines[0].startswith("%%"):
        body = without_installs("\n".join(lines[1:]))
        return source if body == "\n".join(lines[1:]) else f"{lines[0]}\n{body}"
    try:
        python = _transformed(source)
        tree = ast.parse(python)
    except (SyntaxError, ValueError):
        return source
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _installs(node)]
    if not calls:
        return source
    written = python.encode().splitlines(keepends=True)  # ast counts in bytes
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset), reverse=True):
        assert call.end_lineno is not None
        before = written[call.lineno - 1][: call.col_offset]
        after = written[call.end_lineno - 1][call.end_col_offset :]
        written[call.lineno - 1 : call.end_lineno] = [before + b"None" + after]
    return b"".join(written).decode()


def written_files(source: str) -> list[tuple[str, str]]:
    """List the files that a cell writes with ``%%writefile``: the name, and the body."""
    first, _, body = source.lstrip().partition("\n")
    words = first.split()
    if words[:1] not in (["%%writefile"], ["%%file"]):
        return []
    return [(word.strip("'\""), body) for word in words[1:] if not word.startswith("-")]


def _transformed(source: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]


class _Opening(ast.NodeTransformer):
    """Puts what a magic runs in the place of its call."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        """Open a magic that stands alone."""
        found = _magic(node.value)
        return self.generic_visit(node) if found is None else _statements(*found) or ast.Pass()

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Open a magic whose value is taken."""
        found = _magic(node)
        if found is None:
            return self.generic_visit(node)
        statements = _statements(*found)
        value = statements[0].value if len(statements) == 1 and isinstance(statements[0], ast.Expr) else None
        return value or (node if statements else ast.Constant(None))


def _magic(node: ast.AST) -> tuple[str, list[str]] | None:
    """Take apart ``get_ipython().method('word', …)`` as IPython writes it."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Call)
        and getattr(node.func.value.func, "id", "") == "get_ipython"
        and all(isinstance(word, ast.Constant) and isinstance(word.value, str) for word in node.args)
    ):
        return node.func.attr, [str(word.value) for word in node.args if isinstance(word, ast.Constant)]
    return None


def _installs(call: ast.Call) -> bool:
    method, words = _magic(call) or ("", [])
    line = " ".join(words) if method == "run_line_magic" else words[0] if words else ""
    return method in ("system", "getoutput", "run_line_magic") and bool(_INSTALLING.match(line))


def _statements(method: str, words: list[str]) -> list[ast.stmt]:
    """Say in Python what a magic does: nothing, where it only shows something."""
    whole: ast.stmt = ast.Expr(
        ast.Call(
            ast.Attribute(ast.Call(ast.Name("get_ipython", ast.Load()), [], []), method, ast.Load()),
            [ast.Constant(word) for word in words],
            [],
        )
    )
    name, line, *body = [*words, "", ""] if method != "run_cell_magic" else [*words, "", "", ""][:3]
    if method in ("system", "getoutput"):
        return [] if _INSTALLING.match(name) else [*_reading(_FILLED_IN.findall(name)), whole]
    if method not in ("run_line_magic", "run_cell_magic"):
        return [whole]
    if (
        name in _SHOWING
        or (name in ("load_ext", "reload_ext") and _OURS.fullmatch(line))
        or _INSTALLING.fullmatch(name)
    ):
        return []
    if name not in _OF_PYTHON | _APART:
        return [*_reading(_FILLED_IN.findall(line)), whole]
    before: list[ast.stmt] = []
    after: list[ast.stmt] = []
    code = body[0] if method == "run_cell_magic" else line
    if name == "mlops":
        read, into = _variables(line, cell=method == "run_cell_magic")
        before, after = _reading(read), _binding(into)
        code = body[0] if method == "run_cell_magic" else ""
    elif name == "capture":
        after = _binding([word for word in line.split() if not word.startswith("-")][:1])
    inner = parse(code)
    if inner is None:
        return [whole]
    if name in _APART:  # what it binds is not there afterwards
        return [ast.If(ast.Constant(True), inner.body, [])] if inner.body else []
    return [*before, *inner.body, *after]


def _variables(line: str, *, cell: bool) -> tuple[list[str], list[str]]:
    """Name the variables that a line of ours reads, and those that it binds; ``cell`` where a body follows it."""
    from ...command import pairs
    from ...errors import MlopsError
    from ...grammar import parse as parse_line

    try:
        invocation = parse_line(line or "status", cell=cell)
        bound = inspect.signature(invocation.command.function).bind(*invocation.args, **invocation.kwargs)
        read: list[str] = []
        for name, value in bound.arguments.items():
            slot = invocation.command.slot(name)
            if slot == "variable":
                read.append(str(value))
            elif slot == "values":
                read += map(str, pairs(value, "value").values())
    except MlopsError:  # it has failed, or is of another version: it names nothing that is known
        return [], []
    return [word for word in read if word.isidentifier()], [invocation.into] if invocation.into else []


def _reading(names: Iterable[str]) -> list[ast.stmt]:
    return [ast.Expr(ast.Name(name, ast.Load())) for name in names]


def _binding(names: Iterable[str]) -> list[ast.stmt]:
    return [ast.Assign([ast.Name(name, ast.Store())], ast.Constant(None)) for name in names]
