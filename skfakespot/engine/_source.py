"""The images that pass through the network."""

from typing import NamedTuple

from ..images import Samples, content_digests, iter_batches


class ImageSource(NamedTuple):
    """Samples, and how they are read. It can be sent to another process.

    Attributes
    ----------
    samples : Samples
        What :func:`skfakespot.images.as_samples` returned.
    image_size : (int, int) or None
        Height and width that images are brought to; None for vectors.
    batch_size : int
        Number of images in a batch.
    """

    samples: Samples
    image_size: tuple[int, int] | None
    batch_size: int

    def digests(self):
        """Digest of each sample's content, None where it cannot be read."""
        return content_digests(self.samples)

    def batches(self, indices, on_failure):
        """Read some samples, in the order given; ``on_failure(index, error)`` hears of failures."""
        return iter_batches(
            self.samples,
            image_size=self.image_size,
            batch_size=self.batch_size,
            on_error=on_failure,
            indices=indices,
        )

    def subset(self, indices):
        """Only some of the samples, for another process."""
        samples = self.samples
        if samples.kind == "sequence":
            data = tuple(samples[index] for index in indices)
        else:
            data = samples[indices]
        return self._replace(samples=Samples(samples.kind, samples.shape, data))
