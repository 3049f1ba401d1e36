"""The papers' kind of table."""

import pandas as pd

from report import table
from report.wide import wide
from tests.report.made import comparison, report_input, row_key, table_row


def built(*rows):
    return wide(table.finished(list(rows), 0.02))


def test_an_arm_is_a_line_and_a_metric_a_column():
    found = built(table_row(), table_row(metric="f1", mean=0.6), table_row("other", 0.7))
    assert found.metrics == ["auroc", "f1"] and found.columns == ["chain"]
    assert [[cell.mean for cell in line.cells] for line in found.lines] == [[0.8, 0.6], [0.7, None]]


def test_only_a_verdict_of_the_primary_family_is_marked():
    marks = [
        built(table_row("other", comparison=given)).lines[0].cells[0].mark
        for given in (comparison(0.1, 0.01), comparison(0.1, 0.01, family="other levels"), comparison(0.1, 0.5))
    ]
    assert marks == ["better", "", ""]


def test_an_arm_that_was_not_run_is_a_line_with_a_note():
    missing = [{**row_key("third").words(), "note": "not run: no weights"}]
    absent = table.absent([], report_input(missing=missing))
    found = wide(pd.concat([table.finished([table_row()], 0.02), absent], ignore_index=True))
    assert found.lines[1].note == "not run: no weights" and found.lines[1].cells[0].mean is None
