"""The input of a report: the recipe, what is known of its data, and the runs that are shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indomain.data.budget import LabelBudget
from indomain.data.split import SplitInfo
from indomain.recipe.recipe import BASELINE
from indomain.runs.tags import Tags
from indomain.runs.task import Work
from report import levels

ALL_LABELS = LabelBudget().label


@dataclass(frozen=True)
class ReportInput:
    """The parameters and inputs of a report's task.

    Attributes:
        recipe: the recipe as JSON.
        options: [report] as JSON, with `reported`, the published numbers that are listed next to rows.
        registry: all published numbers of the paper.
        budgets: target -> [label, size] of each label budget.
        infos: "profile/target" -> what is known of its split.
        marked: the keys of `infos` whose images carry a confounding marker.
        sources: "profile/source" -> what is known of it, with `read`, the origins read as labels.
        beginnings: what the chains start from, and whether it has seen the targets.
        missing: coordinates of the arms that cannot be run, each with a note.
        chains: the names of the recipe's chains, of the baseline and of groups of networks; a chain's position determines its
            colour in all figures.
        pretrained: those of `chains` whose networks, or some of them, learnt from a source before the target.
        runs: (stage, kind, tags, folder) of every run shown.
        explanations: names of the explanations measured; what else has measures are controls, maps without knowledge.
    """

    recipe: dict[str, Any]
    options: dict[str, Any]
    registry: list[dict[str, Any]]
    budgets: dict[str, list]
    infos: dict[str, SplitInfo]
    marked: frozenset[str]
    sources: dict[str, dict[str, Any]]
    beginnings: list[dict[str, Any]]
    missing: list[dict[str, Any]]
    chains: list[str]
    pretrained: frozenset[str]
    runs: list[tuple[str, str, Tags, Path]]
    explanations: frozenset[str]

    @classmethod
    def of(cls, work: Work) -> "ReportInput":
        """Reads the input from the parameters and inputs of a report's task.

        Args:
            work: the report's.
        """
        params = work.params
        infos = {name: dict(info) for name, info in params["infos"].items()}
        marked = frozenset(name for name, info in infos.items() if info.pop("confounder"))
        shown = list(zip(work.task.several("shown"), work.inputs["shown"]))
        measured = [task.params["options"]["methods"] for task, _ in shown if task.kind == "measure"]
        return cls(
            recipe=params["recipe"],
            options=params["options"],
            registry=params["registry"],
            budgets=params["budgets"],
            infos={name: SplitInfo(**info) for name, info in infos.items()},
            marked=marked,
            sources=params["sources"],
            beginnings=params["beginnings"],
            missing=params["missing"],
            chains=params["chains"],
            pretrained=frozenset(params["pretrained"]),
            runs=[(task.stage, task.kind, task.tags, folder) for task, folder in shown],
            explanations=frozenset(name for methods in measured for name in methods),
        )

    def info(self, tags: Any) -> SplitInfo:
        """What is known of a split.

        Args:
            tags: tags, or a row's key, with its `profile` and `target`.
        """
        return self.infos[f"{tags.profile}/{tags.target}"]

    def is_marked(self, tags: Any) -> bool:
        """Whether the images of a target carry a marker.

        Args:
            tags: tags, or a row's key, with its `profile` and `target`.
        """
        return f"{tags.profile}/{tags.target}" in self.marked

    def of_kind(self, *kinds: str) -> Iterator[tuple[Tags, Path]]:
        """Tags and folder of the runs of some kinds.

        Args:
            *kinds: "stage/kind" each; "finetune/" is the main kind of a stage.
        """
        return ((tags, folder) for stage, kind, tags, folder in self.runs if f"{stage}/{kind}" in kinds)

    @property
    def metric(self) -> str:
        """The first metric, which the figures show."""
        return self.options["metrics"][0]

    def shares_pretraining(self, chain: str, profile: str) -> bool:
        """Whether all trainings of a chain begin with the network of one pretraining.

        Args:
            chain: name of the chain.
            profile: "strict" or "paper".
        """
        return chain in self.pretrained and (self._pretrained(profile) == "one" or len(self.seeds(profile)) == 1)

    def pretrains_anew(self, key: Any) -> bool:
        """Whether each seed of a row's chain has a pretraining of its own.

        Args:
            key: a row's key, with its `profile` and `chain`.
        """
        return key.chain in self.pretrained and not self.shares_pretraining(key.chain, key.profile)

    def is_imagenet(self, chain: str) -> bool:
        """Whether a chain's networks come from ImageNet and have learnt from nothing else before the target.

        Args:
            chain: name of the chain, of the baseline or of a group.
        """
        return chain == BASELINE or self.recipe["chains"].get(chain) == ["imagenet"]

    def _pretrained(self, profile: str) -> str:
        """How often is pretrained: "one" or "each"."""
        pretrain = self.recipe["pretrain"]
        return pretrain.get(profile, {}).get("seeds", pretrain.get("seeds", "each"))

    def seeds(self, profile: str) -> list[int]:
        """The seeds that a profile uses.

        Args:
            profile: "strict" or "paper".
        """
        return self.recipe["seeds"] if profile == "strict" else self.recipe["seeds"][:1]

    def external_of(self, key: Any) -> str:
        """The target whose networks are tested on another set as they are; "" for a row of a target.

        Args:
            key: tags, or a row's key, with its `target`.
        """
        return self.recipe["targets"].get(key.target, {}).get("external_of", "")

    def test_share(self, key: Any) -> float:
        """Number of test images per image outside the test part, of the target that a row's networks learnt from.

        Args:
            key: tags, or a row's key, with its `profile` and `target`.
        """
        return self.infos[f"{key.profile}/{self.external_of(key) or key.target}"].test_share

    def draws_labels(self, key: Any) -> bool:
        """Whether each seed draws the labels of a row's budget.

        Args:
            key: a row's key, with its `profile` and `budget`.
        """
        return key.profile == "strict" and key.budget != ALL_LABELS

    def levels_of(self, key: Any) -> list[tuple[str, str, str]]:
        """The levels by which a target is counted: (level, its name in the table, rule) each.

        Args:
            key: tags, or a row's key, with its `profile` and `target`.
        """
        info = self.info(key)
        known = [level for level in self.options["levels"] if levels.has(level, info)]
        return levels.counted(known, self.options["rule"], info)

    def largest_budget(self, target: str) -> str:
        """The label of a target's largest label budget: all labels, if they are one of its budgets."""
        labels = [label for label, _ in self.budgets[target]]
        return ALL_LABELS if ALL_LABELS in labels else max(self.budgets[target], key=lambda budget: budget[1])[0]
