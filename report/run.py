"""The run of the report: computes the rows, and writes the table, the figures and the page."""

import re
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

from indomain import __version__, files
from indomain.errors import look_up
from indomain.runs.task import Work
from report import (
    adaptation,
    answer,
    caveats,
    checklist,
    clinical,
    costs,
    errors,
    explanations,
    foretold,
    gains,
    latex,
    methods,
    page,
    ranks,
    rationale,
    robustness,
    sizes,
    subgroups,
    summary,
    synthesis,
    table,
)
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
    scored = table.score_rows(arms, given)
    evaluated_rows = table.finished(
        [
            *scored,
            *explanations.explanation_rows(given),
            *robustness.robustness_rows(corrupted, given),
        ],
        given.options["margin"],
    )
    absent = table.absent(arms, given)
    all_rows = pd.concat([evaluated_rows, absent], ignore_index=True) if len(absent) else evaluated_rows
    curves = robustness.curves(corrupted)
    stages = costs.of_stages([Path(path) for path in work.task.paths["runs"]])
    all_rows.drop(columns="kind").to_csv(folder / "table.csv", index=False, float_format="%.6g")
    predictions.to_csv(folder / "predictions.csv", index=False)
    stages.to_csv(folder / "stages.csv", index=False)
    if len(curves):
        curves.to_csv(folder / "robustness.csv", index=False, float_format="%.6g")
    ranked = ranks.rankings(scored, given)
    of_ranks = ranks.tables(ranked, scored, given)
    for name, content in of_ranks.items():
        content.to_csv(folder / name, index=False, float_format="%.6g")
    gained = gains.gains(scored, given)
    if len(gained):
        gained.to_csv(folder / "gains.csv", index=False, float_format="%.6g")
    sentences = caveats.sentences(given, evaluated_rows) + caveats.failure_caveats(arms)
    answers = answer.sentences(given, evaluated_rows)
    files.write_text(folder / "table.tex", _tex(given, all_rows, [*answers, *sentences]))
    pairs = of_ranks.get("rank_pairs.csv", pd.DataFrame())
    figures = _draw(folder, Material(given, all_rows, arms, curves, ranked, pairs, gained))
    adapted = adaptation.adaptations(arms, evaluated_rows, given)
    if len(adapted):
        adapted.to_csv(folder / "adaptation.csv", index=False, float_format="%.6g")
    valued = clinical.clinical(arms, given)
    if len(valued):
        valued.to_csv(folder / "clinical.csv", index=False, float_format="%.6g")
    grouped = subgroups.subgroups(arms, given, subgroups.values_of(work))
    if len(grouped):
        grouped.to_csv(folder / "subgroups.csv", index=False, float_format="%.6g")
    helped, made = synthesis.helped(scored, evaluated_rows, given), synthesis.judged(given)
    if len(made):
        helped.to_csv(folder / "synthesis.csv", index=False, float_format="%.6g")
        made.to_csv(folder / "synthetic_images.csv", index=False, float_format="%.6g")
    judged = foretold.read(given)
    for name, content in judged.items():
        content.to_csv(folder / name, index=False, float_format="%.6g")
    said = {
        "ranks": ranks.sentences(ranked, given),
        "gains": gains.sentences(gained, given),
        "foretold": foretold.sentences(judged),
        "adaptation": [*adaptation.sentences(arms, adapted), *adaptation.of_translations(given)],
        "synthesis": synthesis.sentences(helped, made),
        "subgroups": subgroups.sentences(grouped),
    }
    known = _known(answers, grouped, given)
    checked = checklist.checklist(given, known)
    checked.to_csv(folder / "checklist.csv", index=False)
    text, keys = methods.paragraph(given)
    files.write_text(folder / "methods.txt", text + "\n")
    files.write_text(folder / "methods.bib", methods.bibtex(keys))
    if any(said[name] for name in ("gains", "foretold", "adaptation", "synthesis", "subgroups")):
        files.write_json(folder / "said.json", said)
    of_sizes = sizes.sizes(given, all_rows)
    if len(of_sizes):
        of_sizes.to_csv(folder / "sizes.csv", index=False, float_format="%.6g")
    tables = {
        **judged,
        **of_ranks,
        "sizes.csv": of_sizes,
        "adaptation.csv": adapted,
        "subgroups.csv": grouped,
        "clinical.csv": valued,
        "checklist.csv": checked,
        "synthesis.csv": helped,
        "synthetic_images.csv": made,
    }
    panels = _panels(given, folder)
    sheets = {"synthesis": _sheets(given, folder, ""), "adaptation": _sheets(given, folder, "translate")}
    said |= {"rationale": rationale.sentences(given), "methods": [text]}
    panels_of_errors = errors.write(work, arms, given, folder)
    sheets["errors"] = panels_of_errors
    html = page.render(given, all_rows, stages, answers, sentences, figures, panels, tables, said, sheets)
    files.write_text(folder / "report.html", html)
    files.write_text(folder / "summary.txt", summary.render(given, all_rows, answers, sentences))
    return {"rows": len(all_rows), "comparisons": int(evaluated_rows["difference"].notna().sum())}


