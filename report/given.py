"""The input of a report: the recipe, what is known of its data, and the runs that are shown."""

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
        registry: all published numbers of the paper.
        budgets: target -> [label, size] of each label budget.
        infos: "profile/target" -> what is known of its split.
        marked: the keys of `infos` whose images carry a confounding marker.
        sources: "profile/source" -> what is known of it, with `read`, the origins read as labels.
        missing: coordinates of the arms that cannot be run, each with a note.
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
            missing=params["missing"],
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
    def chains(self) -> list[str]:
        """The names of the recipe's chains; a chain's position determines its colour in all figures."""
        return list(self.recipe["chains"])

    @property
    def metric(self) -> str:
        """The first metric, which the figures show."""
        return self.options["metrics"][0]

    def largest_budget(self, target: str) -> str:
        """The label of a target's largest label budget."""
        return max(self.budgets[target], key=lambda budget: budget[1])[0]
