"""The page and the summary: the question, the table, the figures, the explanations, and what to beware of."""

import base64
import io
from pathlib import Path
from typing import Any

import pandas as pd

from indomain import __version__, files, metrics
from report import latex


def notes(params: dict[str, Any], table: pd.DataFrame) -> list[str]:
    """What a reader must know to read the numbers, in sentences."""
    found = []
    facts = params["facts"]
    if any(item["synthetic"] for item in facts.values()):
        found.append("The target's images are synthetic radiographs (phantoms): no evidence about patients.")
    if any(item["stand_in"] for item in facts.values()):
        found.append("The target is a reduced stand-in for the named data set: not comparable with published numbers.")
    if any(item["stand_in"] for item in params["sources"].values()):
        found.append("The source is a reduced stand-in for the named data set.")
    if "paper" in params["recipe"]["profiles"]:
        found.append(
            "Profile paper: the set's official split or a random one by image, no validation unless official, last epoch, one "
            "seed; leaks are kept."
        )
    without = sorted({item["name"] for item in facts.values() if not item["has_patients"]})
    if without:
        found.append(f"{', '.join(without)}: the set names no patients, so images were drawn and split one by one.")
    for where, item in [*facts.items(), *params["sources"].items()]:
        if item["leaks"]:
            words = ", ".join(f"{number} × {kind}" for kind, number in item["leaks"].items())
            removed = f"{item['dropped']} training images removed" if item["dropped"] else "kept"
            found.append(f"Leaks, {where}: {words}; {removed}.")
    for where, item in [*facts.items(), *params["sources"].items()]:
        if item["incomplete"]:
            more = f"; and {len(item['incomplete']) - 3} more" if len(item["incomplete"]) > 3 else ""
            found.append(f"Not the published copy, {where}: {'; '.join(item['incomplete'][:3])}{more}.")
    if any(item["cut"] for item in facts.values()):
        found.append(
            f"Pictures were cut into patches; an image's scores are the {' or '.join(params['options']['rule'])} of its patches'."
        )
    marked = sorted({where.partition("/")[2] for where, item in facts.items() if item.get("confounder")})
    if marked:
        found.append(
            f"{', '.join(marked)}: a mark that goes with the label was burnt into the pictures, those of the test as well "
            "unless a row says otherwise."
        )
    spoilt = table["metric"].str.contains(" under ")
    if spoilt.any() or table["metric"].isin(metrics.OF_EXPLANATIONS).any():
        found.append(
            "Explanations and robustness are those of the first seed's networks; explained are test images of each class "
            "in turn, whatever their share."
        )
    count = int(table["p_uncorrected"].notna().sum())
    drawn = params["options"]["samples"]
    if table["test"].eq("paired bootstrap over patients").any() and 2 * count / (drawn + 1) > 0.05:
        found.append(
            f"With {drawn} bootstrap samples no p of {count} comparisons can fall below {2 * count / (drawn + 1):.2f}: more "
            "samples ([report] samples) could tell more."
        )
    if count:
        kinds = ", ".join(sorted(set(table["test"].dropna())))
        found.append(f"{count} comparisons with the reference chain, Holm-corrected together. Tests: {kinds}.")
    found.append(
        "Intervals: 95 %, bootstrap over patients (over images where there are no patients), of the mean over runs."
    )
    if params["recipe"].get("pretrain", {}).get("seeds", "one") == "one" and len(params["recipe"]["seeds"]) > 1:
        found.append("All seeds share one pretraining: its own variation is not in the intervals.")
    return found


def summary(params: dict[str, Any], table: pd.DataFrame, sentences: list[str]) -> str:
    """The table's first metric for the terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    metric = params["options"]["metrics"][0]
    part = table[table["metric"] == metric]
    # Names come from recipes: they are no markup.
    shown = Table(title=escape(f"{params['recipe']['title']}: {metric}"), title_justify="left")
    columns = [name for name in latex.LINE if part[name].nunique() > 1 or name == "chain"]
    for name in columns:
        shown.add_column(name)
    for name in ("mean", "95 % interval", "runs", "difference", "p (Holm)"):
        shown.add_column(name, justify="right")
    absent = part[part["mean"].isna()]
    for row in part[part["mean"].notna()].to_dict("records"):
        words = [escape(str(row[name])) for name in columns]
        tested = pd.notna(row["p_value"])
        shown.add_row(
            *words,
            f"{row['mean']:.3f}",
            f"{row['ci_low']:.3f} – {row['ci_high']:.3f}",
            f"{row['n_runs']:.0f}",
            f"{row['difference']:+.3f}" if tested else "",
            f"{row['p_value']:.3f}" if tested else "",
        )
    console = Console(record=True, width=140, file=io.StringIO())
    console.print(shown)
    text = console.export_text()
    # What diverged is among the sentences.
    missing = [f"{row.target}, {row.chain}, {row.note}." for row in absent.itertuples() if "diverged" not in row.note]
    return text + "".join(f"* {sentence}\n" for sentence in [*missing, *sentences])


def stages(folders: list[Path]) -> pd.DataFrame:
    """One line a stage: runs, seconds, the most memory (MB), images a second (median of the trainings)."""
    rows = []
    for folder in folders:
        if (folder / "DONE").is_file():
            rows.append({"stage": folder.name.split("-")[0], **files.read_json(folder / "DONE")})
    frame = pd.DataFrame(rows)
    if frame.empty:
        return pd.DataFrame(columns=["stage", "runs", "seconds", "peak_memory_mb", "images_per_second"])
    if "images_per_second" not in frame:
        frame["images_per_second"] = float("nan")
    grouped = frame.groupby("stage", sort=False)
    return pd.DataFrame(
        {
            "runs": grouped.size(),
            "seconds": grouped["seconds"].sum().round(1),
            "peak_memory_mb": grouped["peak_memory_mb"].max(),
            "images_per_second": grouped["images_per_second"].median(),
        }
    ).reset_index()


def _light(path: Path) -> str:
    """A picture's file as WebP in base64: a tenth of the PNG, and nothing that an eye would miss."""
    from PIL import Image

    light = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(light, "WEBP", quality=85)
    return base64.b64encode(light.getvalue()).decode()


def render(
    params: dict[str, Any],
    table: pd.DataFrame,
    stages: pd.DataFrame,
    sentences: list[str],
    figures: list[tuple[str, str]],
    panels: list[tuple[str, Path]],
) -> str:
    """One HTML file that needs no other: figures and pictures are inside, the panels lighter than the files beside it."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["number"] = lambda value, digits=3: "" if pd.isna(value) else f"{value:.{digits}f}"
    environment.filters["word"] = lambda value: "" if pd.isna(value) else str(value)
    columns = [name for name in latex.LINE if table[name].nunique(dropna=True) > 1 or name == "chain"]
    spoilt = table["metric"].str.contains(" under ") | table["metric"].str.contains(", mark ")
    return environment.get_template("page.html.jinja").render(
        recipe=params["recipe"],
        options=params["options"],
        facts=params["facts"],
        sources=params["sources"],
        columns=columns,
        has_reported=bool(table["reported"].notna().any()),
        registry=params["registry"],
        lines=table[~table["metric"].isin(metrics.OF_EXPLANATIONS) & ~spoilt].to_dict("records"),
        measured=table[table["metric"].isin(metrics.OF_EXPLANATIONS)].to_dict("records"),
        spoilt=table[spoilt].to_dict("records"),
        stages=stages.to_dict("records"),
        notes=sentences,
        figures=figures,
        panels=[(title, _light(path)) for title, path in panels],
        version=__version__,
    )