def _known(answers: list[str], grouped: pd.DataFrame, given: ReportInput) -> dict[str, str]:
    """What only the finished report can tell a checklist."""
    known = {
        "results": " ".join(answers),
        "software": f"indomain {__version__}; versions of all libraries: stages.csv and the runs' records",
    }
    known |= {"subgroups": f"by {', '.join(grouped['column'].unique())}: subgroups.csv"} if len(grouped) else {}
    known |= {"failures": "the most confident errors are shown on the page"} if given.options["errors"] else {}
    return known


def _tex(given: ReportInput, all_rows: pd.DataFrame, sentences: list[str]) -> str:
    """The table of metrics, followed by that of explanations if there are any."""
    title = given.recipe["title"]
    shown = all_rows[all_rows["metric"].isin(table.metric_names(given.options))]
    tex = latex.render(shown, title, sentences)
    of_maps = all_rows[all_rows["kind"] == "explanation"]
    return tex + ("\n" + latex.render(of_maps, f"{title}: explanations", []) if len(of_maps) else "")


def _draw(folder: Path, material: Material) -> list[tuple[str, str]]:
    """Writes every figure as PNG; returns (title, SVG) of each."""
    figures = []
    # Names in recipes may contain a dollar sign, which Matplotlib would take for the start of a formula.
    with matplotlib.rc_context({"text.parse_math": False}):
        for name in FIGURES:
            for drawing in look_up(FIGURES, name, "figure")(material):
                drawing.figure.savefig(folder / f"{_file_name(drawing.name)}.png")
                figures.append((drawing.title, style.as_svg(drawing.figure)))
    return figures


def _panels(given: ReportInput, folder: Path) -> list[tuple[str, Path]]:
    """Copies the panels of explanations; returns (title, file) of each."""
    panels = []
    for tags, source in given.of_kind("explain/panel"):
        if not (source / "panel.png").is_file():
            continue
        words = [str(tags.target), str(tags.backbone), str(tags.method), str(tags.profile)]
        words += ["predicted"] if tags.explained == "predicted" else []
        copy = folder / f"panel-{_file_name('-'.join(words))}.png"
        copy.write_bytes((source / "panel.png").read_bytes())
        panels.append((f"{tags.target}, {tags.backbone}, {tags.method}: the {tags.explained} class", copy))
    return panels


def _sheets(given: ReportInput, folder: Path, kind: str) -> list[tuple[str, Path]]:
    """Copies the contact sheets of synthetic images, or of translations; returns (title, file) of each."""
    copies = []
    for title, source in synthesis.sheets(given, kind):
        copy = folder / f"sheet-{_file_name(title.partition(':')[0].replace(', ', '-'))}.png"
        copy.write_bytes(source.read_bytes())
        copies.append((title, copy))
    return copies


def _file_name(words: str) -> str:
    """Words as part of a file's name that needs no quotes."""
    return re.sub(r"[^\w.+-]", "_", words.replace(": ", "-").replace(" ", "-"))
