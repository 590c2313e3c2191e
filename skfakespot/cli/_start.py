# SPDX-License-Identifier: BSD-3-Clause
"""A faster start of the program, for the command predict."""

import gc
import sys
from contextlib import contextmanager

# Keras, scikit-learn and skops import these packages where they are installed, for functions that
# the command does not use.
_UNUSED = ("matplotlib", "pandas", "polars")
# Only skops, which imports all of scikit-learn; torch may be the backend of Keras.
_UNUSED_BY_SKOPS = ("cupy", "dask", "numpydoc", "pytest", "torch")


def import_for_prediction(file):
    """Import what the detector in a file needs, as in a process without the unused packages.

    Keras and scikit-learn do not accept DataFrames afterwards, and Keras draws nothing, so that
    this is for a process of the program's own.
    """
    gc.disable()
    with _as_if_not_installed(_UNUSED):
        from .._keras import import_keras
        from ._detectors import import_skops

        if file.suffix not in (".joblib", ".pkl"):
            with _as_if_not_installed(_UNUSED_BY_SKOPS):
                import_skops()
        import_keras()
    gc.enable()
    # The collector does not look through what was imported, while the network is built and at exit.
    gc.freeze()


@contextmanager
def _as_if_not_installed(packages):
    """Let imports of packages fail, unless they have been imported."""
    packages = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(packages))
    try:
        yield
    finally:
        for name in packages:
            del sys.modules[name]
