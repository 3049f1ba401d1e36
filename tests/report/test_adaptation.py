"""The section on adaptation: each method between its controls, and a warning where class shares differ."""

from dataclasses import replace

import pytest

from indomain import files
from indomain.runs.tags import SOURCE_ONLY, TARGET_TRAINED, Method, Tags
from report import costs, page, table
from report.adaptation import COLUMNS, adaptations, of_translations, sentences
from report.arms import ArmResults
from report.caveats import shares_remark
from report.comparison import control_of
from tests.report.made import comparison, report_input, row_key, split_info, table_row

EQUAL, RARE = [0.5, 0.5], [0.9, 0.1]


def method(name):
    return Method(classifier="logistic-regression", fitted_by="off-the-shelf", adaptation=name)


def made(target_shares=EQUAL):
    """Three rows: without adaptation 0.6, with the target's labels 0.8, and CORAL 0.7."""
    given = report_input(
        recipe={"targets": {"t": {"set": "own", "adapt_from": ["s"]}}, "sources": {"s": {"set": "other"}}}
    )
    known = {SOURCE_ONLY: (0.6, None), TARGET_TRAINED: (0.8, 0.2), "coral": (0.7, 0.1)}
    arms, rows = [], []
    for name, (mean, gain) in known.items():
        arms.append(ArmResults(row_key(method=method(name)), split_info(), shares=[(EQUAL, target_shares)]))
        found = comparison(gain, p=0.001, family="adaptation", chain=SOURCE_ONLY) if gain else None
        rows.append(table_row(mean=mean, method=method(name), comparison=found))
    evaluated = table.finished(rows, 0.02)
    return given, arms, evaluated, adaptations(arms, evaluated, given)


def test_an_adaptation_stands_between_its_controls():
    _, _, _, found = made()
    lines = found.set_index("adaptation")
    assert list(found.columns) == COLUMNS
    assert lines["share_of_gap"].to_dict() == pytest.approx({SOURCE_ONLY: 0.0, TARGET_TRAINED: 1.0, "coral": 0.5})
    assert lines.loc["coral", ["verdict", "sources", "class_shares"]].tolist() == [
        "better",
        "s",
        "a 0.50, 0.50; b 0.50, 0.50",
    ]


def test_the_sentence_counts_verdicts_and_says_what_labels_are_worth():
    _, arms, _, found = made()
    (said,) = sentences(arms, found)
    assert said == (
        "t, learnt from s: of 1 adaptations against source-only: 1 better (differences from +0.100 to +0.100); the target's labels "
        "are worth +0.200."
    )


def test_class_shares_that_differ_are_warned_of_on_the_page_and_in_the_note():
    given, arms, evaluated, found = made(RARE)
    said = sentences(arms, found)
    assert len(said) == 2 and "other shares there than in the sources (a 0.50, 0.90; b 0.50, 0.10)" in said[1]
    html = page.render(
        given, evaluated, costs.of_stages([]), [], [], [], [], {"adaptation.csv": found}, {"adaptation": said}
    )
    section = html[html.index('id="adaptation"') :].split("</section>")[0]
    assert "a 0.50, 0.90" in section and "source-only" in section and "0.50" in section
    assert shares_remark(["a", "b"], arms[0].shares) == [
        "class shares in the sources and in the target: a 0.50 and 0.90, b 0.50 and 0.10; they differ, and alignment then hurts"
    ]
    assert (
        shares_remark(["a", "b"], [(EQUAL, EQUAL)])[0].endswith("b 0.50 and 0.50")
        and shares_remark(["a", "b"], []) == []
    )


def test_an_adaptation_is_compared_with_the_same_network_without_it():
    keys = {row_key(method=method(name)): name for name in (SOURCE_ONLY, TARGET_TRAINED, "coral")}
    assert control_of(row_key(method=method("coral")), keys) == SOURCE_ONLY
    assert control_of(row_key(method=method(TARGET_TRAINED)), keys) == SOURCE_ONLY
    assert control_of(row_key(method=method(SOURCE_ONLY)), keys) is None
    assert control_of(row_key("other", method=method("coral")), keys) is None


def test_where_nothing_is_adapted_there_is_no_section():
    given = report_input()
    evaluated = table.finished([table_row()], 0.02)
    assert adaptations([ArmResults(row_key(), split_info())], evaluated, given).empty
    assert 'id="adaptation"' not in page.render(given, evaluated, costs.of_stages([]), [], [], [], [])


def test_translations_are_measured_against_the_targets_own_images(tmp_path):
    runs = []
    for number, after in enumerate((0.1, 0.3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        facts = {"kid_before": 0.5, "kid_after": after, "kid_real": 0.01, "change": 12.0}
        files.write_json(folder / "DONE", facts)
        runs.append(("synthesis", "translate", Tags(target="t", source="cyclegan", fold=number), folder))
    (said,) = of_translations(report_input(runs=runs))
    assert said == (
        "t, cyclegan: the sources' images are at a KID of 0.500 from the target's, their translations at 0.200, two halves of the "
        "target's at 0.010; they were changed by 12 grey values on average."
    )


def test_networks_and_features_are_told_apart():
    given, arms, evaluated, _ = made()
    network = [
        replace(arm, key=replace(arm.key, method=Method(strategy="full", adaptation=arm.key.method.adaptation)))
        for arm in arms
    ]
    rows = [table_row(mean=0.5, method=arm.key.method) for arm in network]
    both = table.finished([*(table_row(mean=0.6, method=arm.key.method) for arm in arms), *rows], 0.02)
    found = adaptations([*arms, *network], both, given)
    assert found.groupby("method")["adaptation"].count().to_dict() == {
        "full": 3,
        "off-the-shelf features: logistic-regression": 3,
    }
    assert str(network[2].key.method) == "full, coral"
