# SPDX-License-Identifier: BSD-3-Clause
"""The optional import of matplotlib."""


def import_pyplot(name):
    """Return matplotlib.pyplot; raise ImportError, with the name of what draws, without it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{name} draws with matplotlib. Install it with: pip install 'skfakespot[plot]'"
        ) from error
    return plt
