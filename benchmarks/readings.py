"""AUC of the readings of mean neuron coverage, by grid search over the detector's parameters.

Run: python benchmarks/readings.py --real DIR --fake DIR
"""

import argparse
import tempfile
from pathlib import Path

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skfakespot import FakeSpotterClassifier, NeuronCoverageTransformer
from skfakespot.datasets import load_face_folders

READINGS = {
    "layer counts (the paper)": {},
    "layer counts, convolutions only": {"coverage__layers": "conv"},
    "layer counts of channel means": {"coverage__neuron": "channel"},
    "layer counts after the activation": {"coverage__tap": "activation"},
    "feature-map counts": {"coverage__output": "channel"},
    "feature-map counts after the activation": {
        "coverage__output": "channel",
        "coverage__tap": "activation",
    },
    "layer counts at 224 px": {"coverage__image_size": (224, 224)},
    "feature-map counts at 224 px": {
        "coverage__output": "channel",
        "coverage__image_size": (224, 224),
    },
    "the same after the activation": {
        "coverage__output": "channel",
        "coverage__tap": "activation",
        "coverage__image_size": (224, 224),
    },
}
CLASSIFIERS = {
    "logistic regression": LogisticRegression(C=0.01, max_iter=2000),
    "RBF-SVM": SVC(C=3.0),
    "the paper's MLP": FakeSpotterClassifier(random_state=0),
}


def main():
    """Search, then print mean and standard deviation of the folds' AUCs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    options = parser.parse_args()
    faces = load_face_folders(real=options.real, fake=options.fake)
    grid = [
        {name: [value] for name, value in reading.items()}
        | {"classify": list(CLASSIFIERS.values())}
        for reading in READINGS.values()
    ]
    with tempfile.TemporaryDirectory() as memory:
        coverage = NeuronCoverageTransformer(memory=Path(memory, "profiles"))
        steps = [("coverage", coverage), ("scale", StandardScaler())]
        steps.append(("classify", CLASSIFIERS["RBF-SVM"]))
        search = GridSearchCV(
            Pipeline(steps, memory=memory),
            grid,
            cv=StratifiedKFold(5, shuffle=True, random_state=0),
            scoring="roc_auc",
            refit=False,
        )
        search.fit(faces.data, faces.target)
    results = search.cv_results_
    cells = iter(zip(results["mean_test_score"], results["std_test_score"], strict=True))
    print(f"{'reading':<42}" + "".join(f"{name:>22}" for name in CLASSIFIERS))
    for reading in READINGS:
        row = [next(cells) for _ in CLASSIFIERS]
        print(f"{reading:<42}" + "".join(f"{m:>15.3f} ± {s:.3f}" for m, s in row))


if __name__ == "__main__":
    main()
