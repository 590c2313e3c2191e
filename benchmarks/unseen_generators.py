# SPDX-License-Identifier: BSD-3-Clause
"""Recall of fakes whose generator the detector was not trained on, and what raises it.

The fakes are those of FAKE, named StyleGAN here, and simulated ones: each real face is shrunk by 2
or 4 and brought back to its size by the up-sampling stages of a generator ("zero insertion",
"nearest + convolution" or "bilinear"). With the treatment "whole" that is the fake; with "blended"
only the middle of the face is replaced. So that neither the lost detail nor the second compression
gives the fakes away, the same faces, enlarged by an ordinary bicubic filter in place of the stages,
are real faces of the same treatment. All are compressed to JPEG of quality 75 afterwards.

A fold holds a fifth of the faces out, with all that was made of them. The threshold for 5 % false
alarms is a quantile of the scores of the training folds' real faces, each by a detector trained
without that face, among the real faces with the treatment of the tested fakes.

The detector is that of recipe="statistics": its features and its ridge regression, with the
penalty chosen on left-out faces among the same values. Features are standardised by the training
folds' plain real faces, so that the inner products of all faces are computed once a fold.

Run: python benchmarks/unseen_generators.py --real DIR --fake DIR --memory DIR
"""

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from sklearn.base import BaseEstimator, clone
from sklearn.covariance import EmpiricalCovariance, LedoitWolf
from sklearn.decomposition import KernelPCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import KFold
from sklearn.preprocessing import KernelCenterer
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from skfakespot import PerturbationAugmenter, make_fakespotter
from skfakespot._perturbations import double_size, draw_kernel
from skfakespot.augmentation import perturb
from skfakespot.datasets import load_face_folders
from skfakespot.images import load_image

# By the name in the tables, the name in the package.
STAGES = {
    "zero insertion": "zero-insertion",
    "nearest + convolution": "nearest",
    "bilinear": "bilinear",
}
TREATMENTS = ("whole", "blended")
COPY_LEVELS = {"compression": (90, 70, 50, 30), "resize": (0.9, 0.7, 0.5)}
JPEG_QUALITY = 75
FALSE_ALARMS = 0.05
EARLY_LAYERS = "^(stem|stage1|stage2)"


class Simulator:
    """The up-sampling stages of three generators, and an ordinary enlargement, for real faces."""

    def __init__(self, n_faces, seed):
        random = np.random.RandomState(seed)
        self.factors = random.choice([2, 4], n_faces)
        self.kernels = {stage: draw_kernel(own, random) for stage, own in STAGES.items()}

    def simulate(self, faces, stage, treatment):
        """Return the faces as fakes; with ``stage="real"``, as real faces of the same treatment."""
        made = np.empty_like(faces)
        for number, (face, factor) in enumerate(zip(faces, self.factors, strict=True)):
            made[number] = self._simulate_one(face, factor, stage, treatment)
        return perturb(made, "compression", JPEG_QUALITY)

    def _simulate_one(self, face, factor, stage, treatment):
        height, width = face.shape[:2]
        image = Image.fromarray(face)
        small = image.resize((width // factor, height // factor), Image.Resampling.BICUBIC)
        if stage == "real":
            made = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), float)
        else:
            made = np.moveaxis(np.asarray(small, float), -1, 0)
            while made.shape[1] < height:
                made = double_size(made, STAGES[stage], self.kernels[stage])
            made = np.moveaxis(made, 0, -1)
        if treatment == "blended":
            mask = middle_of_face(height, width)[..., np.newaxis]
            made = mask * made + (1 - mask) * face
        return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def middle_of_face(height, width):
    """Return a mask that is 1 in an ellipse, 0 outside, with a soft edge between."""
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    radius = np.hypot(rows / 0.6, columns / 0.5)
    return np.clip((1.15 - radius) / 0.3, 0, 1)


def load_images(options):
    """Return the images of each kind, "generator, treatment"; image i of each is of face i."""
    faces = load_face_folders(real=options.real, fake=options.fake)
    real, fake = ([load_image(path) for path in faces.data[faces.target == y]] for y in (0, 1))
    n_faces = min(len(real), len(fake))
    if len({image.shape for image in [*real, *fake]}) > 1 or any(n % 4 for n in real[0].shape[:2]):
        raise SystemExit("All images must have one size, whose height and width 4 divides.")
    real, fake = np.stack(real[:n_faces]), np.stack(fake[:n_faces])
    images = {"real, plain": real, "StyleGAN, plain": fake}
    simulator = Simulator(n_faces, options.seed)
    for treatment in TREATMENTS:
        for stage in ("real", *STAGES):
            images[f"{stage}, {treatment}"] = simulator.simulate(real, stage, treatment)
    augmenter = PerturbationAugmenter(
        list(COPY_LEVELS), levels=COPY_LEVELS, keep_original=False, random_state=options.seed
    )
    copies, _ = augmenter.fit_resample(np.concatenate([real, fake]), np.repeat([0, 1], n_faces))
    images["real, copy"], images["StyleGAN, copy"] = copies[:n_faces], copies[n_faces:]
    return images


