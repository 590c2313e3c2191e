# SPDX-License-Identifier: BSD-3-Clause
"""Draw the picture of the front page: a face, a network with counted layers, and a classifier.

Run: python docs/images/pipeline.py

It writes pipeline-wide.svg and pipeline-narrow.svg beside this file. The page contains the drawings
themselves, not links to them, so that they have the colours of the light or the dark theme.
"""

import random
from pathlib import Path

# Rows and columns of the neurons of each layer, and the share of them that are active.
LAYERS = [((9, 7), 0.45), ((8, 6), 0.3), ((7, 5), 0.5), ((5, 4), 0.35), ((4, 3), 0.6)]
SPACING = 11
MIDDLE = 60


def main():
    """Write both drawings."""
    layers, counts = draw_layers()
    parts = [draw_face(), layers, draw_counts(counts), draw_classifier()]
    folder = Path(__file__).parent
    places = [(10, 20), (178, 20), (572, 20), (768, 20)]
    arrows = [arrow(140, 80, 168, 80), arrow(542, 80, 570, 80), arrow(728, 80, 756, 80)]
    write(folder / "pipeline-wide.svg", 900, 180, parts, places, arrows)
    places = [(125, 10), (8, 208), (6, 400), (228, 400)]
    arrows = [arrow(185, 166, 185, 196), arrow(90, 364, 90, 392), arrow(172, 460, 212, 460)]
    write(folder / "pipeline-narrow.svg", 370, 556, parts, places, arrows)


def write(file, width, height, parts, places, arrows):
    """Write a drawing of parts, each moved to its place, and arrows between them."""
    groups = [
        f'<g transform="translate({x} {y})">{part}</g>'
        for part, (x, y) in zip(parts, places, strict=True)
    ]
    description = (
        "A face passes through a face-recognition network. The active neurons of each layer are "
        "counted, and a classifier turns the counts into the probability of fake."
    )
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'class="{file.stem}" style="max-width: {width}px">\n<title>{description}</title>\n'
        + "\n".join(groups + arrows)
        + "\n</svg>\n",
        encoding="utf-8",
    )


def draw_face():
    """Draw a face in a frame."""
    return (
        '<rect class="frame" width="120" height="120" rx="8"/>'
        '<path class="line" d="M22 120 q4 -26 38 -26 q34 0 38 26"/>'
        '<ellipse class="fill" cx="60" cy="58" rx="32" ry="40"/>'
        '<path class="solid" d="M26 56 q-2 -44 34 -44 q36 0 34 44 q-6 -24 -18 -28 q-24 8 -38 2 '
        'q-8 8 -12 26 z"/>'
        '<circle class="solid" cx="48" cy="57" r="3.4"/>'
        '<circle class="solid" cx="72" cy="57" r="3.4"/>'
        '<path class="line" d="M60 60 q-5 12 1 13 M49 82 q11 7 22 0"/>' + label(60, 146, "face")
    )


def draw_layers():
    """Draw the layers as dots, one for each neuron, and return also how many are filled."""
    chooser = random.Random(0)  # noqa: S311
    shapes, counts, x = [], [], 0
    for (n_rows, n_columns), share in LAYERS:
        width, height = n_columns * SPACING + 8, n_rows * SPACING + 8
        top = MIDDLE - height / 2
        size = f'width="{width}" height="{height}"'
        shapes.append(f'<rect class="frame" x="{x}" y="{top}" {size} rx="4"/>')
        active = set(chooser.sample(range(n_rows * n_columns), round(share * n_rows * n_columns)))
        for neuron in range(n_rows * n_columns):
            row, column = divmod(neuron, n_columns)
            kind = "active" if neuron in active else "quiet"
            dot = f'cx="{x + 9.5 + column * SPACING}" cy="{top + 9.5 + row * SPACING}" r="3.6"'
            shapes.append(f'<circle class="{kind}" {dot}/>')
        counts.append(len(active))
        shapes.append(label(x + width / 2, 130, str(len(active)), "count"))
        x += width + 10
    text = "face-recognition network with counted neurons"
    return "".join(shapes) + label((x - 10) / 2, 146, text), counts


def draw_counts(counts):
    """Draw the counts as bars."""
    bars = "".join(
        f'<rect class="active" x="32" y="{8 + 22 * place}" width="{4 * count}" height="14" rx="2"/>'
        + label(24, 19 + 22 * place, str(count), "count right")
        for place, count in enumerate(counts)
    )
    return bars + label(76, 146, "one count per layer")


def draw_classifier():
    """Draw a plane of points of two classes, and the line that divides them."""
    chooser = random.Random(4)  # noqa: S311
    points = []
    for kind, x, y in (("quiet", 38, 46), ("active", 82, 76)):
        for _ in range(9):
            across, down = x + chooser.uniform(-16, 16), y + chooser.uniform(-14, 14)
            points.append(f'<circle class="{kind}" cx="{across:.0f}" cy="{down:.0f}" r="4"/>')
    return (
        '<rect class="frame" width="120" height="120" rx="8"/>'
        + "".join(points)
        + '<path class="line" d="M10 110 L110 10"/>'
        + label(18, 20, "real", "left")
        + label(102, 112, "fake", "right")
        + label(60, 146, "classifier")
    )


def arrow(x1, y1, x2, y2):
    """Draw an arrow to the right or downwards."""
    head = "l-7 -5 m7 5 l-7 5" if y1 == y2 else "l-5 -7 m5 7 l5 -7"
    return f'<path class="line" d="M{x1} {y1} L{x2} {y2} {head}"/>'


def label(x, y, text, kind=""):
    """Write a line of text, centred at x unless it is of the kind "left" or "right"."""
    return f'<text class="{kind}" x="{x}" y="{y}">{text}</text>'


if __name__ == "__main__":
    main()
