"""matplotlib's pyplot, imported where something is drawn."""


def import_pyplot(display):
    """Import pyplot; raise an ImportError that says what draws with it and how to install it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{display} draws with matplotlib. Install it with: pip install 'skfakespot[plot]'"
        ) from error
    return plt
