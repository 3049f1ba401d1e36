"""The page: the answer, the papers' kind of table, the caveats, the figures and every number in one HTML file."""

import base64
import io
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from PIL import Image

from indomain import __version__
from indomain.metrics import printed
from indomain.recipe.recipe import BASELINE
from report.comparison import PRIMARY, p_text
from report.given import ReportInput
from report.wide import COORDINATES, wide

# What the page says in sentences, by section.
SAID = ("ranks", "gains", "foretold", "adaptation", "synthesis", "subgroups", "rationale", "methods")


def render(
    given: ReportInput,
    table: pd.DataFrame,
    costs: pd.DataFrame,
    answers: list[str],
    sentences: list[str],
    figures: list[tuple[str, str]],
    panels: list[tuple[str, Path]],
    judged: dict[str, pd.DataFrame] | None = None,
    said: dict[str, list[str]] | None = None,
    sheets: dict[str, list[tuple[str, Path]]] | None = None,
) -> str:
    """A self-contained HTML page; panels are embedded in a smaller format than the PNG files next to it.

    Args:
        given: the input of the report.
        table: all rows.
        costs: one row per stage, as `report.costs.of_stages` returns them.
        answers: what the verdicts say.
        sentences: what a reader must know.
        figures: (title, SVG) of each figure.
        panels: (title, PNG file) of each panel.
        judged: the tables of `report.foretold.read` and of `report.ranks.tables`, `sizes.csv`, `adaptation.csv`,
            `subgroups.csv`, `synthesis.csv` and `synthetic_images.csv`.
        said: what the ranks, the gains, the judgement of measures, the adaptations and the synthetic images allow to say, by
            "ranks", "gains", "foretold", "adaptation", "synthesis" and "subgroups".
        sheets: (title, PNG file) of each contact sheet of synthetic images, by the section that shows it: "synthesis",
            "adaptation", "errors".
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["number"] = lambda value, digits=3: "" if pd.isna(value) else f"{value:.{digits}f}"
    environment.filters["word"] = lambda value: "" if pd.isna(value) else str(value)
    environment.filters["signed"] = lambda value: "" if pd.isna(value) else f"{value:+.3f}".replace("-", "−")
    environment.filters["printed"] = printed
    environment.filters["p"] = p_text
    of_kind = {kind: table[table["kind"] == kind].to_dict("records") for kind in ("score", "explanation", "robustness")}
    return environment.get_template("page.html.jinja").render(
        recipe=given.recipe,
        others=_others(given),
        options=given.options,
        facts={name: info.to_params() for name, info in given.infos.items()},
        sources=given.sources,
        beginnings=given.beginnings,
        top=given.recipe.get("transferability", {}).get("top", 3),
        foretold=(judged or {}).get("transferability.csv", pd.DataFrame()).to_dict("records"),
        ranks=_of_first_metric(given, (judged or {}).get("ranks.csv", pd.DataFrame())),
        agreement=_of_first_metric(given, (judged or {}).get("rank_agreement.csv", pd.DataFrame())),
        sizes=(judged or {}).get("sizes.csv", pd.DataFrame()).to_dict("records"),
        adapted=(judged or {}).get("adaptation.csv", pd.DataFrame()).to_dict("records"),
        valued=(judged or {}).get("clinical.csv", pd.DataFrame()).to_dict("records"),
        checked=(judged or {}).get("checklist.csv", pd.DataFrame()).to_dict("records"),
        grouped=(judged or {}).get("subgroups.csv", pd.DataFrame()).to_dict("records"),
        helped=(judged or {}).get("synthesis.csv", pd.DataFrame()).to_dict("records"),
        made=(judged or {}).get("synthetic_images.csv", pd.DataFrame()).to_dict("records"),
        sheets={
            section: [(title, _light(path)) for title, path in (sheets or {}).get(section, [])]
            for section in ("synthesis", "adaptation", "errors")
        },
        pairs=(judged or {}).get("rank_pairs.csv", pd.DataFrame()).to_dict("records"),
        said={**{name: [] for name in SAID}, **(said or {})},
        columns=[name for name in COORDINATES if table[name].nunique(dropna=True) > 1 or name == "chain"],
        has_reported=bool(table["reported"].notna().any()),
        registry=given.registry,
        answers=answers,
        primary=PRIMARY,
        wide=wide(table[table["kind"] == "score"]),
        lines=of_kind["score"],
        measured=of_kind["explanation"],
        robustness=of_kind["robustness"],
        stages=costs.to_dict("records"),
        notes=sentences,
        figures=figures,
        panels=[(title, _light(path)) for title, path in panels],
        version=__version__,
    )


def _of_first_metric(given: ReportInput, table: pd.DataFrame) -> list[dict[str, Any]]:
    """The lines of the first metric, at the largest label budget of each target and the first of its units of counting."""
    if not len(table):
        return []
    largest = [given.largest_budget(target) if target in given.budgets else "" for target in table["target"]]
    shown = (table["metric"] == given.metric) & (table["budget"] == pd.Series(largest, table.index))
    first = table["level"] == table.groupby("target")["level"].transform("first")
    return table[shown & first].to_dict("records")  # type: ignore[return-value]


def _others(given: ReportInput) -> dict[str, str]:
    """What stands in the place of a chain, in words: the baseline and groups of networks."""
    known = given.recipe["fusion"].get("groups", {})
    words = {BASELINE: "imagenet, frozen; a logistic regression on the features of each network and of all"}
    words |= {name: f"fusion of {', '.join(networks)}" for name, networks in known.items()}
    return {
        name: words.get(name, "fusion across chains") for name in given.chains if name not in given.recipe["chains"]
    }


def _light(path: Path) -> str:
    """An image file as WebP in base64: a tenth of the size of the PNG, with no visible loss."""
    buffer = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(buffer, "WEBP", quality=85)
    return base64.b64encode(buffer.getvalue()).decode()
