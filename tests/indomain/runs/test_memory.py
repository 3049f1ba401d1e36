"""The peak memory of a process."""

import numpy as np
import pytest

from indomain.runs import memory


def test_the_peak_is_seen_after_the_memory_is_given_back():
    memory.reset_peak_memory()
    before = memory.peak_memory_mb()
    held = np.ones(64 * 2**20, np.uint8)
    del held
    assert memory.peak_memory_mb() - before == pytest.approx(64, abs=8)


def test_a_reset_forgets_the_peak_before_it():
    held = np.ones(64 * 2**20, np.uint8)
    del held
    peak = memory.peak_memory_mb()
    memory.reset_peak_memory()
    if memory.peak_memory_mb() == peak:
        pytest.skip("this system keeps the peak of the whole process")
    assert memory.peak_memory_mb() < peak - 32
