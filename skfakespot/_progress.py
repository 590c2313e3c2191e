"""Reports of progress while images pass through the network: progress bars and callbacks."""

import sys
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple


class Pass(NamedTuple):
    """A pass of images through the network.

    Attributes
    ----------
    name : str
        What the pass computes.
    n_images : int
        Number of images.
    n_batches : int
        Largest possible number of batches.
    """

    name: str
    n_images: int
    n_batches: int


def show_progress(batches, about, *, enabled):
    """Yield the batches of a pass, and show a progress bar of the images on a terminal.

    Parameters
    ----------
    batches : iterable
        Batches; each advances the bar by the number of its `indices`.
    about : Pass
        The pass that the batches belong to.
    enabled : bool
        Whether to show the bar. It is never shown if stderr is not a terminal.
    """
    if not (enabled and sys.stderr.isatty()):
        yield from batches
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(about.name, total=about.n_images)
        for batch in batches:
            yield batch
            progress.advance(task, len(batch.indices))
        progress.update(task, completed=about.n_images)


@contextmanager
def notified_fit(estimator, X, y, show):
    """Notify scikit-learn's callbacks of a fit, and yield a function that watches its passes.

    ``watch(batches, about)`` yields the batches of a pass, which ``show(batches, about)`` shows
    too.
    """
    parameters = estimator.get_params(deep=False)
    hooks = {"estimator": estimator, "X": X, "y": y}
    context = estimator._init_callback_context(max_subtasks=None)
    context.call_on_fit_task_begin(**hooks)

    def watch(batches, about):
        return notify_callbacks(show(batches, about), about, context=context, hooks=hooks)

    yield watch
    fitted = {
        name: value
        for name, value in vars(estimator).items()
        if name not in parameters and not name.startswith("_skl")
    }
    context.call_on_fit_task_end(**hooks, reconstruction_attributes=fitted)


def notify_callbacks(batches, about, *, context, hooks):
    """Yield the batches of a pass, and notify scikit-learn's callbacks of the pass and of each.

    Parameters
    ----------
    batches : iterable
        Batches; each becomes a subtask of the pass.
    about : Pass
        The pass that the batches belong to.
    context : sklearn.callback.CallbackContext
        Context of the fit, of which the pass becomes a subtask.
    hooks : dict
        Keyword arguments of the callbacks' hooks.
    """
    task = context.subcontext(task_name=about.name, max_subtasks=about.n_batches)
    task.call_on_fit_task_begin(**hooks)
    batches = iter(batches)
    for _ in range(about.n_batches):
        batch = task.subcontext(task_name="batch").call_on_fit_task_begin(**hooks)
        # There may be fewer batches than expected, because of unreadable images.
        yield from islice(batches, 1)
        batch.call_on_fit_task_end(**hooks)
    yield from batches
    task.call_on_fit_task_end(**hooks)
