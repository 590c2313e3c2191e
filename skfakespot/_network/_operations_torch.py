# SPDX-License-Identifier: BSD-3-Clause
"""Reductions on the device with PyTorch, whose float64 holds every sum exactly."""

from ._exact_sums import SUM_BITS, sections

# Numbers that are copied to float64 at once, 128 MiB.
_LARGEST_COPY = 1 << 24


class Operations:
    """What Keras' own operations lack; see `skfakespot._network._reduced_step`."""

    def count(self, mask, *, by_map):
        """Count where a mask (n_images, n_places, n_maps) is True: (n_images, n_maps or 1)."""
        import torch

        counts = torch.count_nonzero(mask, dim=1 if by_map else (1, 2))
        return (counts if by_map else counts[:, None]).int()

    def all_finite(self, values):
        """Whether all values (n_images, n_values) of each image are finite: (n_images, 1)."""
        import torch

        # Both are NaN if any value is.
        smallest, largest = torch.aminmax(values, dim=1)
        return (torch.isfinite(smallest) & torch.isfinite(largest))[:, None]

    def add_exactly(self, values):
        """Add values (n_images, n_places, n_maps) over places; see `_exact_sums`."""
        import torch

        smallest, largest = torch.aminmax(values, dim=1, keepdim=True)
        largest = torch.maximum(largest, -smallest)
        exponents = ((largest.view(torch.int32) >> 23).clamp(min=1) - 126 + (52 - SUM_BITS)).long()
        # Adding and subtracting it rounds to a multiple of the last place kept.
        magic = 1.5 * ((exponents + 1023) << 52).view(torch.float64)
        # As many images at once as keep the float64 copies small.
        together = max(1, _LARGEST_COPY // max(1, values[0].numel()))
        pairs = zip(values.split(together), magic.split(together), strict=True)
        return torch.cat([_add_multiples(*pair) for pair in pairs])[:, :, None]

    def approximate(self, sums):
        """Turn sums of `add_exactly` into float32 (n_images, n_maps)."""
        return sums[:, :, 0].float()

    def decode(self, sums):
        """Turn the sums of `add_exactly`, as ndarray, into float64 (n_images, n_maps)."""
        return sums[:, :, 0]

    def covariances(self, values):
        """Covariances (n_images, n_maps, n_maps) of centred maps (n_images, n_places, n_maps)."""
        return values.transpose(1, 2) @ values / values.shape[1]

    def list_inside(self, inside):
        """Return the values inside and their columns, or None."""
        import torch

        places = torch.nonzero(inside.mask.reshape(-1))[:, 0]
        values = inside.values.reshape(-1)[places]
        if inside.n_maps is None:
            return values, None
        within_image = places % inside.values.shape[1]
        firsts = torch.as_tensor(inside.first_columns, device=values.device)
        columns = firsts[within_image // inside.n_maps] + within_image % inside.n_maps
        return values, columns.int()


def _add_multiples(values, magic):
    total = 0
    for start, stop in sections(values.shape[1]):
        section = (values[:, start:stop] + magic).sub_(magic)
        total = total + section.sum(dim=1)
    return total


def compile_reduced_step(_model, reduce_taps, _input_shape, _n_arguments):
    """Prepare the step; see `skfakespot._network._reduced_step`."""
    import torch

    from .._keras import import_keras

    ops, operations = import_keras().ops, Operations()

    @torch.no_grad()
    def step(batch, n_images, arguments):
        batch = ops.convert_to_tensor(batch)
        is_image = torch.arange(len(batch), device=batch.device) < n_images
        arguments = torch.as_tensor(arguments, device=batch.device)
        rows, lists = reduce_taps(operations, batch, is_image, arguments)
        joined = {name: torch.cat(parts) for name, parts in lists.items() if parts}
        return tuple(
            {name: tensor.cpu().numpy() for name, tensor in group.items()}
            for group in (rows, joined)
        )

    return step
