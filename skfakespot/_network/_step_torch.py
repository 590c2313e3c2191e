# SPDX-License-Identifier: BSD-3-Clause
"""The step on PyTorch, which runs eagerly."""

import numpy as np

from .._keras import as_array, import_keras

SMALLEST_BATCH = 16


def compile_step(_model, show_taps, _input_shape):
    """Prepare the step; see `skfakespot._network._step.compile_step`."""
    import torch

    ops = import_keras().ops

    @torch.no_grad()
    def step(batch, receive):
        def show(layer, output):
            receive(layer, np.ascontiguousarray(as_array(output)))

        show_taps(ops.convert_to_tensor(batch), show)

    return step
