"""A study: a recipe together with its data. Finds or creates prepared sets and splits; reads the stages' options."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from indomain import backend, files
from indomain.data import gate, preparing
from indomain.data.features_file import FeaturesFile
from indomain.data.manifest import UNKNOWN, Manifest, load_manifest
from indomain.data.options import Profile, SetOptions
from indomain.data.pool import Pool
from indomain.data.prepared import PreparedSet
from indomain.data.request import ExternalRequest, SourceRequest, TargetRequest
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.networks.options import Architecture
from indomain.recipe import beginning
from indomain.recipe.beginning import Beginning
from indomain.recipe.chain import Arm, Chain
from indomain.recipe.recipe import Recipe
from indomain.runs.folder import RunsFolder
from indomain.toml import Table, validated

Options = TypeVar("Options", bound=Table)


@dataclass
class Study:
    """A recipe and the folders that it works with.

    `prepare` decodes the sets; a split is drawn when it is first requested. Both are kept on disk and in this object.

    Attributes:
        name: the recipe's name.
        recipe: the recipe.
        base: the folder that its relative paths start from.
        runs: the runs folder, where splits are kept, too.
        data_dir: the folder that holds the data sets.
        cache_dir: the folder that holds the prepared sets.
        quiet: show no progress.
    """

    name: str
    recipe: Recipe
    base: Path
    runs: RunsFolder
    data_dir: Path
    cache_dir: Path
    quiet: bool = False
    _sets: dict[tuple[str, str], PreparedSet] = field(default_factory=dict)
    _targets: dict[tuple, tuple[TargetRequest, Split]] = field(default_factory=dict)
    _sources: dict[tuple, Split] = field(default_factory=dict)
    _beginnings: dict[str, Beginning] = field(default_factory=dict)
    # What `indomain.recipe.overlap` has counted.
    overlaps: dict[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)

    def references(self) -> list[tuple[str, str]]:
        """The sets that the recipe uses, as it names them, and how the contrast of their images is treated."""
        used = {source for target in self.recipe.targets for source in self.recipe.sources_of(target)}
        sources = [source for name, source in self.recipe.sources.items() if name in used]
        options = [*self.recipe.targets.values(), *sources]
        external = [(name, one.contrast) for one in self.recipe.targets.values() for name in one.external]
        return list(dict.fromkeys([*((name, one.contrast) for one in options for name in one.sets), *external]))

    def unprepared(self) -> list[Manifest]:
        """The sets that have to be decoded first; decodes nothing.

        Raises:
            RequestError: a manifest is wrong or missing, or its data are.
        """
        manifests = {}
        for reference, contrast in self.references():
            manifest = self._manifest(reference, contrast)[0]
            if not preparing.find(manifest, self.data_dir, self.cache_dir, self.recipe.shape):
                manifests[manifest.name, contrast] = manifest
        return list(manifests.values())

    def prepare(self) -> None:
        """Decodes all sets that are not decoded yet, with a progress bar.

        Raises:
            RequestError: data are missing or cannot be read.
        """
        for reference, contrast in self.references():
            self.set_of(reference, contrast)

    def pool_of(self, options: SetOptions) -> Pool:
        """The prepared sets of a target or source, as one.

        Args:
            options: its table in the recipe.

        Raises:
            RequestError: data are missing or cannot be read, or the sets cannot be pooled.
        """
        return Pool.of(*(self.set_of(name, options.contrast) for name in options.sets))

    def set_of(self, reference: str, contrast: str = "as it is") -> PreparedSet:
        """The prepared set, or subset, that a `set = "..."` in a recipe refers to; decodes it if necessary.

        Args:
            reference: a set's name, a subset ("mura/humerus"), or the path of a manifest.
            contrast: how the contrast of its images is treated; see `indomain.data.options.SetOptions`.

        Raises:
            RequestError: data are missing or cannot be read.
        """
        key = (reference, contrast)
        if key not in self._sets:
            manifest, subset = self._manifest(reference, contrast)
            prepared = preparing.prepare(manifest, self.data_dir, self.cache_dir, self.recipe.shape, self.quiet)
            self._sets[key] = prepared.part(subset)
        return self._sets[key]

    def _manifest(self, reference: str, contrast: str) -> tuple[Manifest, str]:
        """The manifest of a set with the treatment of contrast that the recipe asks for, and the subset."""
        manifest, subset = load_manifest(reference, self.base)
        if contrast != "as it is":
            images = manifest.images.model_copy(update={"contrast": contrast})
            manifest = manifest.model_copy(update={"images": images})
        return manifest, subset

    def target(self, name: str, profile: str) -> Split:
        """The split of a target, drawn and checked for leaks if it does not exist yet.

        Args:
            name: the target's name in the recipe.
            profile: "strict" or "paper".

        Raises:
            RequestError: data are missing, or the split is refused.
        """
        return self._target(name, profile)[1]

    def _target(self, name: str, profile: str) -> tuple[TargetRequest, Split]:
        if (name, profile) not in self._targets:
            options = self.recipe.target(name, profile)
            try:
                pool = self.pool_of(options)
            except RequestError as error:
                raise RequestError(f"targets.{name}: {error}" if len(options.sets) > 1 else str(error)) from None
            request = TargetRequest(name, pool, options, self.profile(profile))
            self._targets[name, profile] = request, gate.find_or_draw(self.runs.work, request)
        return self._targets[name, profile]

    def external(self, target: str, name: str, profile: str) -> Split:
        """The images of a set that a target's networks are tested on as they are.

        Args:
            target: the target's name in the recipe.
            name: the set, as the target's `external` names it.
            profile: "strict" or "paper".

        Raises:
            RequestError: data are missing, the classes are others, or images or patients are in both sets.
        """
        key = (external_name(target, name), profile)
        if key not in self._targets:
            options = self.recipe.targets[target]
            pool = Pool.of(self.set_of(name, options.contrast))
            of_target = self._target(target, profile)
            request = ExternalRequest(key[0], pool, options, self.profile(profile), of_target)
            self._targets[key] = of_target[0], gate.find_or_draw(self.runs.work, request)
        return self._targets[key][1]

    def source(self, name: str, profile: str, labelled: bool) -> Split:
        """The split of a source, checked against every target of the recipe whose chains learn from it.

        Args:
            name: the source's name in the recipe.
            profile: "strict" or "paper".
            labelled: whether its labels are read.

        Raises:
            RequestError: data are missing, its sets cannot be pooled, or the split is refused.
        """
        key = (name, profile, labelled)
        if key not in self._sources:
            options = self.recipe.sources[name]
            targets = [target for target in self.recipe.targets if name in self.recipe.sources_of(target)]
            against = tuple(self._target(target, profile) for target in targets)
            try:
                pool = self.pool_of(options)
            except RequestError as error:
                raise RequestError(f"sources.{name}: {error}") from None
            request = SourceRequest(name, pool, options, self.profile(profile), labelled, against)
            self._sources[key] = gate.find_or_draw(self.runs.work, request)
        return self._sources[key]

    def sources_to_adapt_from(self, target: str, profile: str) -> dict[str, Split]:
        """The labelled splits that a target adapts from, by the sources' names.

        Args:
            target: the target's name in the recipe.
            profile: "strict" or "paper".

        Raises:
            RequestError: as for `source`; or a source has other classes than the target.
        """
        info, found = self.target(target, profile).info, {}
        for name in self.recipe.targets[target].adapt_from:
            found[name] = self.source(name, profile, labelled=True)
            classes = found[name].info.classes
            if sorted(classes) != sorted(info.classes):
                raise RequestError(
                    f"{self.name}: targets.{target}.adapt_from: source {name!r} has the classes {', '.join(classes)}, and the "
                    f"target has {', '.join(info.classes)}. Give them the same names: sources.{name}.classes = "
                    f'{{ {info.classes[0]} = ["..."], ... }}.'
                )
        return found

    def profile(self, name: str) -> Profile:
        """The profile of that name, with the recipe's choice about leaks."""
        return Profile(name, self.recipe.drop_leaks)

    def seeds(self, profile: str) -> list[int]:
        """The seeds that a profile uses: the papers ran once, so their profile uses the first seed only."""
        return self.recipe.seeds if profile == "strict" else self.recipe.seeds[:1]

    def options(self, stage: str, model: type[Options], profile: str) -> Options:
        """A stage's table of the recipe, updated with its sub-table for a profile (`[finetune.paper]`).

        Keys that the recipe does not have are as the profile has them by default.

        Args:
            stage: the table's name.
            model: the class to validate it with.
            profile: "strict" or "paper"; both sub-tables are validated regardless.

        Raises:
            RequestError: an unknown key, or a wrong value.
        """
        shared = dict(getattr(self.recipe, stage))
        tables = {name: shared.pop(name, {}) for name in ("strict", "paper")}
        options = {}
        for name, table in tables.items():
            if not isinstance(table, dict):
                raise RequestError(f"{self.name}: [{stage}] {name} is a table of keys, not {table!r}.")
            where = f"{self.name}: [{stage}{'.' + name if table else ''}]"
            defaults = model.paper_defaults() if name == "paper" else {}
            options[name] = validated(model, _merged(_merged(defaults, shared), table), where)
        return options[profile]

    def compute(self) -> dict[str, Any]:
        """The `compute` parameters of a task that runs a network: backend, precision, determinism, devices."""
        return backend.identity(self.recipe.compute)

    def architecture(self, arm: Arm, target: str, profile: str) -> Architecture:
        """An arm's backbone for images with a target's channels, and with the scaling of published weights.

        Args:
            arm: one that has a backbone.
            target: the target's name in the recipe.
            profile: "strict" or "paper".
        """
        options = arm.backbone
        assert options
        channels = {"grey": 1, "rgb": 3}.get(self.recipe.channels) or self.target(target, profile).info.channels
        scaling = arm.chain.weights.convention.as_scaling if arm.chain.weights else None
        return Architecture(options.name, options.width, (*self.recipe.shape, channels), options.side, scaling)

    def check_beginnings(self) -> None:
        """Reads what every chain starts from, before anything is decoded or planned.

        Raises:
            RequestError: a file is missing or is not what it should be, or published weights are of a network that no
                backbone of the recipe is.
        """
        arms = [arm for target in self.recipe.targets for arm in self.recipe.arms(target)]
        for arm in arms:
            self.beginning(arm.chain)
        for target in self.recipe.targets:
            for chain in self.recipe.chains_of(target):
                if chain.weights and chain.name not in {arm.chain.name for arm in arms}:
                    architecture = chain.weights.manifest.architecture
                    raise RequestError(
                        f"chains.{chain.name}: the weights {chain.weights.name!r} are of {architecture!r}, and no backbone that "
                        f'runs this chain is that. Add "{architecture}" to backbones.'
                    )

    def beginning(self, chain: Chain) -> Beginning:
        """What a chain starts from.

        Args:
            chain: a chain of the recipe.

        Raises:
            RequestError: there is no such file, or it is not what it should be.
        """
        if chain.start not in self._beginnings:
            self._beginnings[chain.start] = self._read_beginning(chain)
        return self._beginnings[chain.start]

    def _read_beginning(self, chain: Chain) -> Beginning:
        if chain.start == "random":
            return beginning.random()
        if chain.start == "imagenet":
            return beginning.imagenet()
        if chain.weights:
            manifest = chain.weights.manifest
            path = chain.weights.path(self.data_dir)
            return Beginning(
                f"sha256:{files.file_sha256(path)}",
                str(path.absolute()),
                title=f"{manifest.title} ({manifest.citation})" if manifest.citation else manifest.title,
                licence=manifest.licence,
                input=str(chain.weights.convention),
                trained_on=tuple(manifest.trained_on),
            )
        if chain.model:
            return beginning.of_model(chain.name, chain.model)
        path = self._file(chain)
        start = f"sha256:{files.file_sha256(path)}"
        if chain.features:
            card = FeaturesFile.read(path).card
            return Beginning(
                start,
                str(path.absolute()),
                title=f"features of {card.model}, revision {card.revision}; no network: no explanations, no robustness",
                licence=card.licence,
                input=card.input,
                trained_on=tuple(card.trained_on),
            )
        return Beginning(
            start,
            str(path.absolute()),
            title=f"a network of this package, {path.name}",
            licence="not stated",
            input="the network's own",
            trained_on=(UNKNOWN,),
        )

    def _file(self, chain: Chain) -> Path:
        """The file that a chain starts from, which a recipe names relative to itself or to the working directory."""
        word = chain.features or chain.start
        path = next((folder / word for folder in (self.base, Path()) if (folder / word).is_file()), None)
        if path is None:
            raise RequestError(f"the chain starts from {word}, but there is no such file in {self.base} or here.")
        return path


def external_name(target: str, name: str) -> str:
    """How the table names a target's rows on another set.

    Args:
        target: the target's name in the recipe.
        name: the set.
    """
    return f"{target} → {name}"


def _merged(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """A copy of `base` updated with `top`, recursively for nested tables."""
    result = dict(base)
    for key, value in top.items():
        both_tables = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = _merged(base[key], value) if both_tables else value
    return result
