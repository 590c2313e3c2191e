# SPDX-License-Identifier: BSD-3-Clause
"""The paper's Table 2 on your faces, in both conventions, beside the paper's values.

A detector is trained and tested for each sort of fakes, in cross-validation. (The paper trains on
5,000 real and 5,000 fake faces and tests on 1,000 and 1,000 of other identities, once.)

Run: python benchmarks/table2.py --row StyleGAN DIR/real DIR/fake
"""

import argparse
import tempfile

import numpy as np
from paper_protocol import add_options, load_rows, make_detector, splits
from paper_table2 import format_table2


def main(argv=None):
    """Train, test, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    options = parser.parse_args(argv)
    predictions = {}
    for name, faces in load_rows(options).items():
        n_real, n_fake = np.bincount(faces.target)
        print(f"{name}: {n_real} real and {n_fake} fake faces, {options.folds} folds", flush=True)
        with tempfile.TemporaryDirectory() as memory:
            predictions[name] = [
                predict(make_detector(options, memory), faces, *rows)
                for rows in splits(faces, options)
            ]
    print(f"{options.backbone}, {options.features} output, seed {options.seed}\n")
    print(format_table2(predictions))


def predict(detector, faces, train, test):
    """Labels and probabilities of the test faces."""
    detector.fit(faces.data[train], faces.target[train])
    return faces.target[test], detector.predict_proba(faces.data[test])[:, 1]


if __name__ == "__main__":
    main()
