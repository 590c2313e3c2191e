"""How a detector's score falls as faces are perturbed: section 4.3 and Figure 4 of the paper."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if

from ._bootstrap import areas_under_roc, bootstrap_counts, interval, rows_of
from ._perturbations import perturbations_of
from .augmentation import KINDS, perturb
from .images import as_samples

# "The average AUC score of all the four types of fake faces decreased less than 3.77%".
PAPER_MEAN_FALL = 0.0377


def robustness_curve(
    estimator,
    X,
    y,
    kinds=KINDS,
    levels="paper",
    *,
    scoring="roc_auc",
    groups=None,
    clean_response=None,
    n_bootstraps=500,
    confidence_level=0.95,
    random_state=None,
    n_jobs=None,
):
    """Score a fitted detector on perturbed images, at each level of each kind of perturbation.

    All images are perturbed, real and fake alike. The estimator sees the images once for each
    level and once unperturbed; the intervals come from drawing images anew (bootstrap, by class,
    or whole groups), the same draws at each level, and cost it nothing.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier that takes images, such as `make_fakespotter` makes.
    X : array-like
        Test images; see `skfakespot.augmentation.perturb`.
    y : array-like of shape (n_samples,)
        Their labels, of two classes.
    kinds : str or sequence of str, default=("compression", "resize", "noise", "blur")
        What is done to the images.
    levels : str or dict of str to sequence, default="paper"
        How strongly: the name of a preset, or a dict of kind to a sequence of numbers or
        `skfakespot.augmentation.Perturbation` objects.
    scoring : str or callable, default="roc_auc"
        A score of scikit-learn's, or a callable ``scorer(estimator, X, y)``.
    groups : None or array-like of shape (n_samples,), default=None
        Identities or videos, say, that are drawn as a whole for the intervals.
    clean_response : None or array-like of shape (n_samples, ...), default=None
        What the method of the estimator that `scoring` asks (``decision_function``, else
        ``predict_proba``, for "roc_auc"; ``predict`` for "accuracy") returned for X, if that is
        at hand: the unperturbed images are then not scored again.
    n_bootstraps : int, default=500
        Number of draws; 0 for no intervals (NaN).
    confidence_level : float, default=0.95
        Share of the draws' scores that lie in the intervals, in (0, 1).
    random_state : None, int or RandomState, default=None
        Draws the noise, of which an image gets the same at all variances, and the intervals.
    n_jobs : None or int, default=None
        Number of threads that perturb an array of images.

    Returns
    -------
    results : pandas.DataFrame, or list of dict without pandas
        A row for the unperturbed images (kind "clean", level NaN), then one for each level:

        - ``kind``, ``level``, and ``perturbation``, which is both and the options as text;
        - ``score``, ``score_low``, ``score_high``: the score and its interval;
        - ``fall``, ``fall_low``, ``fall_high``: how much lower it is than on the unperturbed
          images, and the interval of the difference;
        - ``scoring``, ``n_samples``: the name of the score, the number of images.

    Raises
    ------
    ValueError
        If kinds, levels or scoring are not accepted.

    See Also
    --------
    RobustnessCurveDisplay : Draw the results as Figure 4 of the paper.
    mean_fall : The figure that the paper sums its robustness up in.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from skfakespot.robustness import robustness_curve
    >>> X, y = np.zeros((4, 8, 8, 3), dtype=np.uint8), [0, 0, 1, 1]
    >>> detector = DummyClassifier().fit(X, y)
    >>> results = robustness_curve(detector, X, y, "blur", {"blur": [1, 2]}, random_state=0)
    >>> results[["kind", "level", "score", "fall"]]
        kind  level  score  fall
    0  clean    NaN    0.5   0.0
    1   blur    1.0    0.5   0.0
    2   blur    2.0    0.5   0.0
    """
    n_samples = len(as_samples(X))
    y = column_or_1d(y)
    check_consistent_length(range(n_samples), y)
    perturbations = [step for steps in perturbations_of(kinds, levels).values() for step in steps]
    scorer = check_scoring(estimator, scoring=scoring)
    random = check_random_state(random_state)
    noise_seed = int(random.randint(2**31 - 1))
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence_level={confidence_level!r}; accepted are 0 to 1, exclusive.")
    draws = bootstrap_counts(y, groups, n_bootstraps, random)

    def scores_of(recorded):
        score = scorer(recorded, np.arange(n_samples), y)
        if scoring == "roc_auc" and len(recorded.classes_) == 2 and len(draws):
            drawn = areas_under_roc(y == recorded.classes_[1], recorded.ranking(), draws)
        else:
            drawn = np.array([scorer(recorded, rows, y[rows]) for rows in map(rows_of, draws)])
        return score, drawn

    clean = scores_of(_Recorded(estimator, X, clean_response))
    curve = [(None, *clean)]
    for step in perturbations:
        perturbed = perturb(
            X, step.kind, step.level, random_state=noise_seed, n_jobs=n_jobs, **dict(step.options)
        )
        curve.append((step, *scores_of(_Recorded(estimator, perturbed, None))))
    name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", str(scoring))
    common = {"scoring": name, "n_samples": n_samples}
    return _as_frame(
        [
            {**_record(step, score, drawn, clean, confidence_level), **common}
            for step, score, drawn in curve
        ]
    )


def mean_fall(results, *, relative=False):
    """Average over all levels of all kinds by how much the score falls.

    Parameters
    ----------
    results : pandas.DataFrame or list of dict
        What `robustness_curve` returned.
    relative : bool, default=False
        Whether to divide by the score on the unperturbed images.

    Returns
    -------
    fall : float
        The mean of ``fall``: 0.05 where an AUC of 0.80 falls to 0.75 on average. The paper
        reports "less than 3.77%" for its AUC, not saying of what.

    Examples
    --------
    >>> from skfakespot.robustness import mean_fall
    >>> results = [
    ...     {"kind": "clean", "score": 0.8, "fall": 0.0},
    ...     {"kind": "blur", "score": 0.7, "fall": 0.1},
    ... ]
    >>> mean_fall(results), mean_fall(results, relative=True)
    (0.1, 0.125)
    """
    records = _records(results)
    (clean,) = (record["score"] for record in records if record["kind"] == "clean")
    fall = np.mean([record["fall"] for record in records if record["kind"] != "clean"])
    return float(fall / clean if relative else fall)


class RobustnessCurveDisplay:
    """Draw the paper's Figure 4: a panel for each kind of perturbation, a line for each detector.

    Make it with `from_estimator` or `from_results`. It needs matplotlib.

    Parameters
    ----------
    results : dict of str to results
        For each line its name and what `robustness_curve` returned.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    axes_ : ndarray of matplotlib.axes.Axes
        The panels.
    lines_ : dict of str to list of matplotlib.lines.Line2D
        For each name its line in each panel that it is in.

    Examples
    --------
    >>> from skfakespot.robustness import RobustnessCurveDisplay
    >>> results = [
    ...     {"kind": kind, "level": level, "scoring": "roc_auc", "score": score,
    ...      "score_low": score - 0.02, "score_high": score + 0.02}
    ...     for kind, level, score in [("clean", None, 0.8), ("blur", 1, 0.7), ("blur", 2, 0.6)]
    ... ]
    >>> display = RobustnessCurveDisplay.from_results({"detector": results})
    >>> [axes.get_xlabel() for axes in display.axes_]
    ['blur: sigma (pixels)']
    """

    # The label of the axis, and whether a smaller level is the stronger perturbation.
    _AXES = {
        "compression": ("compression: JPEG quality", True),
        "resize": ("resize: scale factor", True),
        "noise": ("noise: variance", False),
        "blur": ("blur: sigma (pixels)", False),
    }

    def __init__(self, *, results):
        self.results = results

    @classmethod
    def from_estimator(cls, estimator, X, y, *, name=None, axes=None, line_kw=None, **parameters):
        """Perturb, score and draw.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier that takes images.
        X : array-like
            Test images.
        y : array-like of shape (n_samples,)
            Their labels.
        name : None or str, default=None
            Name of the line; None for the estimator's class.
        axes : None or sequence of matplotlib.axes.Axes, default=None
            One panel for each kind; None for a new figure.
        line_kw : None or dict, default=None
            Passed to `matplotlib.axes.Axes.plot`.
        **parameters : dict
            Parameters of `robustness_curve`.

        Returns
        -------
        display : RobustnessCurveDisplay
            What was drawn.
        """
        _import_pyplot()
        results = robustness_curve(estimator, X, y, **parameters)
        results = {name or type(estimator).__name__: results}
        return cls(results=results).plot(axes, line_kw=line_kw)

    @classmethod
    def from_results(cls, results, *, axes=None, line_kw=None):
        """Draw what was computed before.

        Parameters
        ----------
        results : dict of str to results
            For each line its name and what `robustness_curve` returned.
        axes : None or sequence of matplotlib.axes.Axes, default=None
            One panel for each kind; None for a new figure.
        line_kw : None or dict, default=None
            Passed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : RobustnessCurveDisplay
            What was drawn.
        """
        return cls(results=results).plot(axes, line_kw=line_kw)

    def plot(self, axes=None, *, line_kw=None):
        """Draw.

        Parameters
        ----------
        axes : None or sequence of matplotlib.axes.Axes, default=None
            One panel for each kind; None for a new figure.
        line_kw : None or dict, default=None
            Passed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : RobustnessCurveDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        lines = {name: _records(results) for name, results in self.results.items()}
        kinds = [kind for kind in KINDS if any(_levels(line, kind) for line in lines.values())]
        if axes is None:
            _, axes = _import_pyplot().subplots(
                *(1, len(kinds)),
                figsize=figure_size(len(kinds)),
                sharey=True,
                squeeze=False,
                layout="constrained",
            )
        self.axes_ = np.asarray(axes, dtype=object).reshape(-1)
        if len(self.axes_) != len(kinds):
            raise ValueError(f"axes holds {len(self.axes_)} panels; {len(kinds)} are needed.")
        self.figure_ = self.axes_[0].figure
        self.lines_ = {name: [] for name in lines}
        for kind, panel in zip(kinds, self.axes_, strict=True):
            for name, line in lines.items():
                self._plot_line(panel, name, _levels(line, kind), line_kw or {})
            label, falling = self._AXES[kind]
            texts = [record.get("perturbation", "") for line in lines.values() for record in line]
            if kind == "noise" and any("unit=std" in text for text in texts):
                label = "noise: standard deviation (0 to 255)"
            panel.set_xlabel(label)
            panel.xaxis.set_inverted(falling)
            panel.grid(alpha=0.3)
        (scoring, *_) = dict.fromkeys(
            record["scoring"] for line in lines.values() for record in line
        )
        self.axes_[0].set_ylabel({"roc_auc": "AUC"}.get(scoring, scoring))
        for name, line in lines.items():
            (clean,) = (record["score"] for record in line if record["kind"] == "clean")
            for drawn in self.lines_[name]:
                drawn.axes.axhline(clean, color=drawn.get_color(), linestyle=":", linewidth=1)
        self.axes_[-1].legend(
            title="dotted: unperturbed", loc="center left", bbox_to_anchor=(1.0, 0.5)
        )
        return self

    def _plot_line(self, panel, name, records, line_kw):
        if not records:
            return
        levels = [record["level"] for record in records]
        scores = [record["score"] for record in records]
        (line,) = panel.plot(levels, scores, **{"marker": "o", "label": name, **line_kw})
        low, high = ([record[f"score_{end}"] for record in records] for end in ("low", "high"))
        panel.fill_between(levels, low, high, color=line.get_color(), alpha=0.08, linewidth=0)
        self.lines_[name].append(line)


