# SPDX-License-Identifier: BSD-3-Clause
"""Strategies of Hypothesis for labels and scores."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def labels_and_scores(draw):
    """Labels of both classes, and scores of which some are equal."""
    y = draw(st.lists(st.integers(0, 1), min_size=2, max_size=30))
    if len(set(y)) < 2:
        y[0] = 1 - y[0]
    scores = st.lists(st.integers(-5, 5), min_size=len(y), max_size=len(y))
    return np.array(y), np.array(draw(scores), dtype=float)
