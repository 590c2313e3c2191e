# SPDX-License-Identifier: BSD-3-Clause
"""Section 4.4 of the paper on your copy of Celeb-DF (v2): AUC on its testing videos.

The paper does not say on what the detector was trained. Give FaceForensics++ (its training part is
taken) or folders of real and fake faces; without them, Celeb-DF's own training videos are taken.
The frames of both sets are those that you extracted, or else those of the video files; give --faces
if they are whole pictures.

Run: python benchmarks/celebdf.py DIR/Celeb-DF-v2 --faceforensics DIR/FaceForensics++ --faces
"""

import argparse

import numpy as np
from paper_protocol import make_detector
from sklearn.metrics import roc_auc_score

from skfakespot.datasets import (
    check_leakage,
    load_celeb_df,
    load_face_folders,
    load_faceforensics,
)
from skfakespot.video import aggregate_labels, aggregate_scores

PAPER_AUC = 0.668
AGGREGATIONS = ("mean", "median", "max", "topk", "logsumexp")
# AUC on the frames of the testing videos, and what the published model was trained on.
OTHERS = {
    "Two-stream": (0.538, "SwapMe"),
    "Meso4": (0.548, "a set of its authors"),
    "MesoInception4": (0.536, "a set of its authors"),
    "HeadPose": (0.546, "UADFV"),
    "FWA": (0.569, "real faces, warped by its authors"),
    "VA-MLP": (0.550, "a set of its authors"),
    "VA-LogReg": (0.551, "a set of its authors"),
    "Xception-raw": (0.482, "FaceForensics++, raw"),
    "Xception-c23": (0.653, "FaceForensics++, c23"),
    "Xception-c40": (0.655, "FaceForensics++, c40"),
    "Multi-task": (0.543, "FaceForensics"),
    "Capsule": (0.575, "FaceForensics++"),
    "DSP-FWA": (0.646, "real faces, warped by its authors"),
}
PROVENANCE = """\
The other rows are those of the Celeb-DF paper (Li et al., CVPR 2020), which took the
published model of each method and trained none on Celeb-DF. The figures were not copied from the
paper but written from memory; the list github.com/neuralchen/awesome-deepfakes-detection has the
same ones (but none of HeadPose), and their mean, .569, is that in the figure of the data set's
repository. What the methods were trained on is from memory too, and was not checked."""


def main(argv=None):
    """Train, score the testing frames, and print the AUCs of frames and of videos."""
    options = parse(argv)
    train = load_training(options)
    test = load_celeb_df(
        options.root, subset="test", group_by="video", frames_per_video=options.frames_per_video
    )
    if options.real is None and options.faceforensics is None:
        report = check_leakage(train, test, max_distance=None)
        print(report, end="\n\n", flush=True)
    detector = make_detector(options, faces=options.faces, on_error="nan")
    score = detector.fit(train.data, train.target).predict_proba(test.data)[:, 1]
    scored = ~np.isnan(score)
    target, video, score = test.target[scored], test.video[scored], score[scored]
    _, is_fake = aggregate_labels(target, video)
    print(f"{options.backbone}, {options.features} output, seed {options.seed}")
    print(
        f"trained on {len(train.data)} images; tested on {len(score)} frames of "
        f"{len(is_fake)} videos, {is_fake.sum()} of them fake"
    )
    if not scored.all():
        print(f"left out: {(~scored).sum()} frames that cannot be read or hold no face")
    rows = {"frames": roc_auc_score(target, score)}
    for how in AGGREGATIONS:
        _, video_score = aggregate_scores(score, video, how)
        rows[f"videos, {how} of the frames"] = roc_auc_score(is_fake, video_score)
    rows["the paper (Figure 5)"] = PAPER_AUC
    print("\n" + "\n".join(f"{name:<32}{auc:.3f}" for name, auc in rows.items()))
    print_others(rows["frames"], name_training(options))


def print_others(own_auc, own_training):
    """Print the frames' AUC of this detector, the paper's and the others', from high to low."""
    others = sorted(OTHERS.items(), key=lambda item: -item[1][0])
    rows = [
        ("this detector", own_auc, own_training),
        ("FakeSpotter (the paper)", PAPER_AUC, "not stated, perhaps Celeb-DF"),
        *((name, *figures) for name, figures in others),
    ]
    print(f"\n{'AUC of the frames':<32}{'':<7}trained on")
    for name, auc, training in rows:
        print(f"{name:<32}{auc:<7.3f}{training}")
    print(f"\n{PROVENANCE}")


def parse(argv):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", metavar="CELEB_DF", help="folder of Celeb-DF")
    parser.add_argument("--faceforensics", metavar="DIR", help="train on this FaceForensics++")
    parser.add_argument("--real", metavar="DIR", help="train on these real faces and --fake")
    parser.add_argument("--fake", metavar="DIR")
    parser.add_argument(
        "--faces", action="store_true", help="find and crop the face of each image first"
    )
    parser.add_argument("--frames-per-video", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--backbone", default="dlib-resnet29", help="default: %(default)s")
    parser.add_argument("--features", choices=("layer", "channel"), default="layer")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    options = parser.parse_args(argv)
    if (options.real is None) != (options.fake is None):
        parser.error("give both --real and --fake, or neither")
    if options.real is not None and options.faceforensics is not None:
        parser.error("give either --faceforensics, or --real and --fake")
    return options


def load_training(options):
    """Faces to train on."""
    frames = options.frames_per_video
    if options.real is not None:
        return load_face_folders(real=options.real, fake=options.fake)
    if options.faceforensics is not None:
        return load_faceforensics(
            options.faceforensics, subset="train", frames_per_video=frames, group_by="video"
        )
    return load_celeb_df(options.root, subset="train", group_by="video", frames_per_video=frames)


def name_training(options):
    """What the detector is trained on, for the table."""
    if options.real is not None:
        return f"{options.real} and {options.fake}"
    if options.faceforensics is not None:
        return "FaceForensics++, c23, its training part"
    return "Celeb-DF, its training videos"


if __name__ == "__main__":
    main()
