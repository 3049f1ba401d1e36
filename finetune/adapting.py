"""The plan of adaptation of networks, which learn from other sets' labels and from the target's images without theirs."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from indomain.data import domains
from indomain.data.split import Split
from indomain.recipe.study import Study
from indomain.runs.tags import SOURCE_ONLY, TARGET_TRAINED
from indomain.runs.task import Task, find
from indomain.toml import Table

VERSION = 1
# Of every task of adaptation.
KIND = "adapt"


class AdaptationOptions(Table):
    """[finetune.adaptation]: networks that learn from other sets, for the targets with `adapt_from`; none without `methods`.

    They learn as [finetune] says, with full fine-tuning and nothing tuned: there is no label of the target to choose by. Beside
    them stand "source-only", the same without the loss that aligns, and "target-trained", the target's own labels. Networks that
    learn from translated images ([synthesis] adapt) have the same rows beside them.
    """

    # What is added to the cross-entropy, keys of `finetune.adaptation.LOSSES`.
    methods: list[Literal["coral", "mmd", "dann"]] = []
    # Its weight beside the cross-entropy.
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    # Units of the hidden layer by which "dann" tells the sets apart.
    hidden: int = Field(default=256, ge=1)


def asked_for(earlier: list[Task], target: str, profile: str, options: AdaptationOptions) -> bool:
    """Whether networks adapt to a target.

    Args:
        earlier: tasks of earlier stages, among them those of synthesis.
        target: its name in the recipe.
        profile: "strict" or "paper".
        options: [finetune.adaptation].
    """
    return bool(options.methods or find(earlier, "synthesis", "translate", target=target, profile=profile))


def planned(study: Study, earlier: list[Task], network: Task, options: AdaptationOptions) -> list[Task]:
    """The tasks of adaptation of one network on one fold.

    Args:
        study: the recipe and its data.
        earlier: tasks of earlier stages, among them the translations of sources.
        network: the task that would fit the network to the target's labels by full fine-tuning.
        options: [finetune.adaptation].

    Raises:
        RequestError: a source has other classes than the target.
    """
    tags = network.tags
    sources = list(study.sources_to_adapt_from(str(tags.target), str(tags.profile)).values())
    rows = [_row(network, sources, row, options) for row in (SOURCE_ONLY, TARGET_TRAINED, *options.methods)]
    places = {"profile": tags.profile, "target": tags.target, "fold": tags.fold}
    translations = find(earlier, "synthesis", "translate", **places)
    for name in dict.fromkeys(str(task.tags.source) for task in translations):
        of_name = [task for task in translations if task.tags.source == name]
        # Where all seeds share the translators, they are the first seed's.
        made = next((task for task in of_name if task.tags.seed == tags.seed), of_name[0])
        rows.append(_row(network, sources, name, options, made))
    return rows


def _row(
    network: Task, sources: list[Split], row: str, options: AdaptationOptions, translation: Task | None = None
) -> Task:
    """The task of one adaptation, or of a control."""
    assert network.tags.method
    params: dict[str, Any] = {
        **network.params,
        "adaptation": row,
        "adapting": VERSION,
        "sources": domains.params_of(sources),
    }
    if row in options.methods:
        params["weight"] = options.weight
    if row == "dann":
        params["hidden"] = options.hidden
    tags = replace(network.tags, method=replace(network.tags.method, adaptation=row))
    paths = {**network.paths, **domains.paths_of(sources)}
    inputs = {**network.inputs, **({"translated": translation} if translation else {})}
    like = f"{network.like} {row}"
    return replace(network, kind=KIND, params=params, inputs=inputs, paths=paths, tags=tags, like=like)
