"""How often each row has each rank."""

from dataclasses import replace

from report import ranks
from report.figures.ranks import MOST, draw
from tests.report.figures.made import material, words
from tests.report.made import sample, table_row


def ranked(rows, **given):
    made = material(rows, **given)
    return replace(made, rankings=ranks.rankings(rows, made.given))


def unsure(chain, mean, seed, **changes):
    return replace(table_row(chain, mean, **changes), sample=sample([mean] * 3, seed=seed))


def test_a_line_per_row_the_best_first_and_a_column_per_rank():
    rows = [unsure("random", 0.5, 1), unsure("imagenet", 0.8, 2), unsure("other", 0.79, 3)]
    (drawing,) = draw(ranked(rows))
    assert (drawing.name, drawing.title) == ("ranks-t", "t: ranks")
    axis = drawing.figure.axes[0]
    assert [label.get_text().split(",")[0] for label in axis.get_yticklabels()] == ["imagenet", "other", "random"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "2", "3"]
    assert {"rank by AUROC; share of the draws", "100%"} <= words(drawing.figure)


def test_of_many_rows_the_first_are_drawn():
    chains = [f"c{number}" for number in range(20)]
    rows = [unsure(chain, 0.9 - 0.02 * number, number) for number, chain in enumerate(chains)]
    (drawing,) = draw(ranked(rows, recipe={"chains": {chain: ["random"] for chain in chains}}))
    assert len(drawing.figure.axes[0].get_yticklabels()) == MOST


def test_two_rows_need_no_figure():
    assert not list(draw(ranked([table_row("imagenet", 0.8), table_row("other", 0.7)])))


def test_each_target_and_all_of_them_have_one():
    targets = {"t": {"set": "a"}, "u": {"set": "b"}}
    rows = [
        unsure(chain, mean, seed, target=target)
        for target in targets
        for seed, (chain, mean) in enumerate((("imagenet", 0.8), ("other", 0.7), ("random", 0.6)))
    ]
    budgets = {name: [["all labels", 1.0]] for name in targets}
    names = [drawing.name for drawing in draw(ranked(rows, recipe={"targets": targets}, budgets=budgets))]
    assert names == ["ranks-t", "ranks-u", "ranks-all-targets"]
