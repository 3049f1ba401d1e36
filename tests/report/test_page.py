"""The page: one file that needs no other."""

import re

import pandas as pd
import pytest
from PIL import Image

from indomain.recipe.recipe import BASELINE
from report import costs, page, ranks, table
from tests.report.made import comparison, report_input, split_info, table_row

EVIL = "<script>alert(1)</script>"


def row(kind="score", metric="auroc", mean=0.8123, **changes):
    return table_row(metric=metric, mean=mean, kind=kind, **{"interval": (0.7, 0.9), **changes})


def rendered(given=None, rows=(), panels=(), figures=(), sentences=("Mind the gap.",), answers=("It is better.",)):
    finished = table.finished(rows or [row()], 0.02)
    words = (list(answers), list(sentences))
    return page.render(given or report_input(), finished, costs.of_stages([]), *words, list(figures), list(panels))


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


def test_the_answer_opens_the_page_then_the_papers_table_then_what_a_reader_must_know():
    text = rendered()
    places = [
        text.index(words) for words in ("It is better.", 'id="short"', "Mind the gap.", 'id="chains"', 'id="ours"')
    ]
    assert places == sorted(places)


def test_a_winner_is_marked_where_the_primary_verdict_says_so_and_nowhere_else():
    rows = [
        table_row("imagenet"),
        table_row("other", comparison=comparison(0.2, 0.001)),
        table_row("random", comparison=comparison(0.2, 0.2)),
    ]
    short = part(rendered(rows=rows), "short")
    assert short.count(" ▲") == 2, "once in the table and once in its legend"
    explored = [rows[0], table_row("other", comparison=comparison(0.2, 0.001, family="other levels"))]
    assert part(rendered(rows=explored), "short").count(" ▲") == 1


def test_the_difference_stands_before_its_p():
    ours = part(rendered(rows=[table_row("other", comparison=comparison(0.2, 0.031))]), "ours")
    assert ours.index("+0.200") < ours.index("+0.120 to +0.280") < ours.index("better") < ours.index("0.031")


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
    text = page.render(report_input(), table.finished([row()], 0.02), spent, [], [], [], [])
    assert re.findall(r'class="n">([\d.]+)<', part(text, "cost")) == ["3", "4.2", "512", "14"]


def test_the_baseline_and_groups_are_explained_beside_the_chains():
    recipe = {"fusion": {"groups": {"both": ["imagenet/*", "other/n"]}}}
    text = rendered(report_input(recipe=recipe, chains=["imagenet", "other", "random", BASELINE, "both"]))
    assert "<td>imagenet-frozen</td><td>imagenet, frozen; a logistic regression" in text
    assert "<td>both</td><td>fusion of imagenet/*, other/n</td>" in text


def test_beginnings_are_listed_with_whether_they_have_seen_the_target():
    beginning = {
        "chains": ["foundation"],
        "title": "features of m",
        "licence": "MIT",
        "input": "RGB",
        "trained_on": ["isic-archive"],
        "file": "sha256:0123456789abcdef",
        "exposure": {"t": "yes: isic-archive"},
    }
    text = part(rendered(report_input(beginnings=[beginning])), "chains")
    for words in ("features of m", "<code>sha256:0123456789ab</code>", "MIT", "t: yes: isic-archive", "is no proof"):
        assert words in text
    assert "beginnings" not in rendered(report_input())


def test_what_each_source_gave_is_said_where_there_is_a_matrix():
    said = {"gains": ["n, full, over imagenet: of 6 gains …"]}
    html = page.render(report_input(), table.finished([row()], 0.02), costs.of_stages([]), [], [], [], [], {}, said)
    assert "over imagenet: of 6 gains" in part(html, "gains")
    assert 'id="gains"' not in rendered(rows=[row()])


def test_the_ranks_are_listed_at_the_largest_budget_with_what_they_allow_to_say():
    given = report_input({"metrics": ["auroc", "f1"]})
    rows = [row(metric=metric, mean=mean, chain=chain) for metric in ("auroc", "f1") for chain, mean in (("other", 0.9), ("imagenet", 0.4))]  # fmt: skip
    found = ranks.rankings(rows, given)
    tables = ranks.tables(found, rows, given)
    said = {"ranks": ranks.sentences(found, given)}
    html = page.render(given, table.finished(rows, 0.02), costs.of_stages([]), [], [], [], [], tables, said)
    section = html[html.index('id="ranks"') :].split("</section>")[0]
    assert "other (n, full) is first of 2 in" in section
    lines = re.findall(r"<tr><td>strict</td><td>t</td><td>(\w+)</td>", section)
    assert lines == ["other", "imagenet"]
