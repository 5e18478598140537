"""The commands of running without a screen: ``run NOTEBOOK…``, ``%%mlops params``, ``ci init``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from ..command import File, Pairs, Short, command

if TYPE_CHECKING:
    from .declaring import Declaration
    from .results import Batch, Parameters
    from .workflow import Workflow


@command(name="run")
def run_notebooks(
    *notebooks: File,
    param: Annotated[Pairs, Short("p")] = None,
    params_file: File | None = None,
    help_params: bool = False,
    output: File = "executed",
    junit: File | None = None,
    html: File | None = None,
    summary: File | None = None,
    code_quality: File | None = None,
    jobs: int = 1,
    timeout: float | None = None,
    cell_timeout: float | None = None,
    memory: float | None = None,
    max_output: float | None = None,
    retries: int = 2,
    fail_fast: bool = False,
    keep_going: bool = False,
    kernel: str | None = None,
    show: bool = False,
    track: bool = True,
    check_order: bool = False,
    compare_outputs: bool = False,
    tolerance: float = 1e-6,
) -> Batch | Parameters:
    """Run notebooks as CI does: strict, with limits, and always with the executed notebook left behind.

    Parameters
    ----------
    notebooks
        The notebooks; each is run in a kernel of its own, in its own folder.
    param
        A parameter of the notebooks, as k=v; again for more.
    params_file
        A YAML or JSON file of parameters; --param wins over it.
    help_params
        Only list the parameters that the notebooks declare.
    output
        The folder for the executed notebooks.
    junit
        A file for the results as JUnit XML, a test case for each cell.
    html
        A folder for a page of each notebook.
    summary
        A file for a summary in Markdown: cells that failed, gates, runs beside the champion.
    code_quality
        A file for the failures as GitLab's code quality report; in GitHub Actions they are annotations by themselves.
    jobs
        How many notebooks to run at a time.
    timeout
        Seconds that one notebook may take.
    cell_timeout
        Seconds that one cell may take.
    memory
        Megabytes that a kernel and its processes may take.
    max_output
        Megabytes that are kept of what a cell shows; 10 by default.
    retries
        How often a cell tagged flaky is tried again.
    fail_fast
        Begin no further notebook after one has failed.
    keep_going
        Run the cells after one that failed, too.
    kernel
        The kernel to run them in, in place of the one that each names.
    show
        Write each cell and what it shows, as text.
    track
        Turned off, the execution itself is no run on the project's MLflow server.
    check_order
        Fail where the saved outputs relied on hidden state: another order, or cells that are gone.
    compare_outputs
        Fail where the metrics that the notebook shows are others than those it was saved with.
    tolerance
        How far these may be apart, relative to their size.

    Returns
    -------
    Batch
        With ``.frame()``; ``.ok`` only where all have passed.

    Raises
    ------
    InvalidUsage
        For what is no notebook, and for parameters that it does not declare.
    NotFound
        Where there is no such notebook.
    Conflict
        Where another run is writing the same executed notebooks.
    MissingDependency
        Where nbclient is not installed.
    """
    from .book import need_nbclient

    need_nbclient()
    from . import reporting, running

    limits = running.limits(timeout, cell_timeout, memory, max_output)
    given = running.parameters_given(param, params_file)
    if help_params:
        return running.explain(notebooks)
    request = running.Request(
        notebooks=notebooks,
        params=given,
        output=output,
        reports=reporting.Reports(junit, html, summary, code_quality),
        limits=limits,
        jobs=jobs,
        retries=retries,
        fail_fast=fail_fast,
        keep_going=keep_going,
        kernel=kernel,
        show=show,
        track=track,
        check_order=check_order,
        compare_outputs=compare_outputs,
        tolerance=tolerance,
    )
    return running.run(request)


@command(cell=True)
def params() -> Declaration:
    """Declare the notebook's parameters: plain assignments, with types, defaults, and a comment for what each means."""
    from .declaring import Declaration

    return Declaration()


@command(name="ci init", changes=True)
def ci_init(
    *notebooks: File,
    provider: Literal["github", "gitlab", "plain"] | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> Workflow:
    """Write the file with which CI runs the notebooks: caches, the report as an artifact, the summary on the change.

    Parameters
    ----------
    notebooks
        Which notebooks, as paths or patterns; by default those here, or in the folders below.
    provider
        github, gitlab, or plain: a script for any other. By default whose pipeline or remote the repository has, else github.
    force
        Overwrite a file that is there.
    dry_run
        Only show what would be written.

    Raises
    ------
    Conflict
        Where there is another file already.
    InvalidUsage
        Where there is no notebook.
    """
    from . import workflow

    return workflow.begin(provider, notebooks, force=force, dry_run=dry_run)
