# SPDX-License-Identifier: BSD-3-Clause
"""Pictures that explain the scores of images, one file for each, and a page that shows them."""

import html
import io
import math
import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from ..images import ImageError

PAGE = "index.html"
_MOST_NAME_BYTES = 180
_STYLE = (
    "body{font-family:sans-serif;margin:1em}figure{display:inline-block;margin:0 1em 1em 0;"
    "vertical-align:top;width:600px;max-width:100%}img{max-width:100%;border:1px solid #ccc}"
    "figcaption,li{overflow-wrap:anywhere}"
)


class Explanation(NamedTuple):
    """An image that was explained: its path, probability of fake, picture, or why it has none."""

    path: str
    probability: float
    picture: str | None
    error: str | None


def explain_images(detector, paths, folder, new_figure):
    """Draw each image into a file of the folder; yield an `Explanation` of each.

    Parameters
    ----------
    detector : classifier
        A fitted detector.
    paths : list of str
        The images.
    folder : Path
        It exists. Pictures of an earlier run are replaced, but never one of the images.
    new_figure : callable
        Makes a figure.
    """
    from ..inspection import ExplanationDisplay

    for path, picture in zip(paths, _name_pictures(paths, folder), strict=True):
        try:
            display = ExplanationDisplay.from_estimator(detector, path, figure=new_figure())
        except ImageError as error:
            yield Explanation(_as_text(path), math.nan, None, error.reason)
            continue
        buffer = io.BytesIO()
        display.figure_.savefig(buffer, format="png", dpi=100)
        write_file(picture, buffer.getvalue())
        yield Explanation(_as_text(path), display.probability, _as_text(picture), None)


def _name_pictures(paths, folder):
    """Yield a file for each path; those of equal names are numbered."""
    taken = {_key(Path(path)) for path in paths}
    for path in paths:
        stem = os.fsdecode(os.fsencode(Path(path).stem)[:_MOST_NAME_BYTES])
        number, picture = 1, folder / f"{stem}-explained.png"
        while _key(picture) in taken:
            number += 1
            picture = folder / f"{stem}-explained-{number}.png"
        taken.add(_key(picture))
        yield picture


def _key(path):
    """What two paths share if they may be the same file, also where upper case does not count."""
    return os.path.realpath(path).casefold()


def write_page(explanations, file):
    """Write a page with all pictures, which are beside it."""
    figures, errors = [], []
    for each in explanations:
        path = html.escape(each.path)
        if each.picture is None:
            errors.append(f"<li>{path}: {html.escape(each.error)}</li>")
            continue
        address = html.escape(quote(os.path.basename(each.picture)))  # noqa: PTH119
        figures.append(
            f'<figure><img src="{address}" alt="Explanation of {path}">'
            f"<figcaption>{path}: probability of fake {each.probability:.2f}</figcaption></figure>"
        )
    lines = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f"<title>Explanations by skfakespot</title><style>{_STYLE}</style></head><body>",
        f"<h1>{len(figures)} explained images</h1>",
        *figures,
    ]
    if errors:
        lines += ["<h2>Images that could not be explained</h2><ul>", *errors, "</ul>"]
    write_file(file, "\n".join([*lines, "</body></html>\n"]).encode())


def write_file(file, content):
    """Write a file beside its place and then rename it, so that it is never incomplete."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _as_text(path):
    """Path as text that can be printed: bytes that are not UTF-8 are written with a backslash."""
    return os.fsencode(path).decode(errors="backslashreplace")
