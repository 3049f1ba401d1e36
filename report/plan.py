"""The plan of the report: one task that reads all predictions, measures and panels."""

import csv
from pathlib import Path
from statistics import median
from typing import Any

from indomain.data.split import Split, SplitInfo
from indomain.errors import RequestError, unknown
from indomain.recipe import overlap
from indomain.recipe.beginning import exposure
from indomain.recipe.recipe import BASELINE
from indomain.recipe.study import Study, external_name
from indomain.runs.tags import Tags
from indomain.runs.task import Task, find, unique
from report import levels, reported
from report.options import Options
from report.reported import Beside, Number

VERSION = 18
# Columns that every set has and that can name subgroups; a manifest's `more` names others.
SUBGROUP_COLUMNS = ("body_part", "view", "set", "origin")


def plan(study: Study, earlier: list[Task]) -> list[Task]:
    """Plans one task that reads all predictions, measures and panels.

    Args:
        study: the recipe and its data.
        earlier: tasks of earlier stages.

    Raises:
        RequestError: an unknown name in [report], or a level at which labels contradict each other.
    """
    recipe = study.recipe
    # Any profile will do: one table has the rows of all of them.
    options = study.options("report", Options, recipe.profiles[0])
    reference = options.compare_with or ("imagenet" if "imagenet" in recipe.chains else next(iter(recipe.chains)))
    if reference not in recipe.chains:
        raise unknown("chain", reference, recipe.chains, "report.compare_with")
    shown = _shown(earlier)
    strategies = {
        task.tags.method.strategy
        for task in shown
        if task.tags.method and task.tags.method.strategy and task.tags.chain != BASELINE
    }
    if options.control and options.control not in strategies:
        raise unknown("strategy", options.control, sorted(strategies), "report.control")
    infos = {
        f"{profile}/{target}": study.target(target, profile).info
        for profile in recipe.profiles
        for target in recipe.targets
    }
    registry = study.base / options.registry
    numbers = reported.load(registry) if options.registry else {}
    _check_beside(study, options, numbers, shown, infos)
    _check_levels(study, options, infos)
    elsewhere = {
        external_name(target, name): (target, name) for target, one in recipe.targets.items() for name in one.external
    }
    infos |= {
        f"{profile}/{row}": study.external(target, name, profile).info
        for row, (target, name) in elsewhere.items()
        for profile in recipe.profiles
    }
    _check_subgroups(study)
    params: dict[str, Any] = {
        "recipe": {"name": study.name, **_recipe_shown(study, elsewhere)},
        "options": {
            **options.model_dump(exclude={"registry", "beside"}),
            "compare_with": reference,
            "best_imagenet": not options.compare_with,
            "test_metrics": _tested(study, options, earlier),
            "reported": reported.beside(numbers, options.beside, registry),
        },
        "registry": [number.model_dump() for number in numbers.values()],
        "budgets": {
            target: [[budget.label, budget.size] for budget in target_options.budgets()]
            for target, target_options in {
                **recipe.targets,
                **{row: recipe.targets[target] for row, (target, _) in elsewhere.items()},
            }.items()
        },
        "shown": [_coordinates(task) for task in shown],
        "infos": {
            name: {**info.to_params(), "confounder": _is_marked(study, name.partition("/")[2])}
            for name, info in infos.items()
        },
        "sources": _sources(earlier),
        "beginnings": _beginnings(study),
        "missing": _missing(study),
        **_chains(study, shown),
    }
    return [
        Task(
            stage="report",
            version=VERSION,
            params=params,
            inputs={"shown": shown},
            tags=Tags(recipe=study.name),
            paths={
                "runs": [str(study.runs.folder(task)) for task in unique(earlier)],
                "splits": {
                    f"{profile}/{target}": study.target(target, profile).paths()
                    for profile in recipe.profiles
                    for target in recipe.targets
                },
            },
            like=f"{len(shown)} runs",
            despite_divergence=True,
        )
    ]


def _check_subgroups(study: Study) -> None:
    """Raises a RequestError for a column of subgroups that does not exist."""
    for name, target in study.recipe.targets.items():
        known = (*SUBGROUP_COLUMNS, *(study.pool_of(target).more if target.by else []))
        for column in target.by:
            if column not in known:
                raise unknown("column", column, known, f"targets.{name}.by")


