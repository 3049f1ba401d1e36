"""The methods paragraph of a paper, filled from the run, and the references that it cites, as BibTeX."""

from pathlib import Path
from typing import Any

from indomain import __version__
from indomain.metrics import printed
from indomain.recipe.recipe import BASELINE
from report.given import ReportInput

_OF_BACKBONES = {"efficientnet": "tan2019", "squeezenet": "iandola2016", "resnet": "he2016"}


def paragraph(given: ReportInput) -> tuple[str, list[str]]:
    """The paragraph, with \\cite keys, and these keys in their order.

    Args:
        given: the input of the report.
    """
    recipe = given.recipe
    used: list[str] = []

    def cite(*keys: str) -> str:
        used.extend(key for key in keys if key not in used)
        return f"~\\cite{{{','.join(keys)}}}"

    sentences = [_data(given)]
    names = sorted({one["name"] for one in recipe["backbones"]})
    keys = [key for prefix, key in _OF_BACKBONES.items() if any(name.startswith(prefix) for name in names)]
    # Chains of given features have no networks of the recipe.
    networks = f" with {_listed(names)}{cite(*keys) if keys else ''}" if names else ""
    chains = _listed([_chain(name, words) for name, words in recipe["chains"].items()])
    sentences.append(f"We compared {chains}{networks}.")
    if any(words[0] == "imagenet" for words in recipe["chains"].values()) or BASELINE in given.chains:
        sentences.append(f"ImageNet weights{cite('deng2009')} were those of the published networks.")
    if any("simclr" in word for words in recipe["chains"].values() for word in words):
        sentences.append(f"Unlabelled images were learnt from by SimCLR{cite('chen2020')}.")
    if names:
        sentences.append(_training(recipe["finetune"], cite))
    if BASELINE in given.chains or recipe["fusion"].get("classifiers"):
        sentences.append(f"Classifiers on features were those of scikit-learn{cite('pedregosa2011')}.")
    shown = recipe["explain"].get("methods", ["grad-cam", "lime"]) if recipe["explain"].get("images") else []
    if shown:
        of = [key for name, key in (("grad-cam", "selvaraju2017"), ("lime", "ribeiro2016")) if name in shown]
        sentences.append(f"Decisions were explained by {_listed(shown)}{cite(*of) if of else ''}.")
    if given.options["calibrate"]:
        sentences.append(f"Scores were calibrated by a temperature fitted on validation images{cite('guo2017')}.")
    folds = any(info.folds > 1 for info in given.infos.values())
    sentences.append(
        f"We report {printed(given.metric)} with 95\\,\\% intervals that include the variation over patients"
        f"{', folds' if folds else ''} and {len(recipe['seeds'])} "
        f"trainings{cite('bouthillier2021', *(['nadeau2003'] if folds else []))}; "
        f"p values were corrected by Holm's method{cite('holm1979')}, and differences within "
        f"{given.options['margin']} were called equal."
    )
    sentences.append(
        f"All runs were made with indomain {__version__} by one recipe, which is available with the numbers."
    )
    if any(info.synthetic for info in given.infos.values()):
        sentences.append("The images are synthetic: nothing follows for patients.")
    return " ".join(sentences), used


def bibtex(keys: list[str]) -> str:
    """The entries of some keys: only what a run used is cited.

    Args:
        keys: keys of `references`.
    """
    known = references()
    return "\n".join(known[key] for key in keys) + "\n"


def references() -> dict[str, str]:
    """Key -> the BibTeX entry, of all that paragraphs can cite (`references.bib`)."""
    text = (Path(__file__).parent / "references.bib").read_text(encoding="utf-8")
    entries = [f"@{part.strip()}" for part in text.split("@") if part.strip()]
    return {entry[entry.index("{") + 1 : entry.index(",")]: entry for entry in entries}


def _data(given: ReportInput) -> str:
    parts = []
    for place, info in given.infos.items():
        profile, _, target = place.partition("/")
        options = given.recipe["targets"].get(target, {}).get("split")
        if profile != given.recipe["profiles"][0] or given.recipe["targets"].get(target, {}).get("external_of"):
            continue
        images = sum(count for fold, _, _, count in info.counts if fold == 0)
        split = (
            f"{options['folds']}-fold cross-validation"
            if options["scheme"] == "kfold"
            else f"{options['scheme']} test images"
        )
        who = "grouped by patient" if info.has_patients and options.get("grouped", True) else "by image"
        parts.append(f"{info.title} ({images} images, classes {_listed(list(info.classes))}; {split}, {who})")
    return f"Images were those of {_listed(parts)}; identical and nearly identical images were kept on one side of every split."


def _chain(name: str, words: list[str]) -> str:
    start = {"random": "random weights", "imagenet": "ImageNet weights"}.get(words[0], words[0])
    steps = [
        f"{objective} learning on {source}" for source, _, objective in (word.partition(":") for word in words[1:])
    ]
    return " followed by ".join([start, *steps])


def _training(finetune: dict[str, Any], cite: Any) -> str:
    optimizer = finetune.get("optimizer", "adamw")
    name, key = {
        "adamw": ("AdamW", "loshchilov2019"),
        "adam": ("Adam", "kingma2015"),
        "sgd": ("stochastic gradient descent", ""),
    }[optimizer]
    of = name + (cite(key) if key else "")
    rates = finetune.get("tune", {}).get("learning_rate") or [finetune.get("learning_rate", 1e-3)]
    chosen = ", chosen on validation images" if len(rates) > 1 else ""
    return (
        f"Networks were fine-tuned by {of} at a learning rate of "
        f"{_listed([f'{rate:g}' for rate in rates], 'or')}{chosen}, in batches of "
        f"{finetune.get('batch', 32)} for at most {finetune.get('epochs', 10)} epochs."
    )


def _listed(names: list[str], word: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
