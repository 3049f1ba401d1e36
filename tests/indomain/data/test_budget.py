"""Label budgets: all labels, a fraction of them, or k shots per class."""

import pandas as pd
import pytest

from indomain.data import folds
from indomain.data.budget import LabelBudget
from indomain.data.dataset import open_dataset
from indomain.data.options import SplitOptions
from indomain.data.pool import Pool
from indomain.errors import RequestError

ALL = LabelBudget()


@pytest.fixture(scope="module")
def table(phantom_set) -> pd.DataFrame:
    return folds.draw(open_dataset(Pool.of(phantom_set)), SplitOptions(scheme="official", validation=0.2))


def ids(rows: pd.DataFrame, split: str) -> set[str]:
    return set(rows.loc[rows["split"] == split, "id"])


def per_class(rows: pd.DataFrame, split: str) -> set[int]:
    """How many images the classes have in a part."""
    return set(rows[rows["split"] == split].groupby("y").size())


@pytest.mark.parametrize(
    "budgets",
    [[LabelBudget(fraction=share) for share in (0.1, 0.2, 0.5, 1.0)], [LabelBudget(shots=k) for k in (2, 4, 8, 16)]],
)
def test_a_smaller_budget_lies_inside_a_larger_one(table, budgets):
    kept = [ids(budget.rows(table, 0.2), "train") for budget in budgets]
    assert kept[0] < kept[1] < kept[2] < kept[3]


@pytest.mark.parametrize("budget", [LabelBudget(fraction=0.1), LabelBudget(shots=2), ALL])
def test_no_budget_touches_the_test_images(table, budget):
    assert ids(budget.rows(table, 0.2), "test") == ids(table, "test")


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5, 1.0])
def test_a_fraction_is_of_each_class_in_train_and_val(table, fraction):
    kept = LabelBudget(fraction=fraction).rows(table, 0.2)
    for split in ("train", "val"):
        for y in (0, 1):
            have, had = (((rows["split"] == split) & (rows["y"] == y)).sum() for rows in (kept, table))
            assert have == max(round(fraction * had), 1)


def test_shots_are_images_of_each_class_and_pay_for_their_validation_images(table):
    few = LabelBudget(shots=4).rows(table, 0.2)
    assert per_class(few, "train") == {4} and per_class(few, "val") == {1}  # 4 · 0.2 / 0.8
    assert per_class(LabelBudget(shots=4).rows(table, 0.5), "val") == {4}
    assert per_class(LabelBudget(shots=1).rows(table, 0.1), "val") == {1}, "one at least"


def test_all_labels_are_the_table_without_what_was_dropped(table):
    torn = table.copy()
    train = table.index[table["split"] == "train"]
    torn.loc[train[::2], "split"] = "dropped"
    for budget in (ALL, LabelBudget(fraction=1.0)):
        left = budget.rows(torn, 0.2)
        assert set(left["id"]) == set(torn.loc[torn["split"] != "dropped", "id"])
        assert left.index.tolist() == list(range(len(left)))


def test_shots_are_whole_where_leaks_were_dropped(table):
    torn = table.copy()
    train = table.index[table["split"] == "train"]
    torn.loc[train[::2], "split"] = "dropped"
    few = LabelBudget(shots=3).rows(torn, 0.2)
    assert per_class(few, "train") == {3} and not ids(few, "train") & ids(torn, "dropped")


@pytest.mark.parametrize(
    ("budget", "why"),
    [
        (LabelBudget(fraction=0.001), "fraction 0.001 leaves class 0 with no training .* Ask for more"),
        (
            LabelBudget(shots=500),
            r"500 shots leaves class 0 with too few training images \(it has \d+ .* Ask for fewer",
        ),
    ],
)
def test_a_budget_that_leaves_a_class_short_is_refused(table, budget, why):
    with pytest.raises(RequestError, match=why):
        budget.rows(table, 0.2)


def test_each_seed_draws_other_labels_and_always_the_same_ones(table):
    budgets = [LabelBudget(shots=4).drawn_by(seed) for seed in (0, 1, 2)]
    drawn = [ids(budget.rows(table, 0.2), "train") for budget in budgets]
    assert all(drawn[a] != drawn[b] for a, b in ((0, 1), (0, 2), (1, 2)))
    assert [ids(budget.rows(table, 0.2), "train") for budget in budgets] == drawn
    assert all(per_class(budget.rows(table, 0.2), "train") == {4} for budget in budgets)


def test_a_smaller_budget_of_a_seed_lies_inside_its_larger_one(table):
    few, many = (LabelBudget(shots=shots).drawn_by(3).rows(table, 0.2) for shots in (2, 8))
    assert ids(few, "train") < ids(many, "train")


def test_over_many_seeds_every_label_is_drawn(table):
    seen = [ids(LabelBudget(fraction=0.5).drawn_by(seed).rows(table, 0.2), "train") for seed in range(20)]
    assert set.union(*seen) == ids(table, "train")


def test_all_labels_need_no_draw():
    assert ALL.drawn_by(1) == ALL and LabelBudget(fraction=1.0).drawn_by(1).draw is None


@pytest.mark.parametrize(
    "budget", [ALL, LabelBudget(fraction=0.25), LabelBudget(shots=5), LabelBudget(shots=5, draw=2)]
)
def test_a_budget_is_what_its_parameters_say(budget):
    assert LabelBudget.of(budget.to_params()) == budget


def test_a_label_is_for_a_person_and_a_size_for_an_axis():
    named = {budget.label: budget.size for budget in (ALL, LabelBudget(1.0), LabelBudget(0.125), LabelBudget(shots=5))}
    assert named == {"all labels": 1.0, "12.5 % of labels": 0.125, "5 shots": 5}
