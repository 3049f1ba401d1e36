"""The run of the report: rows, table, figures and page."""

import re
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

from indomain import files
from indomain.errors import look_up
from indomain.runs.task import Work
from report import caveats, costs, explanations, latex, page, robustness, summary, table
from report.arms import read_arms
from report.figures import FIGURES, style
from report.figures.drawing import Material
from report.given import ReportInput


def run(work: Work) -> dict[str, Any]:
    """Writes all files of the report; returns facts for the run's record."""
    given, folder = ReportInput.of(work), work.folder
    arms, predictions = read_arms(given)
    work.progress("intervals and tests")
    corrupted = robustness.corrupted_arms(given)
    built = table.finished(
        [
            *table.score_rows(arms, given),
            *explanations.explanation_rows(given),
            *robustness.robustness_rows(corrupted, given),
        ]
    )
    absent = table.absent(arms, given)
    whole = pd.concat([built, absent], ignore_index=True) if len(absent) else built
    curves = robustness.curves(corrupted)
    spent = costs.of_stages([Path(path) for path in work.task.paths["runs"]])
    whole.drop(columns="kind").to_csv(folder / "table.csv", index=False, float_format="%.6g")
    predictions.to_csv(folder / "predictions.csv", index=False)
    spent.to_csv(folder / "stages.csv", index=False)
    if len(curves):
        curves.to_csv(folder / "robustness.csv", index=False, float_format="%.6g")
    sentences = caveats.sentences(given, built) + caveats.failure_caveats(arms)
    files.write_text(folder / "table.tex", _tex(given, whole, sentences))
    figures = _draw(folder, Material(given, whole, arms, curves))
    files.write_text(
        folder / "report.html", page.render(given, whole, spent, sentences, figures, _panels(given, folder))
    )
    files.write_text(folder / "summary.txt", summary.render(given, whole, sentences))
    return {"rows": len(whole), "comparisons": int(built["p_uncorrected"].notna().sum())}


def _tex(given: ReportInput, whole: pd.DataFrame, sentences: list[str]) -> str:
    """The table of metrics, and that of explanations if there are any."""
    title = given.recipe["title"]
    shown = whole[whole["metric"].isin(table.metric_names(given.options))]
    tex = latex.render(shown, title, sentences)
    of_maps = whole[whole["kind"] == "explanation"]
    return tex + ("\n" + latex.render(of_maps, f"{title}: explanations", []) if len(of_maps) else "")


def _draw(folder: Path, material: Material) -> list[tuple[str, str]]:
    """Writes every figure as PNG; returns title and SVG of each."""
    drawn = []
    # Names come from recipes: a dollar sign in them is not a formula.
    with matplotlib.rc_context({"text.parse_math": False}):
        for name in FIGURES:
            for drawing in look_up(FIGURES, name, "figure")(material):
                drawing.figure.savefig(folder / f"{drawing.name}.png")
                drawn.append((drawing.title, style.as_svg(drawing.figure)))
    return drawn


def _panels(given: ReportInput, folder: Path) -> list[tuple[str, Path]]:
    """Copies the panels of explanations; returns title and file of each."""
    panels = []
    for tags, source in given.of_kind("explain/panel"):
        if not (source / "panel.png").is_file():
            continue
        words = [str(tags.target), str(tags.backbone), str(tags.method), str(tags.profile)]
        words += ["predicted"] if tags.explained == "predicted" else []
        name = re.sub(r"[^\w.+-]", "_", "-".join(words).replace(": ", "-").replace(" ", "-"))
        copy = folder / f"panel-{name}.png"
        copy.write_bytes((source / "panel.png").read_bytes())
        panels.append((f"{tags.target}, {tags.backbone}, {tags.method}: the {tags.explained} class", copy))
    return panels
