"""The table in LaTeX."""

import shutil
import subprocess

import pandas as pd
import pytest

from report import latex, table
from tests.report.made import comparison, report_input, row_key, table_row


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


def rows():
    return [
        table_row("imagenet", 0.8),
        table_row("imagenet", 0.6, "f1"),
        table_row("other", 0.9, comparison=comparison(0.1, 0.01)),
        table_row("random", 0.5, comparison=comparison(-0.3, 0.01)),
    ]


def rendered(given=None):
    missing = [{**row_key("third").words(), "method": None, "level": None, "note": "not run: no weights"}]
    absent = table.absent([], report_input(missing=missing))
    whole = pd.concat([table.finished(given or rows(), 0.02), absent], ignore_index=True)
    return latex.render(whole, "Wrists & hands", ["50 % are synthetic."])


def test_each_arm_is_a_line_with_every_metric_and_its_interval_and_a_mark_where_a_verdict_says_so():
    body = rendered().split("\\endhead\n")[1].split("\n\\bottomrule")[0].splitlines()
    assert body[:3] == [
        r"imagenet & 0.800\linebreak{} [0.700, 0.900] & 0.600\linebreak{} [0.500, 0.700] \\",
        r"other & 0.900\textsuperscript{+}\linebreak{} [0.800, 1.000] & -- \\",
        r"random & 0.500\textsuperscript{$-$}\linebreak{} [0.400, 0.600] & -- \\",
    ]


def test_a_row_that_was_not_run_says_so_and_nowhere_is_a_nan():
    assert r"third & \multicolumn{2}{p{0.310\linewidth}}{not run: no weights} \\" in rendered()
    assert "nan" not in rendered()


def test_coordinates_that_are_the_same_everywhere_are_left_out():
    assert r"chain & AUROC & F1 \\" in rendered() and "squeezenet" not in rendered()


def test_title_and_caveats_are_the_caption():
    assert r"\caption{Wrists \& hands. 50 \% are synthetic. Mean [95\,\% interval];" in rendered()


def many():
    """A table of long names, seven metrics and sixty lines."""
    names = ["auroc", "accuracy", "f1", "kappa", "brier", "mcc", "calibration_error"]
    return [
        table_row("imagenet-then-other-parts", 0.5, name, backbone=f"squeezenet+dcnn-light-w0.{number}", level=level)
        for number in range(30)
        for level in ("image", "patient, majority")
        for name in names
    ]


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs a LaTeX")
@pytest.mark.parametrize("given", [rows, many])
def test_it_compiles_and_fits_the_pages(given, tmp_path):
    document = (
        r"\documentclass[a4paper]{article}\usepackage[T1]{fontenc}\usepackage{array,booktabs,longtable}"
        "\n\\begin{document}\n" + rendered(given()) + "\\end{document}\n"
    )
    (tmp_path / "it.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "it.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