def figure_size(n_panels):
    """Width and height in inches that the panels and their legend need.

    Parameters
    ----------
    n_panels : int
        Number of panels.

    Returns
    -------
    size : tuple of float
        Width and height.

    Examples
    --------
    >>> from skfakespot.robustness import figure_size
    >>> figure_size(4)
    (13.5, 3.2)
    """
    return 2.8 * n_panels + 2.3, 3.2


class _Recorded(ClassifierMixin, BaseEstimator):
    """Answers for rows of X, having put each question to the estimator once for all of X."""

    def __init__(self, estimator, X, response):
        self.estimator, self.X, self.response = estimator, X, response
        self.classes_ = estimator.classes_
        self._answers = {}

    def _answer(self, method, rows):
        if self.response is not None:
            return np.asarray(self.response)[rows]
        if method not in self._answers:
            self._answers[method] = np.asarray(getattr(self.estimator, method)(self.X))
        return self._answers[method][rows]

    def ranking(self):
        """Whatever method has been asked: scores of the second class."""
        (answer,) = [self.response] if self.response is not None else self._answers.values()
        answer = np.asarray(answer)
        return answer[:, 1] if answer.ndim == 2 else answer

    def predict(self, rows):
        return self._answer("predict", rows)

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))
    def predict_proba(self, rows):
        return self._answer("predict_proba", rows)

    @available_if(lambda self: hasattr(self.estimator, "decision_function"))
    def decision_function(self, rows):
        return self._answer("decision_function", rows)


def _record(step, score, drawn, clean, confidence_level):
    low, high = interval(drawn, confidence_level)
    fall_low, fall_high = interval(clean[1] - drawn, confidence_level)
    return {
        "kind": step.kind if step else "clean",
        "level": float(step.level) if step else np.nan,
        "perturbation": str(step) if step else "clean",
        "score": float(score),
        "score_low": low,
        "score_high": high,
        "fall": float(clean[0] - score),
        "fall_low": fall_low,
        "fall_high": fall_high,
    }


def _as_frame(records):
    try:
        import pandas as pd
    except ImportError:
        return records
    return pd.DataFrame.from_records(records)


def _records(results):
    return results.to_dict("records") if hasattr(results, "to_dict") else list(results)


def _levels(records, kind):
    return [record for record in records if record["kind"] == kind]


def _import_pyplot():
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "RobustnessCurveDisplay draws with matplotlib. Install it with: "
            "pip install 'skfakespot[plot]'"
        ) from error
    return plt
