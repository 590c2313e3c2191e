# SPDX-License-Identifier: BSD-3-Clause
"""What a reduction computes of a layer inside the compiled step, and what comes back of it."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np


class Inside(NamedTuple):
    """The neurons of a batch that are handed over one by one.

    Parameters
    ----------
    mask, values : tensor of shape (n_images, n_neurons)
        Which neurons, bool, and the outputs of all, float32.
    n_maps : int or None
        Number of feature maps, if the map of each neuron is handed over too. Neuron i belongs to
        map i modulo `n_maps`.
    first_columns : ndarray of shape (n_neurons // n_maps,), int32
        Column of the first map at each place; zeros where places have no columns of their own.
    """

    mask: Any
    values: Any
    n_maps: int | None
    first_columns: np.ndarray | None


class LayerResults(NamedTuple):
    """Tensors that a plan computes of a layer, by name.

    Parameters
    ----------
    rows : dict of str to tensor of shape (n_images, width)
        Tensors of the same name have the same dtype in every layer.
    sums : dict of str to tensor
        Of type `Operations.add_exactly`; they arrive as (n_images, n_maps), float64.
    inside : Inside or None
        Arrives as "lengths" (n_images,), int32, "values", image by image, float32, and "columns".
    """

    rows: dict[str, Any]
    sums: dict[str, Any]
    inside: Inside | None = None


class LayerPlan(ABC):
    """What is computed of a layer on the device. Plans are hashable; equal plans compute the same.

    `n_arguments` is the number of float32 values that may differ from batch to batch.
    """

    n_arguments = 0

    @abstractmethod
    def reduce(self, operations, outputs, is_image, arguments):
        """Return the `LayerResults` of a layer's outputs.

        Parameters
        ----------
        operations : Operations
            What Keras' own operations lack, for its backend: see a module ``_operations_*``.
        outputs : tensor of shape (n_images, ..., n_maps), float32
            The layer's outputs.
        is_image : tensor of shape (n_images,), bool
            False for images that only fill the batch.
        arguments : tensor of shape (n_arguments,), float32
            Values for this batch.
        """