def _is_marked(study: Study, target: str) -> bool:
    """Whether the images of a target carry a marker; those of other sets that it is tested on do not."""
    known = study.recipe.targets.get(target)
    return bool(known and known.confounder)


def _recipe_shown(study: Study, elsewhere: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """The recipe as JSON, in whose targets the external sets have entries of their own."""
    shown = study.recipe.model_dump(mode="json", exclude={"report"})
    for row, (target, name) in elsewhere.items():
        shown["targets"][row] = {
            **shown["targets"][target],
            "set": name,
            "external": [],
            "by": [],
            "external_of": target,
        }
    return shown


def remarks(study: Study) -> list[str]:
    """How small a difference each target could show: from the finished table, else from the design.

    Args:
        study: the recipe and its data.
    """
    # SciPy takes a while to import, which only `indomain plan` has to wait for.
    from report import design

    seeds = study.seeds("strict")
    found = _detectable(study.runs.path / study.name / "table.csv")
    lines = []
    for target in study.recipe.targets if "strict" in study.recipe.profiles else []:
        if target in found:
            lines.append(
                f"{target}: by the finished runs' variances, a difference of {found[target]:.2f} is found four times in "
                "five."
            )
            continue
        info = study.target(target, "strict").info
        patients: dict[int, list[int]] = {}
        for fold, _, number in info.tested:
            patients.setdefault(fold, []).append(number)
        seen = design.smallest(patients, len(seeds), info.test_share)
        if seen != seen:
            lines.append(
                f"{target}: one training of each chain, so that nothing can be claimed about a chain; add seeds."
            )
            continue
        # Repeated folds test an image several times, so that the sum over them says nothing.
        count = round(sum(sum(of_fold) for of_fold in patients.values()) / info.folds)
        whose = f"test {'patients' if info.has_patients else 'images'}"
        where = f"about {count} {whose} in each of {info.folds} folds" if info.folds > 1 else f"{count} {whose}"
        what = f"a difference in AUROC of {seen:.2f} is found four times in five"
        if seen > design.POSSIBLE:
            what = "no difference in AUROC that is possible is found four times in five"
        lines.append(
            f"{target}: with {where} and {len(seeds)} seed{'s' * (len(seeds) > 1)}, {what} "
            f"(assumed: AUROC {design.AUROC}, sd {design.SD_SEEDS} over seeds)."
        )
    return lines


def _detectable(path: Path) -> dict[str, float]:
    """Target -> the difference that the primary comparisons of a finished table would have found; their median."""
    found: dict[str, list[float]] = {}
    if path.is_file():
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get("family") == "primary" and row.get("detectable"):
                    found.setdefault(row["target"], []).append(float(row["detectable"]))
    return {target: median(values) for target, values in found.items()}


def _shown(earlier: list[Task]) -> list[Task]:
    """The tasks whose results the report shows, in the order of the stages."""
    kinds = {
        "synthesis": ["", "translate"],
        "finetune": ["", "adapt", "external"],
        "fusion": ["classify", "heads", "distil", "adapt", "external"],
        "explain": ["panel", "measure", "robustness"],
        "transferability": ["judge"],
    }
    chosen = [task for task in earlier if task.kind in kinds.get(task.stage, [])]
    return sorted(chosen, key=lambda task: list(kinds).index(task.stage))


def _coordinates(task: Task) -> dict[str, Any]:
    """The tags and kind of a task, for the report's parameters, since the table depends on them."""
    return {**task.tags.to_params(), "kind": task.kind}


def _chains(study: Study, shown: list[Task]) -> dict[str, list[str]]:
    """The chains, the baseline and the groups of networks with rows, and those of them that are pretrained on a source."""
    pretrained = {name for name, words in study.recipe.chains.items() if len(words) > 1}
    # A panel shows several chains.
    names = dict.fromkeys([*study.recipe.chains, *(task.tags.chain for task in shown if task.tags.chain)])
    for task in shown:
        fused = [*task.several("features"), *task.several("networks")] if task.stage == "fusion" else []
        if any(member.tags.chain in pretrained for member in fused):
            pretrained.add(str(task.tags.chain))
    return {"chains": list(names), "pretrained": sorted(pretrained)}


def _tested(study: Study, options: Options, earlier: list[Task]) -> list[str]:
    measured = find(earlier, "explain", "measure")
    measures = dict.fromkeys(name for task in measured for name in task.params["measures"])
    try:
        return options.tested(list(measures))
    except ValueError as error:
        raise RequestError(f"{study.name}: [report]: {error}.") from None


def _check_beside(
    study: Study, options: Options, numbers: dict[str, Number], shown: list[Task], infos: dict[str, SplitInfo]
) -> None:
    """Raises a RequestError if a reported number is to be listed next to rows that the table does not have."""
    known: dict[str, set[str]] = {
        key: {str(value) for task in shown if (value := task.tags.words().get(key)) is not None}
        for key in Beside.model_fields
    }
    counted = [
        levels.counted([level for level in options.levels if levels.has(level, info)], list(options.rule), info)
        for info in infos.values()
    ]
    known |= {"level": {name for units in counted for _, name, _ in units}}
    for name, rows in options.beside.items():
        for key, value in rows.model_dump(exclude={"same"}).items():
            if value and value not in known[key]:
                raise unknown(key, value, known[key], f"report.beside.{name}")
        if name in numbers and numbers[name].metric not in options.metrics:
            raise unknown("metric", numbers[name].metric, options.metrics, f"report.beside.{name}, report.metrics")


def _check_levels(study: Study, options: Options, infos: dict[str, SplitInfo]) -> None:
    """Raises a RequestError, before hours of work, for a level without data or at which labels contradict each other."""
    for level in options.levels:
        with_level = [name for name, info in infos.items() if levels.has(level, info)]
        if not with_level:
            raise RequestError(f"report.levels: no target of the recipe knows what belongs to one {level}.")
        # Patches need no check: all patches of one image have its label.
        for name in with_level if level in ("study", "patient") else []:
            profile, _, target = name.partition("/")
            levels.check(study.target(target, profile).table(), level, infos[name].positive_index, target)


def _sources(earlier: list[Task]) -> dict[str, dict[str, Any]]:
    """What is known of each source of pretraining, with the origins that are read as labels."""
    sources: dict[str, dict[str, Any]] = {}
    for task in find(earlier, "pretrain"):
        name, info = f"{task.tags.profile}/{task.tags.source}", Split.open(task.paths).info
        read = sources.get(name, {"read": []})["read"]
        sources[name] = {
            **info.to_params(),
            "read": info.origins if task.tags.objective == "source-labels" else read,
        }
    return sources


def _beginnings(study: Study) -> list[dict[str, Any]]:
    """What the arms start from, the baseline's too, and whether the targets' images were in what that was trained on."""
    found: dict[str, dict[str, Any]] = {}
    for target, options in study.recipe.targets.items():
        manifests = study.pool_of(options).manifests
        baseline = [arm for profile in study.recipe.profiles for arm in study.recipe.baseline_arms(target, profile)]
        for arm in [*study.recipe.arms(target), *baseline]:
            beginning = study.beginning(arm.chain)
            of_start = found.setdefault(arm.chain.start, {**beginning.to_params(), "chains": [], "exposure": {}})
            if arm.chain.name not in of_start["chains"]:
                of_start["chains"].append(arm.chain.name)
            of_start["exposure"][target] = exposure(beginning, manifests)
            if arm.chain.model:
                of_start["exposure"][target] += f"; {overlap.words(study, arm.chain, target)}"
    return list(found.values())


def _missing(study: Study) -> list[dict[str, Any]]:
    """The arms that cannot be run, listed so that a reader does not believe them forgotten."""
    return [
        {
            "profile": profile,
            "target": target,
            "chain": arm.chain.name,
            "backbone": arm.label,
            "note": f"not run: no ImageNet weights exist for {arm.label}",
        }
        for profile in study.recipe.profiles
        for target in study.recipe.targets
        for arm in study.recipe.missing_arms(target)
    ]
