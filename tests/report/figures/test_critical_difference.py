"""The critical-difference diagram."""

from dataclasses import replace

import pytest

from report import ranks
from report.figures import critical_difference
from tests.report.figures.made import material, words
from tests.report.made import table_row
from tests.report.test_ranks import several_targets


def over(count, **changes):
    rows, given = several_targets(count)
    # Two rows of which neither wins everywhere, above one that never does.
    rows = [
        table_row(chain, mean, target=f"t{number}")
        for number in range(count)
        for chain, mean in (("imagenet", 0.8), ("other", 0.82 if number % 3 else 0.78), ("random", 0.5 + 0.01 * number))
    ]
    made = material([])
    pairs = ranks.pairs_over_targets(rows, given)
    return replace(made, given=given, rankings=ranks.rankings(rows, given), pairs=pairs)


def test_rows_stand_at_their_mean_ranks_and_a_bar_joins_those_that_do_not_differ():
    (drawing,) = critical_difference.draw(over(10))
    said = words(drawing.figure)
    assert {text.split(",")[0].split(" ")[-1] for text in said if "full" in text} == {"imagenet", "other", "random"}
    assert drawing.name == "critical-difference-strict" and any(
        "mean ranks, the best on the left" in text for text in said
    )
    # Where the tests tell all of them apart there is one bar less.
    made = over(10)
    (apart,) = critical_difference.draw(replace(made, pairs=made.pairs.assign(p_value=0.001)))
    assert len(drawing.figure.axes[0].lines) == len(apart.figure.axes[0].lines) + 1


def test_few_targets_have_no_diagram():
    assert not list(critical_difference.draw(over(5)))


def test_without_the_package_there_is_none(monkeypatch):
    monkeypatch.setattr(critical_difference, "find_spec", lambda name: None)
    assert not list(critical_difference.draw(over(10)))


@pytest.mark.parametrize("most", [2])
def test_more_rows_than_fit_have_none(monkeypatch, most):
    monkeypatch.setattr(critical_difference, "MOST", most)
    assert not list(critical_difference.draw(over(10)))
