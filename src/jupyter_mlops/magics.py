"""The magics: ``%mlops COMMAND`` acts, ``%%mlops COMMAND`` acts on the body of the cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand, output_can_be_silenced

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .grammar import Invocation


def load(ip: InteractiveShell) -> None:
    """Register the magics and their completion."""
    from . import cells, completion
    from .tracking.snapshot.executed import recorder

    ip.register_magics(MlopsMagics)
    completion.register(ip)
    ip.events.register("post_run_cell", recorder)
    ip.input_transformers_cleanup.append(cells.await_body)


def unload(ip: InteractiveShell) -> None:
    """Take the magics and their completion away."""
    from . import cells, completion
    from .tracking.snapshot.executed import recorder

    ip.events.unregister("post_run_cell", recorder)
    for kind in ("line", "cell"):
        ip.magics_manager.magics[kind].pop("mlops", None)
    completion.unregister(ip)
    ip.input_transformers_cleanup[:] = [t for t in ip.input_transformers_cleanup if t is not cells.await_body]


@magics_class
class MlopsMagics(Magics):
    """One magic, whose commands are those of the registry."""

    shell: Any

    @no_var_expand
    @output_can_be_silenced
    @line_cell_magic
    def mlops(self, line: str, cell: str | None = None) -> Any:
        """Log, register, validate, deploy and watch models: ``%mlops help`` lists the commands."""
        try:
            return self._run(self._parse(line, cell), line, cell)
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "_render_traceback_"):  # of the body it is the user's own
                said = f"KeyboardInterrupt: {line.split()[0] if line.strip() else 'status'} was interrupted."
                interrupt._render_traceback_ = lambda: [said]  # type: ignore[attr-defined]
            raise

    def _run(self, invocation: Invocation, line: str, cell: str | None) -> Any:
        from . import cells

        outcome = invocation.call(self._resolve())
        if cell is None:
            return self._show(invocation, outcome)
        outcome.source = f"%%mlops {line}\n{cell}"
        with self._kept(invocation, outcome):
            outcome.value = cells.run(self.shell, cell)
        return None

    async def mlops_awaiting(self, line: str, cell: str) -> None:
        """Run a cell whose body awaits; ``cells.await_body`` calls it."""
        from . import cells

        invocation = self._parse(line, cell)
        context = invocation.call(self._resolve())
        context.source = f"%%mlops {line}\n{cell}"
        with self._kept(invocation, context):
            context.value = await cells.run_awaiting(self.shell, cell)

    def _parse(self, line: str, cell: str | None) -> Invocation:
        from . import cells
        from .errors import InvalidUsage

        with cells.interrupt_held():  # half an import would break every later command of this kernel
            from . import grammar
        tokens = grammar.split(line)
        if any(flag in tokens for flag in grammar.HELP_FLAGS):
            tokens = grammar.asks_help(tokens, cell=cell is not None)
        invocation = grammar.parse(tokens or ["status"], cell=cell is not None)
        if cell is not None and not cell.strip():
            raise InvalidUsage("The cell is empty.", f"write what is to be run below {f'%%mlops {line}'.strip()}")
        name = invocation.command.name
        if cell is None and invocation.command.cell:
            raise InvalidUsage(
                f"{name} acts on the body of a cell.", f"start the cell with {f'%%mlops {line}'.strip()}"
            )
        if cell is not None and not invocation.command.cell:
            raise InvalidUsage(
                f"{name} takes no cell.", f"{invocation.command.magic} on a line, and what follows in a cell of its own"
            )
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

    @contextmanager
    def _kept(self, invocation: Invocation, outcome: Any) -> Iterator[None]:
        """Let the body be what the command acts on, and show what came of it: also a run that has failed."""
        try:
            with outcome:
                yield
        except BaseException:
            if (failed := getattr(outcome, "failed", None)) is not None:
                self._keep(invocation, failed)
            raise
        self._keep(invocation, outcome.result)

    def _keep(self, invocation: Invocation, result: Any) -> None:
        from IPython.core.display_functions import display

        if invocation.into:
            self.shell.user_ns[invocation.into] = result
        if not invocation.quiet:
            display(as_json(result) if invocation.json else result)  # type: ignore[no-untyped-call]


def _documentation() -> str:
    """Answer ``%mlops?``; IPython asks an object for ``getdoc`` before it reads the docstring."""
    from .session.api import help

    return str(help())


setattr(MlopsMagics.mlops, "getdoc", _documentation)  # noqa: B010 - a function has no such attribute for mypy


class JsonText(str):
    """JSON that shows as it is, without the quotes of a string."""

    def __repr__(self) -> str:
        return str(self)


def as_json(result: Any) -> JsonText:
    """Write a result as JSON."""
    import json

    return JsonText(json.dumps(result.to_dict(), indent=2))


def _hide(result: Any, ip: InteractiveShell) -> None:
    """Let the cell that made the result show nothing of it; later cells show it as ever."""
    made_in = ip.execution_count

    def show_nothing_here() -> None:
        if ip.execution_count != made_in:
            raise NotImplementedError  # IPython's word for "draw it the usual way"

    object.__setattr__(result, "_ipython_display_", show_nothing_here)
