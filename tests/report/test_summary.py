"""The summary for the terminal."""

import pytest

from report import summary, table
from tests.report.made import comparison, report_input, row_key, table_row


@pytest.fixture
def text():
    rows = [
        table_row("imagenet", 0.8),
        table_row("imagenet", 0.55, "f1"),
        table_row("other", 0.9, comparison=comparison(0.1, 0.04)),
    ]
    given = report_input(recipe={"title": "[b]Hands[/b]"})
    return summary.render(given, table.finished(rows, 0.02), ["It is better."], ["Mind the gap."])


def test_the_first_metric_is_shown_with_its_interval(text):
    assert "0.800" in text and "0.700 – 0.900" in text and "0.550" not in text


def test_a_difference_is_shown_where_it_was_tested(text):
    line = next(line for line in text.splitlines() if "other" in line)
    assert "+0.100" in line and "+0.020 – +0.180" in line and "better" in line and "0.040" in line
    assert "+" not in next(line for line in text.splitlines() if "imagenet" in line)


def test_names_are_text_and_no_markup(text):
    assert "[b]Hands[/b]: AUROC" in text


def test_the_answer_comes_first(text):
    assert text.startswith("It is better.\n")


def test_what_a_reader_must_know_follows(text):
    assert text.endswith("* Mind the gap.\n")


def test_arms_without_numbers_are_named_unless_a_sentence_has_named_them():
    missing = [{**row_key("random").words(), "note": "not run: no weights"}]
    diverged = [{**row_key("other").words(), "note": "diverged: the loss became nan"}]
    given = report_input(missing=missing + diverged)
    text = summary.render(given, table.absent([], given), [], ["Diverged: other."])
    assert "* t, random, not run: no weights.\n" in text and "became nan" not in text
