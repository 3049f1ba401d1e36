"""The plan of transferability: the measures of each chain's features on each target, and one task that judges them."""

from dataclasses import replace
from math import log1p
from typing import Any

from indomain.artifacts import source_head
from indomain.data.manifest import load_manifest
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.recipe.chain import Chain
from indomain.recipe.recipe import BASELINE
from indomain.recipe.study import Study
from indomain.runs import executor
from indomain.runs.tags import Tags
from indomain.runs.task import Task, find
from transferability.options import Options
from transferability.registry import MEASURES

VERSION = 1
IMAGENET_IMAGES = 1_281_167  # training images of ILSVRC 2012


def plan(study: Study, earlier: list[Task]) -> list[Task]:
    """Plans the measures of every network before it is fine-tuned, under the strict profile, and their judgement.

    Args:
        study: the recipe and its data.
        earlier: tasks of earlier stages, among them those of pretraining and fine-tuning.

    Raises:
        RequestError: there are no features of networks that are not fine-tuned, too few chains to be ranked, or distances are
            asked for and there is no network after ImageNet to measure them with.
    """
    if "strict" not in study.recipe.profiles:
        return []
    options = study.options("transferability", Options, "strict")
    if not options.measures:
        return []
    fitted = [
        task
        for task in find(earlier, "finetune", profile="strict")
        if task.tags.chain != BASELINE
        and "backbone" in task.params
        and "confounder" not in task.params
        and task.tags.budget == study.recipe.targets[str(task.tags.target)].largest_budget().label
    ]
    frozen = [task for task in fitted if "features" in task.inputs and _strategy(task) == "off-the-shelf"]
    if not frozen:
        raise RequestError(
            f'{study.name}: [transferability] measures features before fine-tuning: add "off-the-shelf" to [finetune] '
            "strategies."
        )
    ranked: dict[str, set[str]] = {}
    for task in frozen:
        ranked.setdefault(str(task.tags.backbone), set()).add(str(task.tags.chain))
    if max(len(chains) for chains in ranked.values()) < 3:
        raise RequestError(
            f"{study.name}: [transferability] ranks the chains of a backbone, and none has three of them. Add sources: "
            '"{source}" = ["random", "{source}:supervised"] is one chain for each.'
        )
    extractors = _extractors(study, options, frozen)
    measured, sources = [], {}
    for task in frozen:
        source = _source(study, options, earlier, task, extractors)
        if source:
            sources[source.digest] = source
        measured.append(_measured(study, options, earlier, task, extractors, source))
    return [*sources.values(), *measured, _judged(study, options, earlier, measured, fitted)]


def _extractors(study: Study, options: Options, frozen: list[Task]) -> dict[str, Task]:
    """Target -> the task of its features by the network that distances are measured with, if any are."""
    asked = [name for name in options.measures if MEASURES[name].reads in ("extractor", "source", "labelled source")]
    extractors: dict[str, Task] = {}
    for task in frozen if asked else []:
        if _is_imagenet(study.recipe.chain(str(task.tags.chain))):
            extractors.setdefault(str(task.tags.target), task.input("features"))
    missing = {str(task.tags.target) for task in frozen} - extractors.keys() if asked else set()
    if missing:
        raise RequestError(
            f"{study.name}: [transferability] {', '.join(asked)}: distances are measured with one network after ImageNet, and "
            f'{", ".join(sorted(missing))} has none off the shelf. Add a chain imagenet = ["imagenet"].'
        )
    return extractors


def _is_imagenet(chain: Chain) -> bool:
    return chain.start == "imagenet" and not chain.steps


def _last_step(earlier: list[Task], network: Task) -> Task | None:
    """The last pretraining step of a network's chain."""
    tags = network.tags
    coordinates = {"profile": tags.profile, "target": tags.target, "chain": tags.chain, "backbone": tags.backbone}
    steps = find(earlier, "pretrain", **coordinates, seed=tags.seed) or find(earlier, "pretrain", **coordinates)
    return steps[-1] if steps else None


