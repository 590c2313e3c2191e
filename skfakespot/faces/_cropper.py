# SPDX-License-Identifier: BSD-3-Clause
"""The transformer from photographs to crops of their faces."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import joblib
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Bunch

from .._crops import FaceCrop, MissingFace
from .._documentation import DocumentationLinkMixin
from .._image_inputs import ImageTransformerMixin
from .._progress import Pass, show_progress
from .._sklearn_compat import Interval, StrOptions
from ..images import ImageError
from ._alignment import locate_squares
from ._records import Search
from ._search import search_images, split_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import Images, Memory


class FaceCropper(DocumentationLinkMixin, ImageTransformerMixin, TransformerMixin, BaseEstimator):
    """Find the largest face of each image, and let the next step read the crop of it.

    The result holds a `FaceCrop` for each image, a small object that the next step reads like an
    image: the image is decoded, and the face cut out and scaled to the network's size in one
    resampling, batch by batch. So neither the images nor the crops are all in memory.

    Nothing is learnt from the images, so `fit` only checks them. `transform` keeps one row for
    each image, as the labels need it; `get_faces` returns all faces of an image.

    .. versionadded:: 0.1

    Parameters
    ----------
    detector : {"dlib"}, default="dlib"
        What finds the faces and their landmarks; see `detect_faces`.
    crop : {"aligned", "box", None}, default="aligned"
        What is cut out:

        - "aligned": a square that is turned so that the face is upright, as dlib does it.
        - "box": a square with the same centre and side, which is not turned. It comes from the
          landmarks, because the detector's own boxes have few different sizes: each is 6/5 of the
          next smaller one.
        - None: nothing; the images stay as they are, and those without a face are only warned of.
    margin : float, default=0.25
        What surrounds the mean face at each side, as a share of the face's side, at least 0.
        dlib's crops have 0.25.
    size : None or int, default=None
        None lets the reader scale the face from the image's own pixels to the size that it needs.
        With an int, the crop is first scaled to this height and width, in pixels.
    min_size : float, default=80
        Side of the smallest face that is looked for, in pixels, at least 1; see `detect_faces`.
    score_threshold : float, default=0.0
        Faces with a higher score are found; see `detect_faces`.
    on_no_face : {"nan", "raise", "whole"}, default="nan"
        What to do with an image in which no face is found, or which has too many pixels for
        `min_size`:

        - "nan": put a `MissingFace` in its place. For the next step it is an image that cannot be
          read: with ``on_error="nan"`` its row is NaN and a warning names the image, and with
          ``on_error="raise"`` an error does.
        - "raise": raise `skfakespot.images.ImageError`, which names the image.
        - "whole": keep the whole image, and warn with a `NoFaceWarning` that names it.
    memory : None, str, path-like or joblib.Memory, default=None
        Folder in which the faces of every image are kept, by the content of the image, for other
        processes and later runs. It may be the folder of the transformers' `memory`. With None,
        only this process keeps them, so that the folds of a cross-validation search each image
        once; `skfakespot.clear_caches` forgets them.
    n_jobs : None or int, default=None
        Number of joblib workers that the images are divided among, on the active joblib backend.
        Decoding and the detector use all cores in any case, so it helps on several machines only.
    verbose : int, default=0
        With 1, show the progress on stderr; see `skfakespot.NeuronCoverageTransformer`.

    Attributes
    ----------
    n_features_in_ : int
        Number of values of one sample in `fit`: pixels and colours of an array, and 1 for a path
        or an image of its own size.
    feature_names_in_ : ndarray of shape (n_features,), object
        Names of the columns, where X was a DataFrame with string names.

    See Also
    --------
    detect_faces : The faces of one image.
    expand_faces : Crops of all faces of each image, instead of the largest face.
    FaceDisplay : A picture of the images and what is cut out of them.
    skfakespot.make_fakespotter : With ``faces=True`` this is the first step of a detector.

    Notes
    -----
    An image that cannot be read stays as it is, so that the `on_error` of the next step decides.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.faces import FaceCropper
    >>> images = np.zeros((2, 100, 120, 3), dtype="uint8")
    >>> crops = FaceCropper().fit_transform(images)
    >>> crops.shape, crops[0].reason
    ((2,), 'no face was found in it')
    """

    _purpose_of_images = "faces are found in images"
    _parameter_constraints = {
        "detector": [StrOptions({"dlib"})],
        "crop": [StrOptions({"aligned", "box"}), None],
        "margin": [Interval(Real, 0, None, closed="left")],
        "size": [Interval(Integral, 1, None, closed="left"), None],
        "min_size": [Interval(Real, 1, None, closed="left")],
        "score_threshold": [Interval(Real, None, None, closed="neither")],
        "on_no_face": [StrOptions({"nan", "raise", "whole"})],
        "memory": [None, str, PathLike, joblib.Memory],
        "n_jobs": [None, Integral],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        detector: Literal["dlib"] = "dlib",
        *,
        crop: Literal["aligned", "box"] | None = "aligned",
        margin: float = 0.25,
        size: int | None = None,
        min_size: float = 80,
        score_threshold: float = 0.0,
        on_no_face: Literal["nan", "raise", "whole"] = "nan",
        memory: Memory = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.detector = detector
        self.crop = crop
        self.margin = margin
        self.size = size
        self.min_size = min_size
        self.score_threshold = score_threshold
        self.on_no_face = on_no_face
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose

    def transform(self, X: Images) -> Any:
        """Find the largest face of each image.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.

        Returns
        -------
        crops : ndarray of shape (n_samples,), object
            A `FaceCrop` for each image, or what `on_no_face` puts in its place; an image that
            cannot be read as it is. With ``crop=None`` it is X.

        Raises
        ------
        ImageError
            A ValueError: an image has no face, and ``on_no_face="raise"``.

        Warns
        -----
        NoFaceWarning
            If an image has no face, and ``on_no_face="whole"`` or ``crop=None``.
        """
        samples = self._check_X(X)
        crops = np.empty(len(samples), dtype=object)
        for row, (elements, _) in enumerate(self._replace_images(samples, only_largest=True)):
            (crops[row],) = elements
        return X if self.crop is None else crops

    def get_faces(self, X: Images) -> list[Bunch]:
        """Find all faces of each image.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.

        Returns
        -------
        faces : list of Bunch
            For each image what `detect_faces` returns, and ``crops``: a list with the `FaceCrop` of
            each face, which is empty with ``crop=None``. The largest face is the first one.

        Raises
        ------
        ImageError
            A ValueError: an image cannot be read, or has too many pixels for `min_size`.

        Examples
        --------
        >>> import numpy as np
        >>> from skfakespot.faces import FaceCropper
        >>> (faces,) = FaceCropper().get_faces(np.zeros((1, 100, 120, 3), dtype="uint8"))
        >>> faces.boxes.shape, faces.crops
        ((0, 4), [])
        """
        samples = self._check_X(X)
        faces = []
        for row, found in enumerate(self._search(samples)):
            if found.problem is not None:
                raise ImageError(samples.name(row), found.problem)
            boxes, scores, landmarks = split_numbers(found.faces)
            faces.append(
                Bunch(
                    boxes=boxes.astype(np.int64),
                    scores=scores,
                    landmarks=landmarks,
                    crops=self._crops(samples[row], found.faces),
                )
            )
        return faces

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name of the column of crops, for `set_output`.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (1,), object
            ``["face"]``.
        """
        return np.array(["face"], dtype=object)

    def _search(self, samples):
        def show(groups, n_images):
            about = Pass("find faces", n_images, n_images)
            return show_progress(groups, about, enabled=bool(self.verbose))

        search = Search(self.min_size, self.score_threshold)
        return search_images(samples, search, memory=self.memory, n_jobs=self.n_jobs, show=show)

    def _crops(self, image, faces):
        if self.crop is None:
            return []
        _, _, landmarks = split_numbers(faces)
        squares = locate_squares(landmarks, self.margin, turned=self.crop == "aligned")
        return [FaceCrop(image, *square, size=self.size) for square in squares]

    def _replace_images(self, samples, *, only_largest=False):
        """Yield for each image a list of what replaces it in the result, and its faces."""
        n_rows = 0
        for row, found in enumerate(self._search(samples)):
            faces = found.faces[:1] if only_largest else found.faces
            if len(faces):
                elements = self._crops(samples[row], faces) or [samples[row]]
            else:
                elements = [self._replace_without_face(samples, row, found, n_rows)]
            n_rows += len(elements)
            yield elements, faces

    def _replace_without_face(self, samples, row, found, row_of_result):
        image = samples[row]
        if not found.is_readable:
            return image
        missing = MissingFace(image) if found.problem is None else MissingFace(image, found.problem)
        if self.on_no_face == "raise":
            raise ImageError(samples.name(row), missing.reason)
        if self.on_no_face == "nan" and self.crop is not None:
            return missing
        warning = NoFaceWarning(samples.name(row), missing.reason, row_of_result)
        warnings.warn(warning, stacklevel=4)
        return image


class NoFaceWarning(UserWarning):
    """An image in which no face was found, and which is used as a whole.

    .. versionadded:: 0.1

    Parameters
    ----------
    source : str
        The image's path, or its position such as ``"image 3 of X"``; all parameters are
        attributes too.
    reason : str
        Why there is no face.
    index : int
        The row of the image in the result.

    Examples
    --------
    >>> from skfakespot.faces import NoFaceWarning
    >>> str(NoFaceWarning("landscape.jpg", "no face was found in it", 3))
    'landscape.jpg: no face was found in it. Row 3 of the result is the whole image.'
    """

    def __init__(self, source: str, reason: str, index: int) -> None:
        super().__init__(source, reason, index)
        self.source, self.reason, self.index = source, reason, index

    def __str__(self):
        return f"{self.source}: {self.reason}. Row {self.index} of the result is the whole image."
