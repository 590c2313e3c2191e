import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skfakespot.metrics import fake_detection_report, fake_label

METRICS = ["precision", "recall", "f1", "accuracy", "ap", "auc", "fpr", "fnr"]


def rates_to_sample(recall, fpr, n=1000):
    """Labels and hard scores of n real and n fake images with these rates."""
    y_true = np.repeat([0, 1], n)
    called_fake = np.concatenate([np.arange(n) < fpr * n, np.arange(n) < recall * n])
    return y_true, called_fake.astype(float)


@pytest.mark.parametrize(
    ("recall", "fpr", "auc", "ap"),
    [(0.987, 0.016, 0.985, 0.979), (0.924, 0.087, 0.919, 0.881), (0.719, 0.359, 0.680, 0.645)],
    ids=["PGGAN", "StyleGAN2", "DFDC"],
)
def test_paper_convention_reproduces_rows_of_table_2(recall, fpr, auc, ap):
    report = fake_detection_report(*rates_to_sample(recall, fpr), convention="paper")
    assert report["auc"] == pytest.approx(auc, abs=0.0011)
    # DFDC's classes are not of equal size in the paper, here they are.
    assert report["ap"] == pytest.approx(ap, abs=0.0025 if recall > 0.8 else 0.03)
    assert report["fpr"] == pytest.approx(1 - recall)
    assert report["fnr"] == pytest.approx(fpr)


def test_all_eight_metrics_by_hand():
    y_true = [0, 0, 0, 0, 1, 1, 1, 1]
    y_score = [0.1, 0.2, 0.3, 0.8, 0.4, 0.6, 0.7, 0.9]
    report = fake_detection_report(y_true, y_score)
    assert list(report) == METRICS
    assert report["precision"] == report["recall"] == report["f1"] == report["accuracy"] == 0.75
    assert report["fpr"] == report["fnr"] == 0.25
    assert report["auc"] == 13 / 16
    assert report["ap"] == pytest.approx((1 + 2 / 3 + 3 / 4 + 4 / 5) / 4)


def test_the_score_at_the_threshold_counts_as_fake():
    assert fake_detection_report([0, 1], [0.2, 0.5])["recall"] == 1.0
    assert fake_detection_report([0, 1], [0.2, 0.5], threshold=0.51)["recall"] == 0.0


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1, width=16)), min_size=2, max_size=40))
def test_conventions_agree_on_everything_but_the_four_that_differ(pairs):
    y_true = [int(label) for label, _ in pairs]
    if len(set(y_true)) < 2:
        y_true[0] = 1 - y_true[0]
    y_score = [score for _, score in pairs]
    standard = fake_detection_report(y_true, y_score)
    paper = fake_detection_report(y_true, y_score, convention="paper")
    for name in ("precision", "recall", "f1", "accuracy"):
        assert standard[name] == paper[name]
    assert (standard["fpr"], standard["fnr"]) == (paper["fnr"], paper["fpr"])
    assert paper["auc"] == pytest.approx((standard["recall"] + 1 - standard["fpr"]) / 2)
    assert all(0 <= value <= 1 for value in [*standard.values(), *paper.values()])


@pytest.mark.parametrize(
    "labels", [("real", "fake"), (False, True), ("Real", "Fake")], ids=["lower", "bool", "title"]
)
def test_labels_of_other_kinds_give_the_same_report(labels):
    y_true = np.array([0, 0, 1, 1])
    y_score = [0.1, 0.6, 0.4, 0.9]
    named = np.array(labels)[y_true]
    assert fake_detection_report(named, y_score) == fake_detection_report(y_true, y_score)


def test_labels_that_do_not_tell_which_is_fake_need_pos_label():
    with pytest.raises(ValueError, match="Give pos_label"):
        fake_label(["authentic", "generated"])
    report = fake_detection_report(["a", "g"], [0.1, 0.9], pos_label="g")
    assert report["recall"] == 1.0
    with pytest.raises(ValueError, match="'x' is not among the labels"):
        fake_label(["a", "g"], "x")


@pytest.mark.parametrize(
    ("y_true", "y_score", "message"),
    [
        ([1, 1], [0.1, 0.2], "1 classes; the eight metrics need images of exactly two"),
        ([0, 1, 2], [0.1, 0.2, 0.3], "3 classes"),
        ([0, 1], [0.1, np.nan], "1 of 2 scores are NaN or infinite"),
        ([0, 1], [0.1], "inconsistent numbers of samples"),
    ],
)
def test_unusable_input_is_refused(y_true, y_score, message):
    with pytest.raises(ValueError, match=message):
        fake_detection_report(y_true, y_score)


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match="accepted are 'standard' and 'paper'"):
        fake_detection_report([0, 1], [0.1, 0.9], convention="table2")
