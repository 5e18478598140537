"""The magics: ``%mlops COMMAND`` acts, ``%%mlops COMMAND`` acts on the body of the cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand, output_can_be_silenced

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

    from .grammar import Invocation


def load(ip: InteractiveShell) -> None:
    """Register the magics and their completion."""
    from . import completion

    ip.register_magics(MlopsMagics)
    completion.register(ip)
    ip.input_transformers_cleanup.append(await_cell)


def unload(ip: InteractiveShell) -> None:
    """Take the magics and their completion away."""
    from . import completion

    for kind in ("line", "cell"):
        ip.magics_manager.magics[kind].pop("mlops", None)
    completion.unregister(ip)
    ip.input_transformers_cleanup[:] = [t for t in ip.input_transformers_cleanup if t is not await_cell]


@magics_class
class MlopsMagics(Magics):
    """One magic, whose commands are those of the registry."""

    @no_var_expand
    @output_can_be_silenced
    @line_cell_magic
    def mlops(self, line: str, cell: str | None = None) -> Any:
        """Log, register, validate, deploy and watch models: ``%mlops help`` lists the commands."""
        invocation = self._parse(line, cell)
        if cell is None:
            return self._show(invocation, invocation.call(self._resolve()))
        context = invocation.call(self._resolve())
        context.source = cell
        with context:
            run_body(self.shell, cell)
        return self._keep(invocation, context.result)

    async def mlops_awaiting(self, line: str, cell: str) -> None:
        """Run a cell whose body awaits, in the loop that the cell itself runs in."""
        invocation = self._parse(line, cell)
        context = invocation.call(self._resolve())
        context.source = cell
        with context:
            await await_body(self.shell, cell)
        self._keep(invocation, context.result)

    def _parse(self, line: str, cell: str | None) -> Invocation:
        from . import grammar
        from .errors import InvalidUsage

        tokens = grammar.split(line)
        if any(flag in tokens for flag in grammar.HELP_FLAGS):
            tokens = ["help", *[token for token in tokens if not token.startswith("-")]]
        invocation = grammar.parse(tokens or ["status"])
        name = invocation.command.name
        if cell is None and invocation.command.cell:
            raise InvalidUsage(f"{name} acts on the body of a cell.", f"start the cell with %%mlops {line.strip()}")
        if cell is not None and not invocation.command.cell:
            raise InvalidUsage(f"{name} takes no cell.", f"%mlops {line.strip()}, and what follows in a cell of its own")
        return invocation

    def _resolve(self) -> Any:
        from .values import from_namespace

        return from_namespace(self.shell.user_ns)

    def _show(self, invocation: Invocation, result: Any) -> Any:
        if invocation.json:
            return as_json(result)
        if invocation.quiet:
            _hide(result, self.shell)
        return result

    def _keep(self, invocation: Invocation, result: Any) -> None:
        from IPython.display import display

        if invocation.into:
            self.shell.user_ns[invocation.into] = result
        if not invocation.quiet:
            display(as_json(result) if invocation.json else result)


def _documentation() -> str:
    """Answer ``%mlops?``; IPython asks an object for ``getdoc`` before it reads the docstring."""
    from .session.api import help

    return str(help())


MlopsMagics.mlops.getdoc = _documentation  # type: ignore[attr-defined]


class JsonText(str):
    """JSON that shows as it is, without the quotes of a string."""

    def __repr__(self) -> str:
        return str(self)


def as_json(result: Any) -> JsonText:
    """Write a result as JSON."""
    import json

    return JsonText(json.dumps(result.to_dict(), indent=2))


def run_body(ip: InteractiveShell, body: str) -> None:
    """Run the body as the user's own cell would run, and let its own exception through.

    IPython shows the error of the inner cell itself and returns; the outer cell would then pass.
    So its picture is held back, and shown once, by the exception when it leaves the outer cell.
    """
    with _held_traceback(ip) as held:
        result = ip.run_cell(body, store_history=False)
    _raise_error_of(result, held)


async def await_body(ip: InteractiveShell, body: str) -> None:
    """Do the same for a body that awaits."""
    with _held_traceback(ip) as held:
        result = await ip.run_cell_async(body, store_history=False, transformed_cell=ip.transform_cell(body))
    _raise_error_of(result, held)


def await_cell(lines: list[str]) -> list[str]:
    """Turn a ``%%mlops`` cell whose body awaits into one that awaits it (an input transformer).

    A magic is an ordinary function: it can't wait in the loop that the kernel already runs.
    """
    import ast

    if not lines or not lines[0].startswith("%%mlops ") or not any("await" in line or "async" in line for line in lines):
        return lines
    body = "".join(lines[1:])
    try:
        compile(body, "<cell>", "exec")
    except SyntaxError:
        try:
            compile(body, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError:
            return lines
        magics = f"get_ipython().magics_manager.registry[{MlopsMagics.__name__!r}]"
        return [f"await {magics}.mlops_awaiting({lines[0][len('%%mlops ') :].strip()!r}, {body!r})\n"]
    return lines


class _held_traceback:
    """Keep what the inner cell would show of an error, instead of showing it."""

    def __init__(self, ip: InteractiveShell) -> None:
        self.ip = ip
        self.lines: list[str] | None = None

    def __enter__(self) -> _held_traceback:
        self.ip._showtraceback = self._keep  # type: ignore[method-assign]
        return self

    def _keep(self, _type: object, _value: object, lines: list[str]) -> None:
        self.lines = lines

    def __exit__(self, *_: object) -> None:
        del self.ip._showtraceback


def _raise_error_of(result: ExecutionResult, held: _held_traceback) -> None:
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return
    lines = held.lines
    if lines is not None and not hasattr(error, "_render_traceback_"):
        try:
            error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
        except AttributeError:
            pass  # an exception with slots shows the longer traceback, and no less
    raise error


def _hide(result: Any, ip: InteractiveShell) -> None:
    """Let the cell that made the result show nothing of it; later cells show it as ever."""
    made_in = ip.execution_count

    def show_nothing_here() -> None:
        if ip.execution_count != made_in:
            raise NotImplementedError  # IPython's word for "draw it the usual way"

    object.__setattr__(result, "_ipython_display_", show_nothing_here)
