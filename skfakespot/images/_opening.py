"""Opening an image in one of the formats that are read, without decoding its pixels."""

import io

from PIL import Image

from ._containers import is_video_content
from ._errors import ImageError
from ._sources import content_of

# Only formats whose decoders run inside Pillow. EPS, for example, would start Ghostscript.
# The JPEG plugin also opens MPO files.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")
# Otherwise Pillow would import its plugins later, when several threads may need them.
Image.init()


def open_content(source, name):
    """Open an image whose file is in memory, without decoding its pixels."""
    try:
        content = content_of(source)
    except ValueError as error:
        raise ImageError(name, f"the io.BytesIO cannot be read ({error})") from error
    if not content:
        raise ImageError(name, "the content is empty (0 bytes)")
    return open_image(io.BytesIO(content), "", name)


def open_image(file, path, name):
    """Open an image in one of `FORMATS`, without decoding its pixels."""
    # Image.open() warns of an oversized image before its size can be checked, and filters of
    # warnings are not thread-safe. It also conceals why a damaged header is refused.
    prefix = file.read(16).ljust(16, b"\0")
    for factory, accept in (Image.OPEN[known] for known in FORMATS if known in Image.OPEN):
        accepted = accept(prefix)
        if isinstance(accepted, str):  # Pillow was built without the library of this format
            raise ImageError(name, accepted)
        if accepted:
            file.seek(0)
            # Pillow's plugins raise many types of errors at a damaged header.
            try:
                return factory(file, path)
            except Exception as error:
                raise ImageError(name, reason_of(error)) from error
    if is_video_content(prefix):
        hint = "it is a video; skfakespot.video.expand_videos makes images of the videos in X"
        raise ImageError(name, hint)
    raise ImageError(name, f"it is not an image of a format that is read ({', '.join(FORMATS)})")


def reason_of(error):
    """Say why Pillow could not read an image, as the end of a sentence."""
    if isinstance(error, MemoryError):
        return "decoding it takes more memory than there is"
    if isinstance(error, Image.DecompressionBombError | Warning):
        return f"Pillow refuses to decode it ({error})"
    return f"the file is damaged or truncated (Pillow: {error or type(error).__name__})"
