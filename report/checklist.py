"""CLAIM 2024 and TRIPOD+AI by their numbers: what a run can answer, and what its author has to write.

The numbers are those of the guidelines (Tejani et al. 2024, Radiol Artif Intell 6:e240300; Collins et al. 2024, BMJ
385:e078378); the words are ours. Compare them with the originals before submission.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from indomain.metrics import printed
from report.given import ReportInput
from report.rationale import rarest_class

YOU = "you write"
COLUMNS = ["guideline", "item", "asks", "filled", "answer"]


@dataclass(frozen=True)
class Item:
    """An item of a guideline.

    Attributes:
        guideline: "CLAIM 2024" or "TRIPOD+AI".
        number: as the guideline counts it.
        asks: what it asks for, in our words.
        key: the fact of the run that answers it, a key of `facts`; "": the author writes it.
    """

    guideline: str
    number: str
    asks: str
    key: str = ""


def _items(guideline: str, text: str) -> list[Item]:
    """Items from lines of "number | what is asked | key"."""
    found = []
    for line in text.strip().splitlines():
        number, asks, key = (word.strip() for word in line.split("|"))
        found.append(Item(guideline, number, asks, key))
    return found


CLAIM = _items(
    "CLAIM 2024",
    """
    1 | title or abstract names the kind of AI |
    2 | structured summary of the study |
    3 | background, and the clinical role of the method |
    4 | aims, objectives and hypotheses | claim
    5 | prospective or retrospective |
    6 | goal of the study: to create a model, to explore, to test feasibility | goal
    7 | where the data come from | data
    8 | who and what is included and left out: where, when, whose |
    9 | preprocessing of images | preprocessing
    10 | selection of parts of the data | selection
    11 | how data were de-identified |
    12 | how missing data were handled | missing
    13 | how images were acquired |
    14 | definition of the reference standard |
    15 | why this reference standard |
    16 | who annotated the reference standard, with what training |
    17 | how the test set was annotated |
    18 | variability within and between annotators |
    19 | how data were assigned to partitions | partitions
    20 | the level at which partitions are disjoint | disjoint
    21 | intended size of the test set, and how it was chosen | size
    22 | the model in detail | model
    23 | software, libraries and versions | software
    24 | how parameters are initialised | initial
    25 | training: augmentation, hyper-parameters, number of models | training
    26 | how the final model was selected | selected
    27 | ensembles | ensembles
    28 | metrics of performance | metrics
    29 | uncertainty and significance | statistics
    30 | robustness and sensitivity analyses | robustness
    31 | explainability, and how it was checked | explanations
    32 | tested on internal data | internal
    33 | tested on external data | external
    34 | registration |
    35 | numbers of patients and images, left out ones too | flow
    36 | demographic and clinical characteristics of each partition | subgroups
    37 | performance of the models on all partitions | results
    38 | estimates with their precision | results
    39 | analysis of failures | failures
    40 | limitations, bias, generalisability |
    41 | implications for practice, and intended use |
    42 | where the full protocol is | protocol
    43 | availability of software, model and data | availability
    44 | funding, and the funders' role |
    """,
)
TRIPOD = _items(
    "TRIPOD+AI",
    """
    1 | title says: developing or evaluating a prediction model, for whom, of what |
    2 | abstract by the guideline's own list |
    3a | healthcare context and rationale, with earlier models |
    3b | target population and intended use |
    3c | known health inequalities between groups |
    4 | objectives: development, evaluation or both | goal
    5a | sources of the data for development and evaluation | data
    5b | dates of collection |
    6a | setting: kinds, number and place of centres |
    6b | eligibility |
    6c | treatments received |
    7 | preparation and quality checks of the data | preprocessing
    8a | the outcome and how it is assessed |
    8b | qualifications of outcome assessors |
    8c | blinding of the outcome's assessment |
    9a | how predictors were chosen | model
    9b | definition of predictors, here: images | preprocessing
    9c | qualifications of predictor assessors |
    10 | how the sample size was arrived at, for development and evaluation | size
    11 | missing data | missing
    12a | how data were used for development and evaluation | partitions
    12b | how predictors were handled | preprocessing
    12c | type of model, building steps, hyper-parameter tuning, internal validation | training
    12d | heterogeneity between clusters: hospitals, countries | external
    12e | measures and plots of performance | metrics
    12f | updating of the model |
    12g | how predictions are calculated in evaluation | selected
    13 | class imbalance, and what was done about it | imbalance
    14 | approaches to fairness | subgroups
    15 | output of the model, and how classes are decided | output
    16 | differences between development and evaluation data | external
    17 | ethical approval |
    18a | funding |
    18b | conflicts of interest |
    18c | protocol | protocol
    18d | registration |
    18e | availability of the data | availability
    18f | availability of the code | availability
    19 | involvement of patients and the public |
    20a | flow of participants, with and without the outcome | flow
    20b | characteristics of participants |
    20c | comparison of development and evaluation data | external
    21 | participants and events in each analysis | flow
    22 | the full model, so that it can be used | protocol
    23a | performance with intervals, in subgroups too | results
    23b | heterogeneity of performance between clusters | external
    24 | results of updating |
    25 | interpretation, fairness among it |
    26 | limitations |
    27a | handling of poor or missing input when the model is used | missing
    27b | whether users are involved, and what they must know |
    27c | next steps for research |
    """,
)


def checklist(given: ReportInput, said: dict[str, str]) -> pd.DataFrame:
    """One line per item: answered from the run, or "you write".

    Args:
        given: the input of the report.
        said: further facts, which only the finished report knows: "results", "failures", "subgroups", "software".
    """
    known = facts(given) | said
    lines = []
    for item in (*CLAIM, *TRIPOD):
        answer = known.get(item.key, "") if item.key else ""
        lines.append([item.guideline, item.number, item.asks, "from the run" if answer else YOU, answer or YOU])
    return pd.DataFrame(lines, columns=COLUMNS)


def facts(given: ReportInput) -> dict[str, str]:
    """What the recipe and its data answer, by the keys of items; what they do not know is left out.

    Args:
        given: the input of the report.
    """
    recipe, options = given.recipe, given.options
    targets = {
        place: info
        for place, info in given.infos.items()
        if place.startswith("strict/") or len(recipe["profiles"]) == 1
    }
    external = [one["external_of"] for one in recipe["targets"].values() if one.get("external_of")]
    finetune = recipe["finetune"]
    found = {
        "goal": "to compare ways to begin: " + ", ".join(given.chains),
        "data": "; ".join(f"{info.title} ({info.citation or 'no citation stated'})" for info in targets.values()),
        "preprocessing": f"images decoded to 8 bits, resized to {recipe['size']} pixels; see docs/data.md; "
        "what a network does to values is "
        "inside of it",
        "missing": "images without a label are left out; files that cannot be read are listed and left out",
        "partitions": "; ".join(f"{place.partition('/')[2]}: {_split(recipe, place)}" for place in targets),
        "disjoint": "; ".join(
            f"{place.partition('/')[2]}: "
            f"{'patients' if info.has_patients else 'images (no patients are named)'}, after a search for copies "
            f"({sum(info.leaks.values())} found, {info.dropped} images removed)"
            for place, info in targets.items()
        ),
        "size": "all images that there are; the smallest difference that could be found stands in the answer "
        "at the top of the page",
        "model": ", ".join(sorted({one["name"] for one in recipe["backbones"]}))
        + ", with a linear head on averaged feature maps",
        "initial": "; ".join(f"{name}: {' → '.join(words)}" for name, words in recipe["chains"].items()),
        "training": _training(finetune),
        "selected": "the epoch, and the setting where several were tried, with the lowest loss or highest "
        "AUROC on validation images; never "
        "on test images",
        "metrics": ", ".join(printed(name) for name in options["metrics"]),
        "statistics": "95 % intervals that hold patients, seeds, label draws, pretrainings and folds as the "
        "design varies them; differences "
        f"with intervals, p values corrected by Holm; equal within {options['margin']}",
        "internal": "; ".join(f"{place.partition('/')[2]}: {_tested(info)}" for place, info in targets.items()),
        "flow": "; ".join(f"{place.partition('/')[2]}: {_flow(info)}" for place, info in targets.items()),
        "imbalance": "; ".join(_imbalance(place, info, finetune) for place, info in targets.items()),
        "output": "a score for each class, of sum 1; the class with the highest score",
        "protocol": f"the recipe {recipe['name']!r}, a text file that runs again",
        "availability": "code: indomain, Apache-2.0; data: see the licences of the sets; a model: indomain models export",
    }
    if recipe.get("claim"):
        found["claim"] = recipe["claim"]
    wheres = [f"{name}: {one['where']}" for name, one in recipe["targets"].items() if one.get("where")]
    draws = [
        f"{name}: {one['draw']['images']} images drawn" for name, one in recipe["targets"].items() if one.get("draw")
    ]
    found |= {"selection": "; ".join([*wheres, *draws])} if wheres or draws else {}
    fused = recipe["fusion"].get("classifiers") or recipe["fusion"].get("heads")
    found |= {"ensembles": f"features or scores of several networks fused: {', '.join(fused)}"} if fused else {}
    corrupted = recipe["explain"].get("robustness", {}).get("corruptions")
    found |= {"robustness": f"under {', '.join(corrupted)}, graded"} if corrupted else {}
    shown = recipe["explain"].get("methods", ["grad-cam", "lime"]) if recipe["explain"].get("images") else []
    found |= {"explanations": f"{', '.join(shown)}; measured: {'yes' if given.explanations else 'no'}"} if shown else {}
    found |= (
        {"external": f"networks of {', '.join(dict.fromkeys(external))} tested on other sets as they are"}
        if external
        else {}
    )
    return found


def _split(recipe: dict[str, Any], place: str) -> str:
    options = recipe["targets"].get(place.partition("/")[2], {}).get("split")
    if not options:
        return "tested on as a whole"
    repeats = f", drawn {options['repeats']} times" if options.get("repeats", 1) > 1 else ""
    folds = f"{options['folds']} folds{repeats}" if options["scheme"] == "kfold" else options["scheme"]
    held = (
        f", {options['validation']:.0%} of the training patients for validation"
        if options.get("validated", True)
        else ""
    )
    return f"{folds}, by {'patient' if options.get('grouped', True) else 'image'}{held}"


def _training(finetune: dict[str, Any]) -> str:
    names = ("strategies", "epochs", "batch", "optimizer", "learning_rate", "augment", "tune")
    words = [f"{name} {finetune[name]}" for name in names if name in finetune]
    return "; ".join(words) or "the package's defaults; see the recipe"


def _tested(info: Any) -> str:
    tested = sum(count for _, part, _, count in info.counts if part == "test")
    return f"{tested} images in {info.folds} {'fold' if info.folds == 1 else 'folds'}"


def _flow(info: Any) -> str:
    parts: dict[str, int] = {}
    for fold, part, _, count in info.counts:
        if fold == 0:
            parts[part] = parts.get(part, 0) + count
    words = ", ".join(f"{part} {count}" for part, count in sorted(parts.items()))
    return f"{words} images in the first fold; {info.dropped} removed as leaks"


def _imbalance(place: str, info: Any, finetune: dict[str, Any]) -> str:
    rarest, share = rarest_class(info)
    weighted = finetune.get("class_weights", "balanced") == "balanced"
    what = "classes weighted alike in training" if weighted else "not compensated"
    return f"{place.partition('/')[2]}: {rarest} has {share:.0%}; {what}"
