"""The table in LaTeX."""

import pytest

from report import latex, table
from report.comparison import Comparison, TableRow
from tests.report.made import row_key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50 % of a_b", r"50 \% of a\_b"),
        ("a\\b", r"a\textbackslash{}b"),
        ("{x}$", r"\{x\}\$"),
        ("two\n\nlines", "two lines"),
    ],
)
def test_words_of_a_recipe_are_text(text, expected):
    assert latex.escaped(text) == expected


def rendered():
    plain = {"kind": "score", "data": "real", "interval": (0.7, 0.9), "n_runs": 1, "n_images": 9, "n_patients": 9.0}
    rows = [
        TableRow(row_key("imagenet"), metric="auroc", mean=0.8, **plain),
        TableRow(row_key("imagenet"), metric="f1", mean=0.6, **plain),
        TableRow(
            row_key("other"), metric="auroc", mean=0.9, comparison=Comparison("imagenet", 0.1, 0.04, "t"), **plain
        ),
    ]
    return latex.render(table.finished(rows), "Wrists & hands", ["50 % are synthetic."])


def test_each_arm_is_a_line_with_every_metric_and_its_interval():
    body = rendered().split("\\midrule\n")[1].split("\n\\bottomrule")[0].splitlines()
    assert body == [
        r"imagenet & 0.800 [0.700, 0.900] & 0.600 [0.700, 0.900] & -- \\",
        r"other & 0.900 [0.700, 0.900] & -- & 0.040 \\",
    ]


def test_coordinates_that_are_the_same_everywhere_are_left_out():
    assert r"chain & auroc & f1 & $p$ \\" in rendered() and "squeezenet" not in rendered()


def test_title_and_caveats_are_the_caption():
    assert r"\caption{Wrists \& hands. Mean [95\,\% interval]; $p$: Holm-corrected. 50 \% are synthetic.}" in rendered()