def _source(
    study: Study, options: Options, earlier: list[Task], network: Task, extractors: dict[str, Task]
) -> Task | None:
    """The task of the extractor's features of the images that a network's chain has learnt from last."""
    step = _last_step(earlier, network)
    if step is None or not any("source" in MEASURES[name].reads for name in options.measures):
        return None
    extractor = extractors[str(network.tags.target)]
    split = Split.open(step.paths)
    tags = replace(extractor.tags, target=None, source=step.tags.source)
    return extractor.on_images(split.info.rows, split.paths(), tags)


def _strategy(task: Task) -> str:
    return task.tags.method.strategy if task.tags.method else ""


def _measured(
    study: Study, options: Options, earlier: list[Task], network: Task, extractors: dict[str, Task], source: Task | None
) -> Task:
    """The task that measures a frozen network's features of one fold's images, those of the test part left out."""
    params = {key: network.params[key] for key in ("split", "fold", "budget", "validation")}
    inputs: dict[str, Task | list[Task]] = {"features": network.input("features")}
    paths = dict(network.paths)
    reads = {MEASURES[name].reads for name in options.measures}
    step = _last_step(earlier, network)
    is_labelled = step is not None and step.params["objective"] in source_head.LEFT_BY
    if step is not None and is_labelled and "head" in reads:
        inputs["pretrained"] = step
        if executor.state(study.runs, step) == "done":
            source_head.check(study.runs.folder(step))
    if extractors:
        inputs["extractor"] = extractors[str(network.tags.target)]
    if step is not None and source is not None:
        inputs["source"] = source
        params["source"] = {"split": step.params["split"], "labelled": is_labelled}
        paths.update(Split.open(step.paths).paths("source_"))
    return Task(
        stage="transferability",
        version=VERSION,
        kind="measure",
        params={"measures": options.measures, **params},
        inputs=inputs,
        tags=replace(network.tags, method=None),
        paths=paths,
        like=f"measure {' '.join(options.measures)}",
    )


def _judged(study: Study, options: Options, earlier: list[Task], measured: list[Task], fitted: list[Task]) -> Task:
    """The task that compares all measures with what each way of fitting the networks gave."""
    names = sorted({str(task.tags.chain) for task in measured})
    chains = {name: study.recipe.chain(name) for name in names}
    outcomes = [task for task in fitted if task.tags.chain in chains]
    params: dict[str, Any] = {
        "top": options.top,
        # Against which sources a measure loses; changed once.
        "regret": "against the best of all chains",
        "measures": options.measures,
        "measured": [task.tags.to_params() for task in measured],
        "outcomes": [{**task.tags.to_params(), "classes": task.params["classes"]} for task in outcomes],
        "sizes": {name: _log_images(earlier, chain.start, name) for name, chain in chains.items()},
        "imagenet": [name for name, chain in chains.items() if _is_imagenet(chain)],
        "own": [
            [target, name] for target in study.recipe.targets for name in chains if _learns_from(study, name, target)
        ],
    }
    return Task(
        stage="transferability",
        version=VERSION,
        kind="judge",
        params=params,
        inputs={"measured": measured, "outcomes": outcomes},
        tags=Tags(profile="strict"),
        like="judge",
        despite_divergence=True,
    )


def _log_images(earlier: list[Task], start: str, chain: str) -> float:
    """The logarithm of the number of images that a chain has learnt from before the target."""
    images = IMAGENET_IMAGES if start == "imagenet" else 0
    steps = {task.tags.step: task for task in find(earlier, "pretrain", profile="strict", chain=chain)}
    for task in steps.values():
        images += sum(number for _, part, _, number in Split.open(task.paths).info.counts if part == "train")
    return round(log1p(images), 6)


def _learns_from(study: Study, chain: str, target: str) -> bool:
    """Whether a chain reads labels of the very set that the target is of: such a chain is no answer to what to learn from."""
    own = [load_manifest(name, study.base) for name in study.recipe.targets[target].sets]
    for step in study.recipe.chain(chain).steps:
        for reference in study.recipe.sources[step.source].sets:
            manifest, subset = load_manifest(reference, study.base)
            for mine, part in own:
                overlaps = manifest.name == mine.name and (subset == part or not subset or not part)
                if step.objective in source_head.LEFT_BY and overlaps:
                    return True
    return False
