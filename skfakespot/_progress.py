"""Reports of progress while images pass through the network: progress bars and callbacks."""

import sys
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple


class Pass(NamedTuple):
    """A pass of images: its name, the number of images, and the largest number of batches.

    The numbers are None if the images come from an iterator.
    """

    name: str
    n_images: int | None
    n_batches: int | None


def show_progress(batches, about, *, enabled):
    """Yield the batches of a pass, and show a progress bar of the images on a terminal."""
    if not (enabled and sys.stderr.isatty()):
        yield from batches
        return
    from rich import progress as rich_progress
    from rich.console import Console

    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(about.name, total=about.n_images)
        for batch in batches:
            yield batch
            progress.advance(task, len(batch.indices))
        progress.update(task, completed=about.n_images)


@contextmanager
def notified_fit(estimator, X, y, show):
    """Notify scikit-learn's callbacks of a fit, and yield a function that watches its passes.

    ``show(batches, about)`` and the yielded ``watch(batches, about)`` yield the batches of a pass;
    the former shows the progress, and the latter also notifies the callbacks.
    """
    parameters = estimator.get_params(deep=False)
    hooks = {"estimator": estimator, "X": X, "y": y}
    context = estimator._init_callback_context(max_subtasks=None)
    context.call_on_fit_task_begin(**hooks)

    def watch(batches, about):
        task = context.subcontext(task_name=about.name, max_subtasks=about.n_batches)
        task.call_on_fit_task_begin(**hooks)
        batches = iter(show(batches, about))
        for _ in range(about.n_batches):
            batch = task.subcontext(task_name="batch").call_on_fit_task_begin(**hooks)
            # There may be fewer batches than expected, because of unreadable images.
            yield from islice(batches, 1)
            batch.call_on_fit_task_end(**hooks)
        yield from batches
        task.call_on_fit_task_end(**hooks)

    yield watch
    fitted = {
        name: value
        for name, value in vars(estimator).items()
        if name not in parameters and not name.startswith("_skl")
    }
    context.call_on_fit_task_end(**hooks, reconstruction_attributes=fitted)