class CentredKernelRidge(BaseEstimator):
    """DualRidgeClassifier without its sigmoid, from inner products of the samples."""

    def __init__(self, alpha):
        self.alpha = alpha

    def fit(self, kernel, y):
        """Fit to a matrix of inner products; alpha is relative to the mean squared distance."""
        self.centerer_ = KernelCenterer()
        kernel = self.centerer_.fit_transform(kernel)
        alpha = self.alpha * np.trace(kernel) / len(kernel)
        self.intercept_ = y.mean()
        ridge = KernelRidge(alpha=alpha, kernel="precomputed")
        self.ridge_ = ridge.fit(kernel, y - self.intercept_)
        return self

    def decision_function(self, kernel):
        """Return scores, from inner products with the training samples."""
        return self.intercept_ + self.ridge_.predict(self.centerer_.transform(kernel))


class DistanceToReal(BaseEstimator):
    """Squared Mahalanobis distance to the training samples, on their principal components."""

    def __init__(self, covariance, n_components=64):
        self.covariance = covariance
        self.n_components = n_components

    def fit(self, kernel, y=None):  # noqa: ARG002 - scikit-learn's
        """Fit to a matrix of inner products of real faces."""
        n_components = min(self.n_components, len(kernel) // 2)
        self.components_ = KernelPCA(n_components, kernel="precomputed", random_state=0)
        self.covariance_ = clone(self.covariance).fit(self.components_.fit_transform(kernel))
        return self

    def decision_function(self, kernel):
        """Return the distances, from inner products with the training samples."""
        return self.covariance_.mahalanobis(self.components_.transform(kernel))


RIDGE = tuple(CentredKernelRidge(alpha) for alpha in (0.001, 0.01, 0.1))
SVM = (SVC(C=3.0, kernel="precomputed"),)


class Kernels(NamedTuple):
    """Inner products of the training rows with each other, and of the test rows with them."""

    train: np.ndarray
    test: np.ndarray


class Scores(NamedTuple):
    """Scores of the test rows; scores of the training rows by detectors that lack their faces."""

    test: np.ndarray
    left_out: np.ndarray


class Fold:
    """The rows to train on, the rows to test on, and what a detector says of them."""

    def __init__(self, kinds, train, test, seed):
        tested = [kind for kind in kinds if not kind.endswith("copy")]
        order = np.random.RandomState(seed).permutation(len(train))
        self.train, self.test, self.kinds, self.tested = train, test, kinds, tested
        self.kind, self.test_kind = np.repeat(kinds, len(train)), np.repeat(tested, len(test))
        self.order = np.tile(order, len(kinds))
        self.is_real = np.char.startswith(self.kind, "real")

    def kernels(self, features, columns=slice(None), kernel=None):
        """Standardise features by the plain real faces, and multiply them."""
        real = features["real, plain"][self.train][:, columns]
        mean, deviation = real.mean(axis=0, dtype=float), real.std(axis=0, dtype=float)
        mean, deviation = mean.astype(np.float32), np.where(deviation > 1e-7, deviation, 1)
        factor = (1 / deviation).astype(np.float32)

        def standardised(kinds, faces):
            parts = (features[kind][faces][:, columns] for kind in kinds)
            return np.concatenate([(part - mean) * factor for part in parts])

        train, test = standardised(self.kinds, self.train), standardised(self.tested, self.test)
        if kernel is not None:
            return Kernels(kernel(train), kernel(test, train))
        return Kernels((train @ train.T).astype(float), (test @ train.T).astype(float))

    def choose_rows(self, *kinds, treatments=(), stages=STAGES):
        """Return whether each training row is of these kinds, or a chosen simulated fake.

        One fake is simulated of each face, by each stage and treatment in turn; the real face of
        the same treatment is chosen with it.
        """
        chosen = np.isin(self.kind, ["real, plain", *kinds])
        simulated = [(stage, treatment) for treatment in treatments for stage in stages]
        for number, (stage, treatment) in enumerate(simulated):
            pair = np.isin(self.kind, [f"{stage}, {treatment}", f"real, {treatment}"])
            chosen |= pair & (self.order % len(simulated) == number)
        return chosen

    def score(self, kernels, chosen, candidates, n_inner_folds):
        """Train the candidate that errs least on left-out faces, and score with it."""
        y, scored = np.where(self.is_real, -1.0, 1.0), chosen | self.is_real
        n_inner_folds = min(n_inner_folds, len(self.train))
        inner = self.order * n_inner_folds // len(self.train)
        left_out = np.full((len(candidates), len(y)), np.nan)
        for number in range(n_inner_folds):
            rows = np.flatnonzero(chosen & (inner != number))
            others = np.flatnonzero(scored & (inner == number))
            among_rows, with_others = (kernels.train[np.ix_(each, rows)] for each in (rows, others))
            for scores, candidate in zip(left_out, candidates, strict=True):
                detector = clone(candidate).fit(among_rows, y[rows])
                scores[others] = detector.decision_function(with_others)
        best = np.argmin(np.mean((left_out - y)[:, chosen] ** 2, axis=1))
        rows = np.flatnonzero(chosen)
        detector = clone(candidates[best]).fit(kernels.train[np.ix_(rows, rows)], y[rows])
        return Scores(detector.decision_function(kernels.test[:, rows]), left_out[best])

    def measure(self, scores, generator, treatment):
        """Return AUC, recall and false alarms on the test fakes of a generator."""
        real = scores.test[self.test_kind == f"real, {treatment}"]
        fake = scores.test[self.test_kind == f"{generator}, {treatment}"]
        training = scores.left_out[self.kind == f"real, {treatment}"]
        threshold = np.quantile(training, 1 - FALSE_ALARMS)
        y = np.repeat([0, 1], [len(real), len(fake)])
        auc = roc_auc_score(y, np.concatenate([real, fake]))
        return auc, np.mean(fake > threshold), np.mean(real > threshold)


class Detector(NamedTuple):
    """What a detector is trained on, beside plain real faces, and what it reads."""

    kinds: tuple = ()
    treatments: tuple = ()
    reading: str = "statistics"
    candidates: tuple = RIDGE
    n_inner_folds: int = 3

    def score(self, fold, kernels, stages):
        """Train and score in a fold, with these stages simulated."""
        chosen = fold.choose_rows(*self.kinds, treatments=self.treatments, stages=stages)
        return fold.score(kernels[self.reading], chosen, self.candidates, self.n_inner_folds)


KNOWN = ("StyleGAN, plain",)
WITH_STYLEGAN = {
    "nothing": Detector(KNOWN),
    "JPEG and resized copies": Detector((*KNOWN, "StyleGAN, copy", "real, copy")),
    "simulated fakes": Detector(KNOWN, ("whole",)),
    "simulated fakes, half blended": Detector(KNOWN, TREATMENTS),
    "early layers only": Detector(KNOWN, reading="early layers"),
    "counts, RBF-SVM": Detector(KNOWN, reading="counts", candidates=SVM),
}
WITHOUT_STYLEGAN = {
    "simulated fakes": Detector((), ("whole",)),
    "simulated fakes, half blended": Detector((), TREATMENTS),
    "simulated, early layers only": Detector((), ("whole",), "early layers"),
    "simulated, counts, RBF-SVM": Detector((), ("whole",), "counts", SVM),
    # Distances grow with the number of real faces, so that few may be left out for the threshold.
    **{
        f"no fakes, {type(covariance).__name__}": Detector(
            candidates=(DistanceToReal(covariance),), n_inner_folds=20
        )
        for covariance in (LedoitWolf(), EmpiricalCovariance())
    },
}
TWO_DETECTORS = "simulated, a second detector"


def measure_with_stylegan(fold, score):
    """Yield row, column and measures; simulated fakes are those of a stage not trained on."""
    for name, detector in {**WITH_STYLEGAN, TWO_DETECTORS: None}.items():
        scores = {}
        for stage in STAGES:
            if name == TWO_DETECTORS:
                both = (
                    score(WITH_STYLEGAN["nothing"]),
                    score(WITHOUT_STYLEGAN["simulated fakes"], left_out=stage),
                )
                scores[stage] = Scores(*(np.maximum(*pair) for pair in zip(*both, strict=True)))
            else:
                scores[stage] = score(detector, left_out=stage if detector.treatments else None)
        for column, kind in (("StyleGAN", "plain"), ("whole", "whole"), ("blended", "blended")):
            measures = [
                fold.measure(scores[stage], "StyleGAN" if kind == "plain" else stage, kind)
                for stage in STAGES
            ]
            yield name, column, np.mean(measures, axis=0)


def measure_without_stylegan(fold, score):
    """Yield row, column and measures; simulated fakes are those of the stages trained on."""
    for name, detector in WITHOUT_STYLEGAN.items():
        scores = score(detector)
        yield name, "StyleGAN", fold.measure(scores, "StyleGAN", "plain")
        measures = [fold.measure(scores, stage, "whole") for stage in STAGES]
        yield name, "whole", np.mean(measures, axis=0)


def measure_left_out(fold, score):
    """Yield each generator, whether it is left out or known, and measures."""
    everything = WITH_STYLEGAN["simulated fakes"]
    for generator in ("StyleGAN", *STAGES):
        treatment = "plain" if generator == "StyleGAN" else "whole"
        left_out = (
            score(WITHOUT_STYLEGAN["simulated fakes"])
            if generator == "StyleGAN"
            else score(everything, left_out=generator)
        )
        yield generator, "left out", fold.measure(left_out, generator, treatment)
        yield generator, "known", fold.measure(score(everything), generator, treatment)


TABLES = {
    "Each generator left out, trained on the others": measure_left_out,
    "Trained on StyleGAN, with": measure_with_stylegan,
    "Trained without StyleGAN, on": measure_without_stylegan,
}


def read_statistics(images, options):
    """Return the statistics of each kind of images, and the names of the layers."""
    coverage = make_coverage(options, "statistics", recipe="statistics")
    coverage.fit(images["real, plain"][:2])  # the statistics do not depend on it
    features = {kind: coverage.transform(each) for kind, each in images.items()}
    return features, [name.split(":")[0] for name in coverage.get_feature_names_out()]


def make_coverage(options, folder, **parameters):
    """Make the transformer of a recipe, with a folder for its profiles."""
    memory = Path(options.memory, folder)
    detector = make_fakespotter(memory=memory, **parameters)
    return detector.named_steps["coverage"]


def measure_fold(images, features, layers, rows, options):
    """Yield table, row, column and measures of a fold."""
    fold = Fold(list(images), *rows, options.seed)
    counting = make_coverage(options, "counts", output="channel")
    counting.fit(images["real, plain"][rows[0]])
    counts = {kind: counting.transform(each) for kind, each in images.items()}
    early = np.flatnonzero([re.search(EARLY_LAYERS, layer) for layer in layers])
    kernels = {
        "statistics": fold.kernels(features),
        "early layers": fold.kernels(features, early),
        "counts": fold.kernels(counts, kernel=rbf_kernel),  # gamma is 1 / n_features
    }
    known = {}

    def score(detector, left_out=None):
        key = detector, left_out
        if key not in known:
            stages = [stage for stage in STAGES if stage != left_out]
            # Threads that wait for each other are slower than one, on a busy machine.
            with threadpool_limits(1):
                known[key] = detector.score(fold, kernels, stages)
        return known[key]

    for table, measures in TABLES.items():
        for row, column, values in measures(fold, score):
            yield table, row, column, values


def main(arguments=None):
    """Measure every fold, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", required=True, help="folder of real faces")
    parser.add_argument("--fake", required=True, help="folder of fakes of one generator")
    parser.add_argument("--memory", required=True, help="folder that keeps what the network says")
    parser.add_argument("--folds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    options = parser.parse_args(arguments)
    images = load_images(options)
    features, layers = read_statistics(images, options)
    results = {table: defaultdict(lambda: defaultdict(list)) for table in TABLES}
    splitter = KFold(options.folds, shuffle=True, random_state=options.seed)
    for number, rows in enumerate(splitter.split(images["real, plain"])):
        print(f"fold {number + 1}", file=sys.stderr)
        for table, row, column, values in measure_fold(images, features, layers, rows, options):
            results[table][row][column].append(values)
    n_faces = len(images["real, plain"])
    print(f"{n_faces} real faces, {n_faces} StyleGAN faces, {options.folds} folds, AUC, and recall")
    print(f"(false alarms) at a threshold meant for false alarms of {FALSE_ALARMS}")
    for table, rows in results.items():
        print_table(table, rows)


def print_table(title, rows):
    """Print mean and standard deviation over the folds."""
    columns = list(next(iter(rows.values())))
    print(f"\n{title:<48}" + "".join(f"{column:<40}" for column in columns).rstrip())
    for row, cells in rows.items():
        line = f"{row:<48}"
        for column in columns:
            auc, recall, false_alarms = np.transpose(cells[column])
            line += f"{summarise(auc)}, {summarise(recall)} ({np.mean(false_alarms):.3f})    "
        print(line.rstrip())


def summarise(values):
    """Return mean and standard deviation as text."""
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


if __name__ == "__main__":
    main()
