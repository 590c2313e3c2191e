"""The error and the warning for an image that cannot be read."""


class ImageError(ValueError):
    """An image that cannot be read, and why.

    Parameters
    ----------
    source : str
        The file's path, or the position such as ``"image 3 of X"``.
    reason : str
        Why it cannot be read.

    Attributes
    ----------
    source, reason : str
        As given.

    Examples
    --------
    >>> from skfakespot.images import ImageError
    >>> error = ImageError("face.png", "the file is empty (0 bytes)")
    >>> str(error)
    'face.png: the file is empty (0 bytes)'
    """

    # pickle calls the constructor with `args`.
    def __init__(self, source, reason):
        super().__init__(source, reason)
        self.source = source
        self.reason = reason

    def __str__(self):
        return f"{self.source}: {self.reason}"


class UnreadableImageWarning(UserWarning):
    """An image that was left out because it cannot be read (``on_error="nan"``).

    Parameters
    ----------
    source : str
        The file's path, or the position such as ``"image 3 of X"``.
    reason : str
        Why it cannot be read.
    index : int
        Its position in X, and so the row of the result that is NaN.

    Attributes
    ----------
    source, reason : str
        As given.
    index : int
        As given.

    Examples
    --------
    >>> from skfakespot.images import UnreadableImageWarning
    >>> str(UnreadableImageWarning("face.png", "no such file", 3))
    'face.png: no such file. Row 3 of the result is NaN.'
    """

    def __init__(self, source, reason, index):
        super().__init__(source, reason, index)
        self.source = source
        self.reason = reason
        self.index = index

    def __str__(self):
        return f"{self.source}: {self.reason}. Row {self.index} of the result is NaN."
