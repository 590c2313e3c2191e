# SPDX-License-Identifier: BSD-3-Clause
"""Parameters that say which networks are read; cloning and pickling of estimators with them."""

from __future__ import annotations

import copy
import itertools
from os import PathLike
from typing import TYPE_CHECKING

from sklearn.utils.validation import check_is_fitted

from ._network import NetworkSpec, UnitedSpec
from ._sklearn_compat import InvalidParameterError
from .backbones import model_from_arrays, model_to_arrays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._typing import BackboneLike
    from .backbones import Backbone


class SharedNetworkMixin:
    """Clones share the networks in one parameter; pickles hold them as architectures and arrays."""

    _parameter_of_networks = "backbone"

    def __sklearn_clone__(self):
        # scikit-learn would deep-copy the user's network, which would then be compiled again.
        name = self._parameter_of_networks
        network = getattr(self, name)
        shell = object.__new__(type(self))
        vars(shell).update(vars(self), **{name: None})
        cloned = super(SharedNetworkMixin, shell).__sklearn_clone__()
        setattr(cloned, name, copy.copy(network) if _is_list(network) else network)
        return cloned

    def __getstate__(self):
        return self._with_networks(super().__getstate__(), model_to_arrays)

    def __setstate__(self, state):
        super().__setstate__(self._with_networks(state, model_from_arrays))

    def _with_networks(self, state, function):
        name = self._parameter_of_networks
        return {**state, name: _for_each(function, state[name])}


class NetworkParameterMixin(SharedNetworkMixin):
    """Says which networks the parameters `backbone`, `weights` and `image_size` stand for."""

    _sample_shape = None  # `fit` learns it

    if TYPE_CHECKING:
        backbone: BackboneLike | Sequence[BackboneLike]

    @property
    def backbone_(self) -> Backbone | list[Backbone]:
        """The network that is read, or the list of them, built again after unpickling."""
        check_is_fitted(self)
        backbones = self._network_spec().resolve().backbones
        return backbones if _is_list(self.backbone) else backbones[0]

    def _network_spec(self):
        specs = [
            NetworkSpec(
                backbone,
                weights=weights,
                layers=tuple(self.layers) if isinstance(self.layers, list) else self.layers,
                tap=self.tap,
                sample_shape=self._sample_shape,
                image_size=None if image_size is None else tuple(image_size),
                device=self.device,
                engine=engine,
                reductions=self.reductions,
            )
            for (backbone, weights, image_size), engine in zip(
                self._parameters_of_each(), self._engine_of_each(), strict=False
            )
        ]
        return UnitedSpec(tuple(specs)) if _is_list(self.backbone) else specs[0]

    def _engine_of_each(self):
        """The parameter `engine` for each network: what Keras was fitted with stays with Keras."""
        fitted = getattr(self, "engine_", None)
        if self.engine != "auto" or fitted is None:
            return itertools.repeat(self.engine)
        fitted = fitted if _is_list(fitted) else [fitted]
        known = ("keras" if engine == "keras" else "auto" for engine in fitted)
        return itertools.chain(known, itertools.repeat("auto"))

    def _parameters_of_each(self):
        """Parameters of each network: `backbone`, `weights` and `image_size`."""
        if not _is_list(self.backbone):
            if _is_list(self.weights):
                raise InvalidParameterError(
                    f"weights={self.weights!r} is a list, but backbone={self.backbone!r} is not. "
                    "Give the weights of this backbone, or lists for both."
                )
            return [(self.backbone, self.weights, self.image_size)]
        n_networks = len(self.backbone)
        if n_networks == 0:
            raise InvalidParameterError(
                "backbone is an empty list. Give at least one backbone, such as ['dlib-resnet29']."
            )
        weights, image_size = self.weights, self.image_size
        if weights in (None, "random"):
            weights = [weights] * n_networks
        if image_size is None or not any(size is None or _is_list(size) for size in image_size):
            image_size = [image_size] * n_networks
        if not _is_one_for_each(weights, n_networks, str | PathLike | None):
            raise InvalidParameterError(
                f"weights={weights!r} does not fit {n_networks} backbones. Give None, 'random', or "
                "a list with None, 'random' or the path of a file for each backbone."
            )
        if not _is_one_for_each(image_size, n_networks, tuple | list | None):
            raise InvalidParameterError(
                f"image_size={image_size!r} does not fit {n_networks} backbones. Give None, "
                "(height, width), or a list with None or (height, width) for each backbone."
            )
        return list(zip(self.backbone, weights, image_size, strict=True))


def _is_list(value):
    return isinstance(value, list | tuple)


def _is_one_for_each(values, n_networks, types):
    has_length = _is_list(values) and len(values) == n_networks
    return has_length and all(isinstance(value, types) for value in values)


def _for_each(function, backbone):
    """Call a function with a backbone, or with each of a list or tuple."""
    if not _is_list(backbone):
        return function(backbone)
    values = map(function, backbone)
    return tuple(values) if isinstance(backbone, tuple) else list(values)
