"""The page: one file that needs no other."""

import re

import pandas as pd
import pytest
from PIL import Image

from report import costs, page, table
from report.comparison import TableRow
from tests.report.made import report_input, row_key, split_info

EVIL = "<script>alert(1)</script>"


def row(kind="score", metric="auroc", **changes):
    plain = {"data": "real", "mean": 0.8123, "interval": (0.7, 0.9), "n_runs": 1, "n_images": 10, "n_patients": 10.0}
    return TableRow(row_key(), kind=kind, metric=metric, **{**plain, **changes})


def rendered(given=None, rows=(), panels=(), figures=(), sentences=("Mind the gap.",)):
    finished = table.finished(rows or [row()])
    return page.render(
        given or report_input(), finished, costs.of_stages([]), list(sentences), list(figures), list(panels)
    )


def part(text, name):
    found = re.search(rf'<section id="{name}">.*?</section>', text, re.S)
    return found.group() if found else ""


def test_numbers_stand_in_the_table():
    ours = part(rendered(), "ours")
    assert "0.812" in ours and "0.700 – 0.900" in ours


def test_each_kind_of_row_has_its_own_part():
    rows = [row(), row("explanation", "pointing", mean=0.25), row("robustness", "auroc under noise", mean=0.5)]
    text = rendered(rows=rows)
    assert "0.250" in part(text, "trust") and "0.500" in part(text, "robustness")
    assert "pointing" not in part(text, "ours") and "under noise" not in part(text, "ours")


@pytest.mark.parametrize("name", ["trust", "robustness", "explanations", "reported", "claim", "differs"])
def test_a_part_without_content_is_left_out(name):
    assert part(rendered(), name) == ""


def test_names_are_text_and_no_markup():
    recipe = {"title": EVIL, "claim": EVIL, "paper": EVIL, "notes": EVIL, "differs": [EVIL]}
    text = rendered(
        report_input(recipe=recipe, info=split_info(title=EVIL, citation=EVIL)), [row(note=EVIL)], sentences=[EVIL]
    )
    assert EVIL not in text and text.count("&lt;script&gt;alert(1)") >= 7


def test_what_a_reader_must_know_stands_above_everything():
    text = rendered()
    assert text.index("Mind the gap.") < text.index('id="chains"') < text.index('id="ours"')


def test_a_figure_is_inside_as_it_is():
    assert "<figure><svg>drawn</svg></figure>" in rendered(figures=[("title", "<svg>drawn</svg>")])


def test_a_panel_is_inside_lighter_than_its_file(tmp_path):
    Image.effect_noise((300, 200), 60).save(tmp_path / "panel.png")
    explanations = part(rendered(panels=[("Wrists", tmp_path / "panel.png")]), "explanations")
    data = re.search(r"data:image/webp;base64,([^\"]+)", explanations)
    assert "Explanations: Wrists" in explanations and len(data.group(1)) < (tmp_path / "panel.png").stat().st_size


def test_it_asks_nothing_of_a_network():
    assert not re.search(r"(src|href)\s*=\s*.?(http|//)|url\(\s*.?http|@import", rendered())


def test_the_counts_are_those_of_the_first_fold():
    counts = [[0, "train", 0, 31], [0, "train", 1, 11], [1, "train", 0, 99], [0, "test", 0, 7]]
    data = part(rendered(report_input(info=split_info(counts=counts))), "data")
    assert re.findall(r'<td class="n">(\d+)</td>', data) == ["42", "0", "7", "0"]


def test_what_the_runs_cost_is_listed():
    spent = pd.DataFrame([("finetune", 3, 4.25, 512, 14.4)], columns=costs.COLUMNS)
    text = page.render(report_input(), table.finished([row()]), spent, [], [], [])
    assert re.findall(r'class="n">([\d.]+)<', part(text, "cost")) == ["3", "4.2", "512", "14"]
