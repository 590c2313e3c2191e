# SPDX-License-Identifier: BSD-3-Clause
"""AUC of small faces by the size that they are resized to for the backbone.

Run: python benchmarks/image_sizes.py --real DIR --fake DIR
"""

import argparse
import io

import numpy as np
from PIL import Image
from sklearn.model_selection import StratifiedKFold, cross_val_score

from skfakespot import make_fakespotter
from skfakespot.datasets import load_face_folders


def main(arguments=None):
    """Shrink the faces, read them at several sizes, and print the AUC over the folds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--backbone", default="dlib-resnet29")
    parser.add_argument("--weights", metavar="FILE", help="of the backbone; default: its own")
    parser.add_argument("--sizes", type=int, nargs="+", default=[112, 128, 160, 200])
    parser.add_argument("--read-at", type=int, nargs="+", default=[256])
    parser.add_argument("--quality", type=int, help="of JPEG; default: without compression")
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args(arguments)
    faces = load_face_folders(real=options.real, fake=options.fake)
    folds = StratifiedKFold(options.folds, shuffle=True, random_state=0)
    detector = make_fakespotter(options.backbone, recipe="statistics")
    detector.set_params(coverage__weights=options.weights)
    for size in options.sizes:
        images = np.stack([shrink(path, size, options.quality) for path in faces.data])
        for read_at in sorted({size, *options.read_at, 2 * size}):
            detector.set_params(coverage__image_size=(read_at, read_at))
            # Statistics learn nothing from the images, so that one pass serves all folds.
            features = detector[:1].fit_transform(images)
            scores = cross_val_score(
                detector[1:], features, faces.target, cv=folds, scoring="roc_auc"
            )
            print(f"{options.backbone}, faces of {size} px read at {read_at} px: ", end="")
            print(f"{scores.mean():.3f} ± {scores.std():.3f}", flush=True)


def shrink(path, size, quality=None):
    """Read a face, shrink it to a square, and compress it if a quality is given."""
    with Image.open(path) as image:
        image = image.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
    if quality is not None:
        file = io.BytesIO()
        image.save(file, format="JPEG", quality=quality)
        image = Image.open(file)
    return np.asarray(image)


if __name__ == "__main__":
    main()
