"""What a report is made from: the recipe, what is known of its data, and the runs that are shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indomain.data.split import SplitInfo
from indomain.runs.tags import Tags
from indomain.runs.task import Work


@dataclass(frozen=True)
class ReportInput:
    """The parameters and inputs of a report's task.

    Attributes:
        recipe: the recipe as JSON.
        options: [report] as JSON, with `reported`, the published numbers that are listed next to rows.
        registry: every published number of the paper.
        budgets: target -> [label, size] of each label budget.
        infos: "profile/target" -> what is known of its split.
        marked: those of them whose images carry a confounding marker.
        sources: "profile/source" -> what is known of it, with `read`, the origins read as labels.
        missing: arms that cannot be run.
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
    missing: list[dict[str, Any]]
    runs: list[tuple[str, str, Tags, Path]]
    explanations: frozenset[str]

    @classmethod
    def of(cls, work: Work) -> "ReportInput":
        """What a report's task holds."""
        params = work.params
        facts = {name: dict(found) for name, found in params["facts"].items()}
        marked = frozenset(name for name, found in facts.items() if found.pop("confounder"))
        shown = list(zip(work.task.several("shown"), work.inputs["shown"]))
        measured = [task.params["options"]["methods"] for task, _ in shown if task.kind == "measure"]
        return cls(
            recipe=params["recipe"],
            options=params["options"],
            registry=params["registry"],
            budgets=params["budgets"],
            infos={name: SplitInfo(**found) for name, found in facts.items()},
            marked=marked,
            sources=params["sources"],
            missing=params["missing"],
            runs=[(task.stage, task.kind, task.tags, folder) for task, folder in shown],
            explanations=frozenset(name for methods in measured for name in methods),
        )

    def info(self, tags: Any) -> SplitInfo:
        """What is known of the split that tags, or a row's key, are about."""
        return self.infos[f"{tags.profile}/{tags.target}"]

    def is_marked(self, tags: Any) -> bool:
        """Whether the images that tags, or a row's key, are about carry a marker."""
        return f"{tags.profile}/{tags.target}" in self.marked

    def of_kind(self, *kinds: str) -> Iterator[tuple[Tags, Path]]:
        """Tags and folder of the runs of these kinds, with `stage/kind` as their names."""
        return ((tags, folder) for stage, kind, tags, folder in self.runs if f"{stage}/{kind}" in kinds)

    @property
    def chains(self) -> list[str]:
        """The recipe's chains: one has the same colour in every figure."""
        return list(self.recipe["chains"])

    @property
    def metric(self) -> str:
        """The first metric, which figures show."""
        return self.options["metrics"][0]

    def largest_budget(self, target: str) -> str:
        """The label of a target's largest label budget."""
        return max(self.budgets[target], key=lambda budget: budget[1])[0]
