# SPDX-License-Identifier: BSD-3-Clause
"""The compiled step that reduces the layers on the device, and hands over what is left of them.

Each backend has a module ``_operations_<backend>`` with a class `Operations`, for what Keras' own
operations lack, and ``compile_reduced_step(model, reduce_taps, input_shape, n_arguments)``. The
latter returns ``step(batch, n_images, arguments)``, which runs ``reduce_taps(operations, batch,
is_image, arguments)`` and returns its two dicts with ndarrays, the lists of all layers joined.
"""

import math
import threading
from functools import lru_cache
from importlib import import_module

import numpy as np

from .._keras import import_keras
from ._image_count import count_bytes


class ReducedSteps:
    """The steps of a network, one for each choice of plans.

    Parameters
    ----------
    model : keras.Model
        The network.
    show_taps : callable
        ``show_taps(batch, show)`` runs the network and calls ``show(layer, output)`` for each of
        its layers.
    input_shape : tuple of int
        Shape of one sample.
    """

    def __init__(self, model, show_taps, input_shape):
        backend = import_keras().backend.backend()
        self._module = import_module(f"._operations_{backend}", __package__)
        self._model, self._show_taps, self._input_shape = model, show_taps, input_shape
        self._lock = threading.Lock()
        self._compiled = lru_cache(maxsize=8)(self._compile)

    def __call__(self, batch, n_images, plans, arguments, take):
        """Reduce the layers of a batch, of which the first `n_images` count.

        `plans` is a tuple with a `LayerPlan` for each layer, and `arguments` a list with their
        values. ``take(layer, values)`` is called for each layer, with a dict of ndarrays.
        """
        with self._lock:
            step, places = self._compiled(plans)
        rows, lists = step(batch, n_images, np.concatenate([*arguments, np.empty(0, np.float32)]))
        count_bytes(sum(array.nbytes for group in (rows, lists) for array in group.values()))
        start = 0
        for layer in range(len(plans)):
            values = {
                name: self._unpacked(rows[key], place, n_images)
                for key, name, place in places[layer]
            }
            if "lengths" in values:
                values["lengths"] = values["lengths"][:, 0]
                stop = start + int(values["lengths"].sum())
                own = "columns" if any(key == "columns" for key in lists) else None
                values["values"] = lists["values"][start:stop]
                if own:
                    values[own] = lists[own][start:stop]
                start = stop
            take(layer, values)

    def _unpacked(self, array, place, n_images):
        columns, shape = place
        own = array[:n_images, columns]
        return own if shape is None else self._module.Operations.decode(None, own.reshape(shape))

    def _compile(self, plans):
        places = {}
        starts = np.cumsum([0, *(plan.n_arguments for plan in plans)]).tolist()

        def reduce_taps(operations, batch, is_image, arguments):
            results = {}

            def show(layer, outputs):
                own = arguments[starts[layer] : starts[layer + 1]]
                reduced = plans[layer].reduce(operations, outputs, is_image, own)
                results[layer] = _listed(operations, reduced)

            self._show_taps(batch, show)
            rows, places_found, lists = _pack([results[layer] for layer in range(len(plans))])
            places.update(places_found)
            return rows, lists

        step = self._module.compile_reduced_step(
            self._model, reduce_taps, self._input_shape, starts[-1]
        )
        return step, places


def _listed(operations, reduced):
    """Turn the results of a layer into rows, shapes of sums, and lists."""
    ops = import_keras().ops
    rows = {(name, name): (tensor, None) for name, tensor in reduced.rows.items()}
    for name, tensor in reduced.sums.items():
        shape = tuple(tensor.shape[1:])
        flat = ops.reshape(tensor, (-1, math.prod(shape)))
        rows[f"sums as {name}", name] = flat, (-1, *shape)
    if reduced.inside is None:
        return rows, {}
    mask = reduced.inside.mask
    rows["lengths", "lengths"] = operations.count(mask[:, :, None], by_map=False), None
    values, columns = operations.list_inside(reduced.inside)
    lists = {"values": values}
    if columns is not None:
        lists["columns"] = columns
    return rows, lists


def _pack(layers):
    """Join the tensors of all layers, so that few arrays are copied to the host.

    Returns the rows by key, for each layer a list of ``(key, name, (columns, shape))``, and lists.
    """
    ops = import_keras().ops
    parts, widths, places, lists = {}, {}, {}, {"values": [], "columns": []}
    for layer, (rows, own_lists) in enumerate(layers):
        places[layer] = []
        for (key, name), (tensor, shape) in rows.items():
            start = widths.get(key, 0)
            widths[key] = start + tensor.shape[1]
            parts.setdefault(key, []).append(tensor)
            places[layer].append((key, name, (slice(start, widths[key]), shape)))
        for name, values in own_lists.items():
            lists[name].append(values)
    return {key: ops.concatenate(own, axis=1) for key, own in parts.items()}, places, lists
