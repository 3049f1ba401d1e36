"""The peak memory of a process."""

import mmap

import pytest

from indomain.runs import memory


def hold(megabytes: int) -> None:
    """Fills memory of its own and gives it back to the system: an allocator might keep it."""
    with mmap.mmap(-1, megabytes * 2**20) as held:
        for place in range(0, len(held), mmap.PAGESIZE):
            held[place] = 1


def test_the_peak_is_seen_after_the_memory_is_given_back():
    memory.reset_peak_memory()
    before = memory.peak_memory_mb()
    hold(64)
    assert memory.peak_memory_mb() - before == pytest.approx(64, abs=8)


def test_a_reset_forgets_the_peak_before_it():
    hold(64)
    peak = memory.peak_memory_mb()
    memory.reset_peak_memory()
    if memory.peak_memory_mb() == peak:
        pytest.skip("this system keeps the peak of the whole process")
    assert memory.peak_memory_mb() < peak - 32
