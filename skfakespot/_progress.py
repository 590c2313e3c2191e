"""How far a pass of images has come: progress bars on a terminal, tasks for callbacks."""

import sys
from itertools import islice
from typing import NamedTuple


class Pass(NamedTuple):
    """A pass of images through the network.

    Attributes
    ----------
    name : str
        What is being computed.
    n_images, n_batches : int
        Number of images, and of batches at most.
    """

    name: str
    n_images: int
    n_batches: int


def track(batches, about, *, enabled):
    """Yield the batches of a pass and, on a terminal, show how many images have passed.

    Parameters
    ----------
    batches : iterable
        Each advances the bar by the number of its `indices`.
    about : Pass
        The pass.
    enabled : bool
        False for silence; a stderr that is no terminal is silent too.
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


def announce(batches, about, *, context, hooks):
    """Yield the batches of a pass, and tell scikit-learn's callbacks of the pass and of each.

    Parameters
    ----------
    batches : iterable
        The batches, which become subtasks of the pass.
    about : Pass
        The pass.
    context : sklearn.callback.CallbackContext
        Context of the fit.
    hooks : dict
        What the callbacks are given.
    """
    task = context.subcontext(task_name=about.name, max_subtasks=about.n_batches)
    task.call_on_fit_task_begin(**hooks)
    batches = iter(batches)
    for _ in range(about.n_batches):
        batch = task.subcontext(task_name="batch").call_on_fit_task_begin(**hooks)
        # Unreadable images may leave fewer batches than were expected.
        yield from islice(batches, 1)
        batch.call_on_fit_task_end(**hooks)
    yield from batches
    task.call_on_fit_task_end(**hooks)
