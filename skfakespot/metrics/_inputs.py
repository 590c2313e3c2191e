import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from .._labels import is_fake


def check_scores(y_true, y_score, pos_label):
    """Which images are fake, and the scores; refuses what no metric is defined for."""
    fake = is_fake(y_true, pos_label)
    y_score = column_or_1d(y_score, dtype=np.float64)
    check_consistent_length(fake, y_score)
    if not np.isfinite(y_score).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(y_score))} of {y_score.size} scores are NaN or "
            "infinite. Leave these images out, with their labels, and say how many they were."
        )
    return fake, y_score
