# SPDX-License-Identifier: BSD-3-Clause
"""Reports of progress while images pass through the network: bars, lines, records and callbacks."""

import logging
import sys
import time
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

_SECONDS_BETWEEN_LINES = 10.0

_logger = logging.getLogger("skfakespot")
# An application that has not set up logging shows no records of a library.
_logger.addHandler(logging.NullHandler())


class Pass(NamedTuple):
    """A pass of images: its name, the number of images, and the largest number of batches.

    The numbers are None if the images come from an iterator. `unit` is what the images are called.
    """

    name: str
    n_images: int | None
    n_batches: int | None
    unit: str = "images"


def show_progress(batches, about, *, enabled):
    """Yield the batches of a pass, and report how many of its images are done.

    The reports are records of the logger "skfakespot". If enabled, a terminal also shows a progress
    bar; where stderr is no terminal, the texts of the records are printed to it, unless logging is
    set up to take the records.
    """
    on_terminal = enabled and sys.stderr is not None and sys.stderr.isatty()
    batches = _report(batches, about, prints=enabled and not on_terminal)
    return _draw_bar(batches, about) if on_terminal else batches


def _report(batches, about, *, prints):
    """Report the start, the end, and between them at most one line every ten seconds."""
    # Single images, such as those of a server, do not fill the log.
    level = logging.DEBUG if about.n_batches == 1 else logging.INFO
    start = last = time.monotonic()
    of_all = "" if about.n_images is None else f" of {about.n_images:,}"
    if of_all and about.n_batches != 1:
        _write(f"{about.name}: {about.n_images:,} {about.unit}", level, prints=prints)
    n_done = 0
    for batch in batches:
        yield batch
        n_done += len(batch.indices)
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES and n_done != about.n_images:
            last, done = now, f"{n_done:,}{of_all} {about.unit}"
            _write(f"{about.name}: {done}, {now - start:.0f} s", level, prints=prints)
    seconds = time.monotonic() - start
    _write(f"{about.name}: {n_done:,} {about.unit} done in {seconds:.1f} s", level, prints=prints)


def _write(text, level, *, prints):
    _logger.log(level, text)
    if prints and sys.stderr is not None and not _is_taken(level):
        print(f"[skfakespot] {text}", file=sys.stderr, flush=True)


def _is_taken(level):
    """Whether a handler takes the package's records of a level."""
    if not _logger.isEnabledFor(level):
        return False
    logger = _logger
    while logger is not None:
        for handler in logger.handlers:
            if handler.level <= level and not isinstance(handler, logging.NullHandler):
                return True
        logger = logger.parent if logger.propagate else None
    return False


def _draw_bar(batches, about):
    """Yield the batches, and draw a progress bar of the images on stderr."""
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
