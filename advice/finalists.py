"""The recipe of the beginnings that are left, with its reasons as comments, and how long it would take here."""

import re
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from advice.beginnings import Candidate, architecture_of
from indomain.data.split import Split

MOST = 3  # finalists
EPOCHS, BATCH, SEEDS = 15, 16, 3
# What each network needs; what EfficientNet-Lite learns best with kills SqueezeNet.
RATES = {"squeezenet": [1e-4, 3e-4]}
USUAL_RATES = [3e-4, 1e-3]
_MEASURED = 3  # steps


def chosen(table: pd.DataFrame, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates that cannot be told from the best, the best first; features that are given have nothing to fine-tune.

    Args:
        table: as `advice.screening.compared` returns it.
        candidates: all of them.
    """
    left = table[table["can_win"] & (table["verdict"] != "worse")]["beginning"].tolist()
    by_name = {candidate.name: candidate for candidate in candidates}
    # A row of several networks together is no candidate.
    return [by_name[name] for name in left if name in by_name and by_name[name].backbone][:MOST]


def minutes_of(finalists: list[Candidate], split: Split, folds: int) -> float:
    """Minutes of training that the recipe takes on this machine, from a few steps of each network.

    Args:
        finalists: the candidates.
        split: the set's.
        folds: of the recipe.
    """
    import keras

    from indomain.networks import architecture
    from indomain.training.classifier import classifier
    from indomain.training.options import TrainingOptions

    # An update by AdamW is a hundredth of a step, but most of what is compiled before the first.
    options = TrainingOptions(batch=BATCH, optimizer="sgd")
    learnt = sum(count for fold, part, _, count in split.info.counts if fold == 0 and part != "test")
    seconds = 0.0
    for candidate in finalists:
        spec = architecture_of(candidate, split)
        model = classifier(architecture.backbone(spec), len(split.info.classes), options, 0.0)
        images = np.zeros(((1 + _MEASURED) * BATCH, *spec.shape), np.float32)
        ends: list[float] = []
        clock = keras.callbacks.LambdaCallback(on_train_batch_end=partial(_now, ends))
        model.fit(images, np.arange(len(images)) % len(split.info.classes), BATCH, verbose=0, callbacks=[clock])
        step = (ends[-1] - ends[0]) / _MEASURED
        seconds += step * EPOCHS * -(-learnt // BATCH) * folds * SEEDS * len(USUAL_RATES)
    return seconds / 60


def _now(times: list[float], batch: int, logs: dict) -> None:
    times.append(time.perf_counter())


def recipe(
    name: str,
    reference: str,
    split: Split,
    finalists: list[Candidate],
    table: pd.DataFrame,
    folds: int,
    minutes: float,
    sets: list[str],
) -> str:
    """The text of the recipe.

    Args:
        name: of the set.
        reference: how the recipe names it.
        split: its split.
        finalists: the candidates, the best first.
        table: as `advice.screening.compared` returns it.
        folds: number of folds.
        minutes: what it costs.
        sets: names of sets that could be learnt from first.
    """
    rows = table.set_index("beginning")
    lines = [
        f"# Written by `indomain advise`. About {minutes:.0f} minutes of training on the machine that wrote it.",
        "#",
    ]
    for candidate in finalists:
        row = rows.loc[candidate.name]
        why = (
            "the highest mean"
            if row["verdict"] == ""
            else f"{row['verdict']}, {row['difference']:+.3f} from the highest"
        )
        lines.append(f"# {candidate.name}: {row['mean']:.3f} off the shelf; {why}.")
    lines += [
        "# The order off the shelf does not foretell the order after fine-tuning: this recipe finds that out.",
        f'title = "{_plain_text(name)}: which beginning?"',
        f"size = {split_side(split)}",
        'channels = "rgb"',
        f"seeds = [{', '.join(map(str, range(SEEDS)))}]",
        "drop_leaks = true",
        "backbones = [",
    ]
    by_backbone: dict[tuple, list[str]] = {}
    chains: dict[str, str] = {}
    for candidate in finalists:
        chain = (
            "imagenet"
            if candidate.start == "imagenet"
            else re.sub(r"[^\w-]+", "-", candidate.name.removeprefix("your ")).lower()
        )
        chains[chain] = candidate.start
        by_backbone.setdefault(tuple(candidate.backbone.items()), []).append(chain)
    for backbone, names in by_backbone.items():
        words = ", ".join(f"{key} = {_value(value)}" for key, value in backbone)
        rates = RATES.get(str(dict(backbone)["name"]), USUAL_RATES)
        lines.append(f"  {{ {words}, learning_rate = {rates}, chains = [{', '.join(_value(one) for one in names)}] }},")
    lines += [
        "]",
        "",
        "[targets.data]",
        f"set = {_value(reference)}",
        f'split = {{ scheme = "kfold", folds = {folds}, validation = 0.2 }}',
        "",
        "[chains]",
        *(f"{chain} = [{_value(start)}]" for chain, start in chains.items()),
    ]
    if sets:
        lines += [
            "",
            "# Sets here that a network could learn from first, if you know one of them to be like yours: uncomment, and name",
            f"# the chain in backbones. Here are {', '.join(sets)}.",
            '# imagenet-first = ["imagenet", "first:simclr"]',
            "# [sources.first]",
            f"# set = {_value(sets[0])}",
        ]
    lines += [
        "",
        "[finetune]",
        'strategies = ["full", "off-the-shelf"]',
        f"epochs = {EPOCHS}",
        f"batch = {BATCH}",
        'augment = "basic"',
        "",
        "[fusion]",
        'classifiers = ["logistic-regression"]',
        "",
        "[report]",
        'metrics = ["auroc", "balanced_accuracy", "f1"]',
        "",
    ]
    return "\n".join(lines)


def split_side(split: Split) -> int:
    """The side of a split's prepared images."""
    from indomain import files

    return int(files.read_json(Path(split.prepared[0]) / "set.json")["size"][0])


def _value(value: object) -> str:
    if isinstance(value, str):
        return f'"{_plain_text(value)}"'
    return str(value)


def _plain_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
