"""Planning: from a recipe to its tasks. Data sets are prepared and split here, so that what must run is known exactly."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from indomain import backend
from indomain.data import gate
from indomain.data.manifest import load_manifest
from indomain.data.pool import JoinedSet, join_sets
from indomain.data.prepared import PreparedSet
from indomain.data.preparing import prepare
from indomain.data.split import Listing
from indomain.errors import RequestError
from indomain.networks.options import BackboneOptions
from indomain.recipe.recipe import Recipe
from indomain.runs.folder import RunsFolder
from indomain.runs.stages import STAGES, stage_module
from indomain.runs.task import Task
from indomain.toml import Table, validated

Options = TypeVar("Options", bound=Table)


@dataclass
class Plan:
    """What the stages plan with, and the tasks so far.

    Attributes:
        name: the recipe's name; base: the folder that its relative paths start from.
        tasks: in an order in which they can run; the same run may stand in it under several labels.
    """

    name: str
    recipe: Recipe
    base: Path
    runs: RunsFolder
    data_dir: Path
    cache_dir: Path
    quiet: bool = False
    tasks: list[Task] = field(default_factory=list)
    _prepared: dict[str, tuple[PreparedSet, str]] = field(default_factory=dict)

    def options(self, stage: str, model: type[Options], profile: str) -> Options:
        """A stage's table of the recipe, with the keys of its sub-table for the profile (`[finetune.paper]`) on top."""
        own = dict(getattr(self.recipe, stage))
        both = {known: own.pop(known, {}) for known in ("strict", "paper")}
        checked = {}
        for known, table in both.items():
            if not isinstance(table, dict):
                raise RequestError(f"{self.name}: [{stage}] {known} is a table of keys, not {table!r}.")
            where = f"{self.name}: [{stage}{'.' + known if table else ''}]"
            checked[known] = validated(model, _merged(own, table), where)
        return checked[profile]

    def find(self, stage: str, **labels: Any) -> list[Task]:
        """The tasks of a stage that carry all these labels."""
        found = [task for task in self.tasks if task.stage == stage]
        return [task for task in found if all(task.labels.get(key) == value for key, value in labels.items())]

    def seeds(self, profile: str) -> list[int]:
        """The papers ran once: their profile uses the first seed only."""
        return self.recipe.seeds if profile == "strict" else self.recipe.seeds[:1]

    def source_set(self, name: str) -> tuple[PreparedSet | JoinedSet, str]:
        """The set that a source means: one, with its subset, or several joined."""
        asked = self.recipe.sources[name].set
        if isinstance(asked, str):
            return self.set_of(asked)
        return join_sets([self.set_of(reference) for reference in asked], f"sources.{name}"), ""

    def set_of(self, reference: str) -> tuple[PreparedSet, str]:
        """The prepared set and subset that a recipe's `set = "..."` means."""
        if reference not in self._prepared:
            manifest, subset = load_manifest(reference, self.base)
            done = prepare(manifest, self.data_dir, self.cache_dir, self.recipe.shape, self.quiet)
            self._prepared[reference] = (done, subset)
        return self._prepared[reference]

    def target(self, name: str, profile: str) -> Listing:
        options = self.recipe.target(name, profile)
        done, subset = self.set_of(options.set)
        return gate.for_target(self.runs.work, name, done, subset, options, profile == "strict", self.recipe.drop_leaks)

    def source(self, name: str, profile: str, labelled: bool) -> Listing:
        """A source, checked against every target of the recipe whose chains learn from it."""
        options = self.recipe.sources[name]
        done, subset = self.source_set(name)
        against = []
        for target in self.recipe.targets:
            if name in self.recipe.sources_of(target, profile):
                its_options = self.recipe.target(target, profile)
                target_set, target_subset = self.set_of(its_options.set)
                against.append((self.target(target, profile), target_set, target_subset, its_options))
        return gate.for_source(
            self.runs.work, name, done, subset, options, against, labelled, profile == "strict", self.recipe.drop_leaks
        )

    def compute(self) -> dict[str, Any]:
        """The `compute` parameters of a task that runs a network: backend, precision, determinism, devices."""
        return backend.identity(self.recipe.compute)

    def backbone(self, options: BackboneOptions, target: str, profile: str) -> dict[str, Any]:
        """The `backbone` parameters of a task: name, width and input shape, the channels being the target's."""
        channels = {"grey": 1, "rgb": 3}.get(self.recipe.channels) or self.target(target, profile).facts["channels"]
        own = {"size": options.side} if options.side else {}
        return {"name": options.name, "width": options.width, "shape": [*self.recipe.shape, channels], **own}

    def beginning(self, start: str) -> tuple[str, str]:
        """The start of a chain for a task's parameters, and the path that it stands for, if it is a file."""
        if start in ("random", "imagenet"):
            return start, ""
        path = next((folder / start for folder in (self.base, Path()) if (folder / start).is_file()), None)
        if path is None:
            raise RequestError(f"the chain starts from {start}, but there is no such file (below {self.base} or here).")
        from indomain.files import file_sha256

        return f"sha256:{file_sha256(path)}", str(path.absolute())


def _merged(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """`top` over `base`, tables inside tables too."""
    result = dict(base)
    for key, value in top.items():
        both_tables = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = _merged(base[key], value) if both_tables else value
    return result


def make_plan(plan: Plan) -> Plan:
    """Fills a plan with the tasks of all stages.

    Raises:
        RequestError: something in the recipe or the data is wrong; nothing has been run.
    """
    for target in plan.recipe.targets:
        profile = plan.recipe.profiles[0]
        if not plan.recipe.arms(target, profile):
            names = ", ".join(sorted({backbone.name for backbone, _ in plan.recipe.missing_arms(target, profile)}))
            raise RequestError(
                f"{plan.name}: every chain of target {target!r} starts from ImageNet, and no ImageNet weights exist for "
                f"{names}. Add a chain that starts from random, or a backbone that has them."
            )
    for stage in STAGES:
        plan.tasks += stage_module(stage).plan(plan)
    return plan
