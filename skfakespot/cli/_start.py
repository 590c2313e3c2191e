"""A faster start of the program, for the command predict."""

import gc
import sys

from .._keras import import_keras

# Keras and scikit-learn import these packages where they are installed, for functions that the
# command does not use.
_UNUSED = ("matplotlib", "pandas", "polars")


def import_for_prediction():
    """Import Keras as in a process without the unused packages.

    Keras and scikit-learn do not accept DataFrames afterwards, and Keras draws nothing, so that
    this is for a process of the program's own.
    """
    unused = [name for name in _UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(unused))
    try:
        import_keras()
    finally:
        for name in unused:
            del sys.modules[name]
    # The collector does not look through what was imported, while the network is built and at exit.
    gc.freeze()
