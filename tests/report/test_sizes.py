"""How large and how fast the networks of each row are."""

import pytest

from indomain.runs.tags import Method
from report import costs, page, table
from report.sizes import COLUMNS, sizes
from tests.report.made import finished_run, report_input, table_row, tags_of

CUT = Method(strategy="truncated-any")


def runs(folder, *facts):
    """Finished runs of fine-tuning with these facts, by method."""
    found = []
    for number, (method, one) in enumerate(facts):
        (folder / str(number)).mkdir()
        found.append(("finetune", "", tags_of(method=method, seed=number), finished_run(folder / str(number), **one)))
    return found


WHOLE = {"weights": 1000, "multiply_adds": 5000}


def tabled(folder, *facts):
    given = report_input(runs=runs(folder, *facts))
    rows = table.finished([table_row("imagenet", 0.8), table_row("imagenet", 0.81, method=CUT)], 0.02)
    return given, rows, sizes(given, rows)


def test_networks_of_several_sizes_stand_beside_what_they_reach(tmp_path):
    small = {"weights": 300, "multiply_adds": 2000, "latency_ms": 2.0}
    facts = [
        (Method(strategy="full"), WHOLE),
        (CUT, small | {"cut": "low"}),
        (CUT, small | {"cut": "low", "latency_ms": 4.0}),
        (CUT, small | {"cut": "high", "weights": 500, "latency_ms": 6.0}),
    ]
    given, rows, found = tabled(tmp_path, *facts)
    assert list(found.columns) == COLUMNS
    line = found.set_index("method").loc["truncated-any"]
    assert (line["weights"], line["latency_ms"], line["cut"]) == (300, 4.0, "low in 2 of 3, high in 1 of 3")
    assert line["mean"] == pytest.approx(0.81) and found.set_index("method").loc["full", "cut"] == ""
    html = page.render(given, rows, costs.of_stages([]), [], [], [], [], {"sizes.csv": found})
    section = html[html.index('id="sizes"') :].split("</section>")[0]
    assert "low in 2 of 3" in section and "0.810" in section and "4.0" in section


def test_where_all_networks_are_whole_and_none_was_timed_there_is_nothing_to_show(tmp_path):
    _, _, found = tabled(tmp_path, (Method(strategy="full"), WHOLE), (CUT, WHOLE))
    assert found.empty and list(found.columns) == COLUMNS


def test_runs_of_before_sizes_were_kept_and_those_that_diverged_are_left_out(tmp_path):
    diverged = {"weights": 2, "multiply_adds": 2, "diverged": "the loss became nan"}
    timed = WHOLE | {"latency_ms": 3.0}
    _, _, found = tabled(tmp_path, (Method(strategy="full"), {}), (CUT, timed), (CUT, diverged))
    assert found["method"].tolist() == ["truncated-any"] and found["weights"].tolist() == [1000]
