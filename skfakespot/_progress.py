"""Progress bars: on a terminal, and nowhere else."""

import sys


def track(items, *, total, description, enabled):
    """Yield the items and, on a terminal, show how many of `total` samples have passed.

    Parameters
    ----------
    items : iterable of Batch
        Each advances the bar by the number of its samples.
    total : int
        Number of samples.
    description : str
        What is being done.
    enabled : bool
        False for silence; a stderr that is no terminal is silent too.
    """
    if not (enabled and sys.stderr.isatty()):
        yield from items
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
        task = progress.add_task(description, total=total)
        for item in items:
            yield item
            progress.advance(task, len(item.indices))
        progress.update(task, completed=total)
