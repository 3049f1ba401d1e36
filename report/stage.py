"""Stage 5, the report: table, statistics, figures and page of a recipe.

    python -m report RECIPE

Reads the predictions and panels of the other stages. Writes `table.csv`, `table.tex`, `report.html`, `predictions.csv`,
`stages.csv`, `summary.txt` and the figures as PNG; they are put into <runs folder>/<recipe name>/.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from indomain import metrics
from indomain.data.budget import budget_label, share_or_shots
from indomain.errors import RequestError, unknown
from indomain.progress import Note
from indomain.recipe.study import Plan
from indomain.runs.task import Task
from indomain.toml import Table
from report import levels, registry
from report.registry import Beside

VERSION = 13


class Options(Table):
    """[report]: what the table shows."""

    metrics: list[str] = Field(default=["auroc", "accuracy", "balanced_accuracy", "f1", "kappa"], min_length=1)
    # Compared with the reference chain and Holm-corrected together.
    test_metrics: list[str] = []  # and measures of explanations; default: the first metric, and where maps point
    compare_with: str = ""  # the reference chain; default: "imagenet" if the recipe has it, else its first chain
    # What counts as one: patch, image, study, patient; those that a target does not know are left out of its rows.
    levels: list[Literal["patch", "image", "study", "patient"]] = Field(default=["image"], min_length=1)
    # How the scores of several images become one; several rules are several rows.
    rule: Annotated[
        list[Literal["mean", "majority", "max"]],
        BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    ] = Field(default=["mean"], min_length=1)
    calibrate: bool = False  # further rows, of scores with a temperature fitted on validation images
    sensitivity: float | None = Field(
        default=None, gt=0, le=1
    )  # the operating point, its threshold chosen on validation
    samples: int = Field(default=2000, ge=100)  # bootstrap
    seed: int = 0
    registry: str = ""  # a file of reported numbers, relative to the recipe
    beside: dict[str, Beside] = {}  # a number of the registry -> the rows that it stands beside

    @field_validator("metrics")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in metrics.METRICS:
                raise unknown("metric", name, metrics.METRICS)
        return value

    @model_validator(mode="after")
    def _words_fit(self) -> "Options":
        for name in self.test_metrics:
            if name not in (*self.metrics, *metrics.OF_EXPLANATIONS):
                known = ", ".join((*self.metrics, *metrics.OF_EXPLANATIONS))
                raise ValueError(f"test_metrics names {name!r}, which the table does not show; it shows {known}")
        if self.calibrate and not {"brier", "ece"} & set(self.metrics):
            raise ValueError('calibrate changes "brier" and "ece" only: put one of them into metrics')
        return self


def plan(plan: Plan) -> list[Task]:
    """One task, on everything that made predictions or a panel."""
    recipe = plan.recipe
    # What a table shows does not depend on the profile: both stand in it.
    options = plan.options("report", Options, recipe.profiles[0])
    reference = options.compare_with or ("imagenet" if "imagenet" in recipe.chains else next(iter(recipe.chains)))
    if reference not in recipe.chains:
        raise unknown("chain", reference, recipe.chains, "report.compare_with")
    numbers = registry.load(plan.base / options.registry) if options.registry else {}
    shown = [*plan.find("finetune"), *plan.find("fusion"), *plan.find("explain")]
    shown = [task for task in shown if task.params.get("do") not in ("features", "maps")]
    facts, places, missing = {}, {}, []
    for profile in recipe.profiles:
        for target in recipe.targets:
            listing = plan.target(target, profile)
            facts[f"{profile}/{target}"] = {**listing.facts, "confounder": bool(recipe.targets[target].confounder)}
            places[f"{profile}/{target}"] = str(listing.folder)
            for backbone, chain in recipe.missing_arms(target, profile):
                note = f"not run: no ImageNet weights exist for {backbone.name}"
                missing.append(
                    {"profile": profile, "target": target, "chain": chain, "backbone": backbone.label, "note": note}
                )
    known = {key: {str(task.labels[key]) for task in shown if key in task.labels} for key in Beside.model_fields}
    counted = [
        levels.counted([level for level in options.levels if levels.has(level, item)], list(options.rule), item)
        for item in facts.values()
    ]
    known |= {"chain": set(recipe.chains), "level": {name for found in counted for _, name, _ in found}}
    for name, rows in options.beside.items():
        for key, given in rows.model_dump(exclude={"same"}).items():
            if given and given not in known[key]:
                raise unknown(key, given, known[key], f"report.beside.{name}")
        if name in numbers and numbers[name].metric not in options.metrics:
            raise unknown("metric", numbers[name].metric, options.metrics, f"report.beside.{name}, report.metrics")
    for level in options.levels:
        knowing = [name for name, item in facts.items() if levels.has(level, item)]
        if not knowing:
            raise RequestError(f"report.levels: no target of the recipe knows what belongs to one {level}.")
        # Known before hours of work, not after; what was cut from one picture has one label.
        for name in knowing if level in ("study", "patient") else []:
            which, _, target = name.partition("/")
            classes, positive = facts[name]["classes"], facts[name]["positive"]
            number = classes.index(positive) if positive else 1 if len(classes) == 2 else None
            levels.check(plan.target(target, which).table(), level, number, target)
    sources: dict[str, dict[str, Any]] = {}
    for task in plan.find("pretrain"):
        from indomain.data.split import open_split

        source, found = f"{task.labels['profile']}/{task.labels['source']}", open_split(task.places).facts
        earlier = sources.get(source, {"read": []})["read"]
        sources[source] = {
            **found,
            "read": found["origins"] if task.labels["objective"] == "source-labels" else earlier,
        }
    params = {
        "recipe": {"name": plan.name, **recipe.model_dump(mode="json", exclude={"report"})},
        "options": {
            **options.model_dump(exclude={"registry", "beside"}),
            "compare_with": reference,
            "test_metrics": options.test_metrics or [options.metrics[0], "pointing"],
            "reported": registry.beside(numbers, options.beside, plan.base / options.registry),
        },
        "registry": [number.model_dump() for number in numbers.values()],
        "budgets": {
            target: [[budget_label(budget), share_or_shots(budget)] for budget in its_options.budgets()]
            for target, its_options in recipe.targets.items()
        },
        "shown": [task.labels for task in shown],
        "facts": facts,
        "sources": sources,
        "missing": missing,
    }
    inputs = {str(number): task for number, task in enumerate(shown)}
    everything = {task.digest: task for task in plan.tasks}
    places["runs"] = "\n".join(str(plan.runs.folder(task)) for task in everything.values())
    return [Task("report", VERSION, params, inputs, {"recipe": plan.name}, places, endures=True)]


def run(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    """Writes all files of the report; returns facts for the run's record."""
    import matplotlib
    import pandas as pd

    from indomain.files import write_text
    from report import figures, latex, measured, page, table
    from report.rows import read_rows

    params, options = task.params, task.params["options"]
    read = [(labels, inputs[str(number)]) for number, labels in enumerate(params["shown"])]
    of_kind: dict[str, list] = {kind: [] for kind in ("", "panel", "measure", "robustness")}
    for labels, place in read:
        of_kind[labels.get("do", "")].append((labels, place))
    how = (options["levels"], options["rule"], options["calibrate"], options["sensitivity"])
    rows, predictions = read_rows(of_kind[""], params["facts"], *how)
    note("intervals and tests")
    shown, first = list(options["metrics"]), options["metrics"][0]
    if options["sensitivity"]:
        shown += [f"{name}{table.AT}{options['sensitivity']:g}" for name in ("sensitivity", "specificity")]
    drawn = options["samples"], options["seed"]
    compared = options["test_metrics"], options["compare_with"]
    spoilt = measured.spoilt_rows(of_kind["robustness"], params["facts"], first, *drawn)
    built = table.finished(
        [
            *table.lines(rows, shown, *compared, *drawn, options["reported"]),
            *measured.explanation_lines(of_kind["measure"], params["facts"], *compared, *drawn),
            *measured.robustness_lines(spoilt, params["facts"], first, options["compare_with"]),
        ]
    )
    absent = table.absent_lines([*params["missing"], *table.diverged(rows)], options["metrics"])
    whole = pd.concat([built, absent], ignore_index=True) if len(absent) else built
    whole.to_csv(folder / "table.csv", index=False, float_format="%.6g")
    predictions.to_csv(folder / "predictions.csv", index=False)
    stages = page.stages([Path(path) for path in task.places["runs"].split("\n") if path])
    stages.to_csv(folder / "stages.csv", index=False)
    notes = page.notes(params, built) + table.said_of_failed(rows)
    title = params["recipe"]["title"]
    of_maps = whole["metric"].isin(metrics.OF_EXPLANATIONS)
    tex = latex.render(whole[whole["metric"].isin(shown)], title, notes)
    if of_maps.any():
        tex += "\n" + latex.render(whole[of_maps], f"{title}: explanations", [])
    write_text(folder / "table.tex", tex)
    pictures: list[tuple[str, str]] = []
    # Names come from recipes: a dollar sign in them is one, and no formula.
    with matplotlib.rc_context({"text.parse_math": False}):
        drawings = list(figures.of_table(whole, params, first))
        if spoilt:
            curves = measured.curves(spoilt)
            curves.to_csv(folder / "robustness.csv", index=False, float_format="%.6g")
            drawings += figures.of_robustness(curves, params, first)
        if options["calibrate"]:
            drawings += figures.of_reliability(rows, params)
        for name, title, figure in drawings:
            figure.savefig(folder / f"{name}.png")
            pictures.append((title, figures.as_svg(figure)))
    panels: list[tuple[str, Path]] = []
    for labels, place in of_kind["panel"]:
        if (place / "panel.png").is_file():
            words = [str(labels[key]) for key in ("target", "backbone", "method", "profile")]
            name = "-".join([*words, *(["predicted"] if labels["explained"] == "predicted" else [])])
            name = name.replace(": ", "-").replace(" ", "-")
            name = "".join(letter if letter.isalnum() or letter in "-_.+" else "_" for letter in name)
            (folder / f"panel-{name}.png").write_bytes((place / "panel.png").read_bytes())
            panels.append(
                (
                    f"{labels['target']}, {labels['backbone']}, {labels['method']}: the {labels['explained']} class",
                    folder / f"panel-{name}.png",
                )
            )
    write_text(folder / "report.html", page.render(params, whole, stages, notes, pictures, panels))
    write_text(folder / "summary.txt", page.summary(params, whole, notes))
    return {"rows": len(whole), "comparisons": int(built["p_uncorrected"].notna().sum())}
