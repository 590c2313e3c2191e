"""Section 4.4 of the paper on your copy of Celeb-DF (v2): AUC on its testing videos.

The paper does not say on what the detector was trained. Give FaceForensics++ (its training part is
taken) or folders of real and fake faces; without them, Celeb-DF's own training videos are taken.

Run: python benchmarks/celebdf.py DIR/Celeb-DF-v2 --faceforensics DIR/FaceForensics++
"""

import argparse

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
    detector = make_detector(options).fit(train.data, train.target)
    score = detector.predict_proba(test.data)[:, 1]
    _, is_fake = aggregate_labels(test.target, test.video)
    print(f"{options.backbone}, {options.features} output, seed {options.seed}")
    print(
        f"trained on {len(train.data)} images; tested on {len(test.data)} frames of "
        f"{len(is_fake)} videos, {is_fake.sum()} of them fake\n"
    )
    rows = {"frames": roc_auc_score(test.target, score)}
    for how in AGGREGATIONS:
        _, video_score = aggregate_scores(score, test.video, how)
        rows[f"videos, {how} of the frames"] = roc_auc_score(is_fake, video_score)
    rows["the paper (Figure 5)"] = PAPER_AUC
    print("\n".join(f"{name:<32}{auc:.3f}" for name, auc in rows.items()))


def parse(argv):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", metavar="CELEB_DF", help="folder of Celeb-DF, frames extracted")
    parser.add_argument("--faceforensics", metavar="DIR", help="train on this FaceForensics++")
    parser.add_argument("--real", metavar="DIR", help="train on these real faces and --fake")
    parser.add_argument("--fake", metavar="DIR")
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


if __name__ == "__main__":
    main()
