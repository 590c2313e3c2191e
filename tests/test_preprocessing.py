# SPDX-License-Identifier: BSD-3-Clause
"""BlockwiseStandardScaler against scikit-learn's StandardScaler."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from skfakespot.preprocessing import BlockwiseStandardScaler


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr("skfakespot.preprocessing._BLOCK_ELEMENTS", 40)


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 60)),
    dtype=st.sampled_from([np.float32, np.float64]),
    is_weighted=st.booleans(),
    share_missing=st.sampled_from([0, 0.2]),
    with_mean=st.booleans(),
    with_std=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_equals_standard_scaler(
    seed, shape, dtype, is_weighted, share_missing, with_mean, with_std
):
    generator = np.random.default_rng(seed)
    X = (generator.normal(size=shape) * 10 ** generator.uniform(-3, 3, shape[1])).astype(dtype)
    X[generator.random(shape) < share_missing] = np.nan
    X[0] = 1.0
    weights = generator.uniform(0.1, 2, shape[0]) if is_weighted else None
    scalers = [
        cls(with_mean=with_mean, with_std=with_std).fit(X, sample_weight=weights)
        for cls in (BlockwiseStandardScaler, StandardScaler)
    ]
    batched, whole = scalers
    for name in ("mean_", "var_", "scale_", "n_samples_seen_"):
        found, expected = getattr(batched, name), getattr(whole, name)
        if expected is None:
            assert found is None
        else:
            # Weights of float32 are added up batch by batch.
            assert_allclose(found, expected, rtol=1e-9 if dtype == np.float64 else 1e-5, atol=1e-12)
    assert batched.transform(X).dtype == dtype


def test_constant_columns_become_zero():
    X = np.full((50, 3), [0.1, 1e6, -3], dtype=np.float32)
    assert_allclose(BlockwiseStandardScaler().fit_transform(X), 0, atol=1e-6)


def test_copy():
    X = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    original = X.copy()
    expected = BlockwiseStandardScaler().fit_transform(X)
    assert_array_equal(X, original)
    assert BlockwiseStandardScaler(copy=False).fit_transform(X) is X
    assert_array_equal(X, expected)


def test_names_of_features():
    frame = pd.DataFrame(np.eye(4), columns=list("abcd"))
    scaler = BlockwiseStandardScaler().set_output(transform="pandas").fit(frame)
    assert scaler.feature_names_in_.tolist() == list("abcd")
    assert scaler.transform(frame).columns.tolist() == list("abcd")


def test_memory(monkeypatch):
    monkeypatch.setattr("skfakespot.preprocessing._BLOCK_ELEMENTS", 2**16)
    X = np.random.default_rng(0).normal(size=(2000, 1000)).astype(np.float32)
    tracemalloc.start()
    BlockwiseStandardScaler(copy=False).fit_transform(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes / 2
