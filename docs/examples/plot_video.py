# SPDX-License-Identifier: BSD-3-Clause
"""
============
Score videos
============

The detector scores single images. The score of a video is aggregated from the scores of its
frames. Reading videos needs PyAV: ``pip install 'skfakespot[video]'``.
"""

# %%
# Some videos
# -----------
# Each shows one face of the demonstration, over which a window moves. They are written without
# loss, because video compression removes much of what the fakes of the demonstration are
# recognised by. Leave this part out, and use videos of your own.

from pathlib import Path
from tempfile import TemporaryDirectory

import av

from skfakespot.datasets import load_demo_faces


def write_video(file, face):
    """Write a video of 16 frames, in which a window of 88 x 88 pixels moves over a face."""
    with av.open(str(file), "w") as container:
        stream = container.add_stream("ffv1", rate=8)
        stream.width = stream.height = 88
        stream.pix_fmt = "bgr0"
        for step in range(16):
            window = face[step // 2 : step // 2 + 88, step // 4 : step // 4 + 88]
            frame = av.VideoFrame.from_ndarray(window, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


faces = load_demo_faces()
temporary = TemporaryDirectory()
folder = Path(temporary.name)
for person in (97, 98, 99):
    write_video(folder / f"{person}-real.mkv", faces.data[person])
    write_video(folder / f"{person}-fake.mkv", faces.data[100 + person])

# %%
# A detector of frames
# --------------------
# The detector must see frames like the images that it was trained on. Here these are parts of
# faces. For whole pictures, ``make_fakespotter(faces=True, on_error="nan")`` finds the face in
# each frame.

from skfakespot import fake_probability, make_fakespotter

train = faces.groups < 50
detector = make_fakespotter(recipe="statistics")
detector.fit(faces.data[train][:, 6:94, 6:94], faces.target[train])

# %%
# Scores of videos
# ----------------
# :func:`~skfakespot.video.score_videos` scores eight frames of each video and takes their mean.
# Other ways, such as ``how="topk"``, find fakes in a few of the frames.

from skfakespot.video import score_videos

videos = sorted(folder.iterdir())
scores = score_videos(detector, videos, n=8)
scores["path"] = [Path(path).name for path in scores["path"]]
scores

# %%
# Scores of frames
# ----------------
# :func:`~skfakespot.video.expand_videos` puts frames in place of videos. They are decoded when an
# estimator reads them, so they may stand wherever images may.

import matplotlib.pyplot as plt

from skfakespot.video import expand_videos

frames = expand_videos(videos, n=8)
probability = fake_probability(detector, frames.data)

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
for video in videos:
    shown = frames.video == str(video)
    axes.plot(frames.times[shown], probability[shown], marker="o", label=video.name)
axes.set(xlabel="time (s)", ylabel="probability of fake", ylim=(-0.05, 1.05))
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
temporary.cleanup()
