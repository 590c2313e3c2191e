# SPDX-License-Identifier: BSD-3-Clause
"""Forked processes, in which a backend of Keras that ran before the fork would hang."""

import os
import sys

_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
_ran_before_fork = frozenset()
# PyTorch does not tell whether its threads run, so that its first use by this package counts.
_used = set()


def check_not_forked(backend):
    """Raise a RuntimeError if this process was forked while Keras' backend was running.

    A fork copies the memory of a process, but not its threads. A network would wait without end
    for the threads of TensorFlow, JAX or PyTorch.
    """
    if backend not in _ran_before_fork:
        _used.add(backend)
        return
    name = _NAMES[backend]
    raise RuntimeError(
        f"This process was forked from one in which {name} was already running, where the network "
        f"would never finish: the threads of {name} do not survive a fork. Start processes with "
        "'spawn', not 'fork': multiprocessing.get_context('spawn'), joblib's default backend "
        "'loky', DataLoader(multiprocessing_context='spawn') of PyTorch, gunicorn without "
        "--preload. Or fork before the first network is built."
    )


def _running_backends():
    """Yield the backends that have started threads; an import alone starts none."""
    tensorflow = sys.modules.get("tensorflow.python.eager.context")
    context = tensorflow and tensorflow.context_safe()
    if getattr(context, "_context_handle", None) is not None:
        yield "tensorflow"
    if getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", None):
        yield "jax"
    if "torch" in _used:
        yield "torch"


def _note_fork():
    global _ran_before_fork
    _ran_before_fork = frozenset(_running_backends())


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_note_fork)
