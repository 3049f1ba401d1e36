"""The section on synthetic images: each mixture against oversampling, and what went wrong with the images."""

import numpy as np
import pandas as pd
from PIL import Image

from indomain.runs.tags import OVERSAMPLED, Method
from report import costs, page, table
from report.comparison import CLASSIC, control_of
from report.synthesis import helped, judged, sentences, sheets
from synthesis.judgement import COLUMNS
from tests.report.made import comparison, finished_run, report_input, row_key, table_row, tags_of


def method(mixture=""):
    return Method(strategy="full", mixture=mixture)


def rows():
    """The classic row, oversampling, and two mixtures; one of them better than oversampling."""
    known = {
        "": (0.7, None, ""),
        OVERSAMPLED: (0.75, 0.05, CLASSIC),
        "dcgan 1": (0.85, 0.1, OVERSAMPLED),
        "dcgan only": (0.6, -0.15, OVERSAMPLED),
    }
    made = []
    for name, (mean, gain, other) in known.items():
        found = comparison(gain, p=0.001, family="synthesis", chain=other) if gain else None
        made.append(table_row(mean=mean, method=method(name), comparison=found))
    return made


def judged_run(folder, seed=0, beware="", **facts):
    folder.mkdir()
    line = {**dict.fromkeys(COLUMNS, 0.5), "class": "a", "beware": beware}
    pd.DataFrame([line])[COLUMNS].to_csv(folder / "judged.csv", index=False)
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(folder / "sheet.png")
    return (
        "synthesis",
        "",
        tags_of(chain=None, backbone=None, method=None, source="dcgan", seed=seed),
        finished_run(folder, **facts),
    )


def test_what_is_compared_with_what():
    keys = {row_key(method=method(name)): name or "classic" for name in ("", OVERSAMPLED, "dcgan 1")}
    assert control_of(row_key(method=method("dcgan 1")), keys) == OVERSAMPLED
    assert control_of(row_key(method=method(OVERSAMPLED)), keys) == "classic"
    assert control_of(row_key(method=method()), keys) is None


def test_the_lines_are_the_classic_row_its_control_and_the_mixtures():
    given = report_input()
    made = rows()
    others = [table_row("other", 0.9), table_row(mean=0.3, metric="accuracy", method=method(OVERSAMPLED))]
    found = helped([*made, *others], table.finished([*made, *others], 0.02), given)
    assert found["method"].tolist() == ["full", "full, oversampled", "full, dcgan 1", "full, dcgan only"]
    assert found["compared_with"].tolist()[1:] == [CLASSIC, OVERSAMPLED, OVERSAMPLED]


def test_sentences_count_verdicts_against_oversampling_and_name_what_went_wrong(tmp_path):
    runs = [judged_run(tmp_path / "0"), judged_run(tmp_path / "1", 1, "mode collapse; copies of training images")]
    given = report_input(runs=runs)
    made = rows()
    found, of_images = helped(made, table.finished(made, 0.02), given), judged(given)
    said = sentences(found, of_images)
    assert said[0] == (
        "t: of 2 rows with synthetic images against oversampling at equal steps: 1 better, 1 worse (differences from −0.150 to +0.100)."
    )
    assert said[1] == "t, dcgan, a: mode collapse in 1 of 2; copies of training images in 1 of 2 runs."
    assert of_images.loc[0, ["runs", "kid"]].tolist() == [2, 0.5]


def test_a_generator_that_diverged_is_a_line_and_not_the_end(tmp_path):
    given = report_input(
        runs=[judged_run(tmp_path / "0"), judged_run(tmp_path / "1", 1, diverged="the loss became nan")]
    )
    assert judged(given)["beware"].tolist() == ["", "diverged in 1 of 1"]


def test_the_page_shows_the_rows_the_judgement_and_one_sheet_a_generator(tmp_path):
    runs = [judged_run(tmp_path / "0", 0, "mode collapse"), judged_run(tmp_path / "1", 1)]
    given = report_input(runs=runs)
    made = rows()
    evaluated = table.finished(made, 0.02)
    found, of_images = helped(made, evaluated, given), judged(given)
    shown = sheets(given)
    assert [title for title, _ in shown] == ["t, dcgan: real images left, synthetic ones right; a line a class"]
    tables = {"synthesis.csv": found, "synthetic_images.csv": of_images}
    html = page.render(
        given, evaluated, costs.of_stages([]), [], [], [], [], tables, {"synthesis": ["said"]}, {"synthesis": shown}
    )
    section = html[html.index('id="synthesis"') :].split("</section>")[0]
    assert (
        "full, dcgan 1" in section
        and "mode collapse in 1 of 2" in section
        and "data:image/webp" in section
        and "said" in section
    )


def test_where_nothing_was_made_there_is_no_section():
    given = report_input()
    evaluated = table.finished([table_row()], 0.02)
    assert judged(given).empty and helped([table_row()], evaluated, given).empty and sheets(given) == []
    assert 'id="synthesis"' not in page.render(given, evaluated, costs.of_stages([]), [], [], [], [])
