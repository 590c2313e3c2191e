# SPDX-License-Identifier: BSD-3-Clause
"""The bounded cache that all rooms share."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from skfakespot import clear_caches
from skfakespot._cache import BoundedCache


def test_the_least_recently_used_is_dropped_first():
    cache = BoundedCache(3)
    for key in "abc":
        cache.put(key, key.upper())
    assert cache.get("a") == "A"
    cache.put("d", "D")
    assert cache.keys() == ["c", "a", "d"]
    assert cache.get("b") is None
    assert cache.get("b", "missing") == "missing"


def test_sizes_are_bounded():
    cache = BoundedCache(10, size_of=len)
    for number in range(20):
        cache.put(number, "xxx")
    assert cache.keys() == [17, 18, 19]
    cache.put(18, "")
    cache.put(20, "xxxx")
    assert cache.keys() == [17, 19, 18, 20]
    cache.put("too large", "x" * 11)
    assert len(cache) == 0
    cache.put(1, "xxxxxxxxxx")
    assert cache.keys() == [1]


def test_values_are_updated_in_place():
    cache = BoundedCache(10, size_of=len)
    cache.update("key", lambda before: (*before, 1), default=())
    cache.update("key", lambda before: (*before, 2), default=())
    assert cache.pop("key") == (1, 2)
    assert cache.pop("key") is None


def test_threads_wait_for_one_make():
    cache, made = BoundedCache(8), []
    started = threading.Barrier(4)

    def ask(_):
        started.wait()
        return cache.get_or_make("key", lambda: made.append(1) or object())

    with ThreadPoolExecutor(4) as pool:
        values = set(pool.map(ask, range(4)))
    assert len(values) == len(made) == 1


def test_make_may_use_the_cache_and_other_keys_are_not_blocked():
    cache = BoundedCache(8)
    inside, release = threading.Event(), threading.Event()

    def slow():
        inside.set()
        assert release.wait(10)
        return cache.get_or_make("inner", lambda: 1) + 1

    with ThreadPoolExecutor(1) as pool:
        outer = pool.submit(cache.get_or_make, "outer", slow)
        assert inside.wait(10)
        assert cache.get_or_make("other", lambda: 5) == 5
        release.set()
        assert outer.result(10) == 2


def test_a_make_that_fails_is_tried_again():
    cache = BoundedCache(8)

    def fail():
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        cache.get_or_make("key", fail)
    assert cache.get_or_make("key", lambda: 3) == 3


def test_one_function_empties_all_caches():
    images, networks = BoundedCache(8), BoundedCache(8, is_network=True)
    for cache in (images, networks):
        cache.put("key", 1)
    clear_caches(networks=False)
    assert (len(images), len(networks)) == (0, 1)
    clear_caches()
    assert len(networks) == 0


def test_the_former_name_still_works():
    from skfakespot.engine import forget_profiles

    assert forget_profiles is clear_caches


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
def test_locks_that_other_threads_held_at_a_fork_are_free_in_the_child():
    cache, is_making, may_end = BoundedCache(8), threading.Event(), threading.Event()

    def make():
        is_making.set()
        return may_end.wait()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(cache.get_or_make, "key", make)
        is_making.wait()
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            os._exit(cache.get_or_make("key", lambda: 7))
        may_end.set()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
