"""The rivals by name: `make_rival` and `list_rivals`."""

from typing import NamedTuple

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, LinearSVC

from .._perturbations import did_you_mean
from ..preprocessing import BlockwiseStandardScaler
from ..ridge import DualRidgeClassifier
from ._cooccurrence import CooccurrenceTransformer
from ._log_dct import LogDCTTransformer
from ._log_spectrum import LogSpectrumTransformer
from ._principal_components import PrincipalComponents
from ._radial_spectrum import RadialSpectrumTransformer
from ._residual_cooccurrence import ResidualCooccurrenceTransformer
from ._saturation import SaturationTransformer


class RivalCard(NamedTuple):
    """Facts about a rival.

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
)


def list_rivals():
    """Describe the detectors that `make_rival` makes.

    Returns
    -------
    cards : list of RivalCard
        Name, source, what it needs, and the licence of the authors' own code.

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
    """
    return list(_CARDS)


def make_rival(name, *, random_state=None):
    """Make an unfitted detector that FakeSpotter is compared with.

    It takes the same images as `skfakespot.make_fakespotter`, as paths or arrays. "Rivals" in the
    user guide says what each is made of, and where it differs from its paper.

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
    random_state : None, int or RandomState, default=None
        Seed of the steps that use random numbers: the solvers of "saturation" and of
        "autogan-spectrum".

    Returns
    -------
    rival : sklearn.pipeline.Pipeline
        Its first step is ``features``, a transformer of images, and its last ``classify``. The
        ridge and logistic regressions have `predict_proba`; the others have decision values only.

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
    return Pipeline(_MAKERS[name](random_state))


def _radial_spectrum(_random_state):
    # The parameters are those of the paper's experiments.
    return [("features", RadialSpectrumTransformer()), ("classify", SVC(C=6.37, gamma=0.86))]


def _log_dct(_random_state):
    return [
        ("features", LogDCTTransformer()),
        # The features belong to the Pipeline alone, so that they need not be copied.
        ("scale", BlockwiseStandardScaler(copy=False)),
        ("classify", DualRidgeClassifier()),
    ]


def _cooccurrence(_random_state):
    return [("features", CooccurrenceTransformer()), ("classify", DualRidgeClassifier())]


def _saturation(random_state):
    classifier = LinearSVC(random_state=random_state)
    return [("features", SaturationTransformer()), ("classify", classifier)]


def _autogan_spectrum(random_state):
    return [
        ("features", LogSpectrumTransformer()),
        ("components", PrincipalComponents(256, random_state=random_state)),
        ("classify", LogisticRegression(C=0.01, max_iter=1000)),
    ]


def _residual_cooccurrence(_random_state):
    return [("features", ResidualCooccurrenceTransformer()), ("classify", DualRidgeClassifier())]


_MAKERS = {
    "radial-spectrum": _radial_spectrum,
    "log-dct": _log_dct,
    "cooccurrence": _cooccurrence,
    "saturation": _saturation,
    "autogan-spectrum": _autogan_spectrum,
    "residual-cooccurrence": _residual_cooccurrence,
}
