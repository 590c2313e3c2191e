# SPDX-License-Identifier: BSD-3-Clause
"""The former name of `skfakespot.clear_caches`."""

from ._cache import clear_caches as forget_profiles

__all__ = ["forget_profiles"]
