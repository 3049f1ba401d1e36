"""Progress with the time left."""

import itertools

import pytest

from indomain import progress


@pytest.mark.parametrize("quiet", [True, False])
def test_every_item_comes_through_in_its_order(quiet):
    assert list(progress.track(iter("abc"), "reading", 3, quiet)) == ["a", "b", "c"]


def test_an_item_is_not_asked_for_before_it_is_needed():
    endless = progress.track(itertools.count(), "counting", 10**9)
    assert [next(endless) for _ in range(3)] == [0, 1, 2]


def test_away_from_a_terminal_a_line_now_and_then_says_how_far_it_is(monkeypatch, capsys):
    monkeypatch.setattr(progress, "PLAIN_EVERY", -1.0)
    list(progress.track("abc", "reading", 3))
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(",")[0] for line in lines] == [f"reading: {number} of 3" for number in (1, 2, 3)]
    assert all(line.endswith(" s left") for line in lines)


def test_a_quick_job_and_a_quiet_one_say_nothing(monkeypatch, capsys):
    list(progress.track("abc", "reading", 3))
    monkeypatch.setattr(progress, "PLAIN_EVERY", -1.0)
    list(progress.track("abc", "reading", 3, quiet=True))
    assert capsys.readouterr() == ("", "")


def test_a_bar_writes_nothing_to_standard_output(capsys):
    with progress.bar() as bar:
        bar.advance(bar.add_task("reading", total=2))
    assert capsys.readouterr().out == ""


def test_nobody_need_listen():
    assert progress.silent("epoch 1", 0.5) is None
