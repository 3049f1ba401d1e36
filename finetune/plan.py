"""The plan of fine-tuning: one task per profile, target, backbone, chain, strategy, label budget, fold and seed."""

from dataclasses import replace
from itertools import product
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from finetune import adapting, external, mixtures
from finetune.adapting import AdaptationOptions
from finetune.mixtures import Mixture
from finetune.strategies import AUGMENTED, OF_TABLES, PARTIAL, SLIM, STRATEGIES, SURGICAL, TRUNCATED, strategy_of
from finetune.tuning import ANY, TuneOptions
from indomain.artifacts import source_head
from indomain.data.budget import LabelBudget
from indomain.errors import RequestError, unknown
from indomain.networks.options import BackboneOptions
from indomain.recipe.chain import Arm
from indomain.recipe.study import Study
from indomain.runs import executor
from indomain.runs.tags import Method, Tags
from indomain.runs.task import Task, find
from indomain.toml import validated
from indomain.training import registry
from indomain.training.options import Auxiliary, TrainingOptions
from indomain.training.registry import AUGMENTATIONS

VERSION = 4


# Also a list of pairs, as a task's parameters keep it, whose order is part of its identity.
Patterns = Annotated[
    dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]],
    BeforeValidator(lambda value: dict(value) if isinstance(value, list) else value),
    Field(min_length=1),
]


class Options(TrainingOptions):
    """[finetune]: the strategies to compare, and how to train."""

    # Strategies to compare, keys of `finetune.strategies.STRATEGIES`; "surgical-top" trains the layers of surgical.top,
    # "partial-three" draws those of partial.three anew.
    strategies: list[str] = Field(default=["full"], min_length=1)
    # Factor on the learning rate of the new head. The paper profile's is 10 (Alzubaidi et al. 2021, with SGD).
    head_lr_factor: float = Field(default=1.0, gt=0)
    # Share of the backbone's weighted layers, counted from the input, that is frozen.
    frozen: float = Field(default=0.0, ge=0, le=1)
    # Values to choose from on validation images, under the strict profile; see `finetune.tuning`.
    tune: TuneOptions = TuneOptions()
    # Name -> layers to train with factors on their learning rates, by the patterns of `finetune.surgical`:
    # top = { "last:0.3" = 1.0 }.
    surgical: dict[str, Patterns] = {}
    # Name -> layers that are not transferred but drawn at random, by the same patterns: three = ["from:conv4"].
    partial: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    # Name -> the layer that a network is cut after, or "search": c4 = "conv4_block4_out".
    truncated: dict[str, str] = {}
    # Name -> the layer above which a new top of half the width takes over.
    slim: dict[str, str] = {}
    # Name -> the augmentation of full fine-tuning in those rows, a key of `indomain.training.registry.AUGMENTATIONS`.
    augmented: dict[str, str] = {}
    # Whether each network is timed on one image alone; changes no result.
    latency: bool = False
    # Layer -> weight of the loss of its own head under "deeply-supervised": auxiliary = { conv3_block4_out = 0.3 }.
    auxiliary: Auxiliary = {}
    # Weight of the loss of the source's head under "co-tuning".
    co_weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    # Networks that learn from other sets' labels.
    adaptation: AdaptationOptions = AdaptationOptions()
    # Inverse of the regularisation strength of "off-the-shelf", as in scikit-learn. There are more features than images.
    C: float = Field(default=0.01, gt=0)

    @classmethod
    def paper_defaults(cls) -> dict[str, Any]:
        """As for `TrainingOptions`; the head learns ten times as fast, as in the authors' code (Alzubaidi et al. 2021)."""
        return {**super().paper_defaults(), "head_lr_factor": 10.0}

    @model_validator(mode="after")
    def _known(self) -> "Options":
        known = [name for name in STRATEGIES if name not in OF_TABLES]
        known += [f"{kind}-{name}" for kind in OF_TABLES for name in getattr(self, kind)]
        for name in self.augmented.values():
            if name not in AUGMENTATIONS:
                raise unknown("augmentation", name, AUGMENTATIONS, "augmented")
        for name in self.tune.strategy:
            if name in STRATEGIES and STRATEGIES[name].reads_source_head:
                raise ValueError(
                    f"tune.strategy gives every chain the same candidates, and {name} is for chains that have learnt classes; "
                    "compare it as one of strategies"
                )
        named = {"strategies": self.strategies, "tune.strategy": self.tune.strategy}
        for key, name in [(key, name) for key, names in named.items() for name in names]:
            if name == SURGICAL:
                raise ValueError(
                    'surgical trains the layers of a table: surgical.top = { "last:0.3" = 1.0 }, strategies = ["surgical-top"]'
                )
            if name == PARTIAL:
                raise ValueError(
                    'partial draws the layers of a table anew: partial.three = ["from:conv4"], strategies = ["partial-three"]'
                )
            if name == AUGMENTED:
                raise ValueError(
                    'augmented compares augmentations by a table: augmented.one = "elastic", strategies = ["augmented-one"]'
                )
            if name in (TRUNCATED, SLIM):
                raise ValueError(
                    f'{name} cuts a network at the layer of a table: {name}.c4 = "conv4_block4_out", strategies = ["{name}-c4"]'
                )
            if name not in known:
                raise unknown("strategy", name, known, key)
        return self

    def used_by(self, strategy: str) -> dict[str, Any]:
        """The options that a strategy uses, for a task's parameters.

        Args:
            strategy: one of `strategies`.
        """
        name = strategy_of(strategy)
        chosen = STRATEGIES[name]
        if chosen.options is not None:
            return self.model_dump(include=set(chosen.options))
        others = {key for known, other in STRATEGIES.items() if known != name for key in other.own} - chosen.own
        used = self.model_dump(exclude={"strategies", "tune", "latency", "adaptation", *others})
        table = strategy.removeprefix(f"{name}-")
        if name == SURGICAL:
            # The order of the patterns counts.
            used["surgical"] = {table: list(self.surgical[table].items())}
        if name == PARTIAL:
            used["partial"] = {table: sorted(self.partial[table])}
        if name in (TRUNCATED, SLIM):
            used[name] = {table: getattr(self, name)[table]}
        if name == AUGMENTED:
            used["augment"] = self.augmented[table]
            del used["augmented"]
        return used

    def only_the_head(self, strategy: str) -> bool:
        """Whether training changes the head only, so that an image's features are the same throughout.

        Args:
            strategy: one of `strategies`.
        """
        name = strategy_of(strategy)
        plain = name not in (*OF_TABLES, "deeply-supervised", "co-tuning")
        return STRATEGIES[name].head_only or (plain and self.frozen == 1 and self.augment == "none")


def plan(study: Study, earlier: list[Task]) -> list[Task]:
    """Plans one task per network to fit, preceded by the task of its features if it is fitted on stored features.

    Args:
        study: the recipe and its data.
        earlier: tasks of earlier stages, among them those of pretraining.

    Raises:
        RequestError: an augmentation that does not suit the images, or a confounder where it cannot be used.
    """
    tasks = []
    for profile in study.recipe.profiles:
        options = study.options("finetune", Options, profile)
        if options.adaptation.methods and not any(target.adapt_from for target in study.recipe.targets.values()):
            raise RequestError(
                f"{study.name}: [finetune.adaptation] names methods, and no target has sources to adapt from: add adapt_from = "
                '["SOURCE"] to a target.'
            )
        for target, target_options in study.recipe.targets.items():
            folds = range(study.target(target, profile).info.folds)
            runs = list(product(target_options.budgets(), folds, study.seeds(profile)))
            is_marked = bool(target_options.confounder)
            arms = study.recipe.arms(target)
            planned: list[tuple] = [
                (arm, own, strategy, run)
                for arm in arms
                if arm.backbone
                for own in [_of_backbone(options, arm.backbone)]
                for strategy in _rows(own, profile, is_marked)
                for run in runs
            ]
            # Features that are given, and the baseline, have nothing that could be trained but the head.
            given = [arm for arm in arms if not arm.backbone]
            planned += product(given, [options], ["off-the-shelf"], runs)
            # The baseline is the same in all recipes.
            planned += product(study.recipe.baseline_arms(target, profile), [Options()], ["off-the-shelf"], runs)
            asked = {strategy for _, _, strategy, _ in planned}
            planned = [each for each in planned if _has_head_for(study, each[2], each[0], earlier)]
            lost = sorted(asked - {strategy for _, _, strategy, _ in planned})
            if lost:
                raise RequestError(
                    f"{study.name}: {lost[0]} goes on with the head of a chain whose last step has learnt classes "
                    f'("SOURCE:supervised"), and target {target!r} runs none. Add such a chain, or leave {lost[0]} out.'
                )
            for arm, own, strategy, (budget, fold, seed) in planned:
                tags = _tags(profile, target, arm, strategy, budget, fold, seed)
                planned_by = _tuned_tasks if _is_tuned(own, strategy, profile) else _tasks
                tasks += planned_by(study, earlier, own, arm, budget, tags)
                for mixture in mixtures.of(earlier, tags) if strategy == ANY or not own.only_the_head(strategy) else []:
                    of_row = replace(tags, method=Method(strategy=strategy, mixture=mixture.name))
                    tasks += planned_by(study, earlier, own, arm, budget, of_row, mixture=mixture)
            own_tasks = [task for task in tasks if (task.tags.target, task.tags.profile) == (target, profile)]
            tasks += external.planned(study, target, own_tasks)
            if target_options.adapt_from and adapting.asked_for(earlier, target, profile, options.adaptation):
                tasks += _adapting(study, earlier, options, profile, target)
    return tasks


def _tags(profile: str, target: str, arm: Arm, strategy: str, budget: LabelBudget, fold: int, seed: int) -> Tags:
    return Tags(
        profile=profile,
        target=target,
        chain=arm.chain.name,
        backbone=arm.label,
        method=Method(strategy=strategy),
        budget=budget.label,
        fold=fold,
        seed=seed,
    )


def _adapting(study: Study, earlier: list[Task], options: Options, profile: str, target: str) -> list[Task]:
    """The tasks of adaptation of all networks that a target's chains train."""
    folds, strategy = range(study.target(target, profile).info.folds), "full"
    tasks = []
    for arm, fold, seed in product(study.recipe.arms(target), folds, study.seeds(profile)):
        if not arm.backbone:
            continue
        own = _of_backbone(options, arm.backbone)
        if own.only_the_head(strategy):
            raise RequestError(
                f"{study.name}: [finetune.adaptation] changes the layers below the head, and frozen = 1 keeps them all. Adapt "
                "stored features by [fusion.adaptation], or let some layers learn."
            )
        budget = study.recipe.targets[target].largest_budget()
        tags = _tags(profile, target, arm, strategy, budget, fold, seed)
        (network,) = _tasks(study, earlier, own, arm, budget, tags)
        tasks += adapting.planned(study, earlier, network, options.adaptation)
    return tasks


def _of_backbone(options: Options, backbone: BackboneOptions) -> Options:
    """The options with what a backbone has of its own: its strategies, and the learning rates to try."""
    own: dict[str, Any] = {}
    where = f"backbones: {backbone.name}"
    if backbone.strategies:
        for name in backbone.strategies:
            if name not in options.strategies:
                raise unknown("strategy", name, options.strategies, where)
        if options.tune.strategy:
            raise RequestError(f"{where}: strategies is of no use where tune.strategy chooses; leave one of them out.")
        own["strategies"] = [name for name in options.strategies if name in backbone.strategies]
    if backbone.learning_rate:
        tune = {**options.tune.model_dump(), "learning_rate": backbone.learning_rate}
        own["tune"] = validated(TuneOptions, tune, where)
    return options.model_copy(update=own)


def _has_head_for(study: Study, strategy: str, arm: Arm, earlier: list[Task]) -> bool:
    """Whether a chain has the head of its source, where a strategy reads it."""
    if strategy == ANY or not STRATEGIES[strategy_of(strategy)].reads_source_head:
        return True
    steps = find(earlier, "pretrain", chain=arm.chain.name)
    last = [task for task in steps if task.tags.step == max(other.tags.step or 0 for other in steps)]
    for task in last:
        if task.params["objective"] in source_head.LEFT_BY and executor.state(study.runs, task) == "done":
            source_head.check(study.runs.folder(task))
    return any(task.params["objective"] in source_head.LEFT_BY for task in last)


def _rows(options: Options, profile: str, is_marked: bool) -> list[str]:
    """The strategies of the table's rows: one word for all where tuning chooses among them."""
    if options.tune.strategy and profile == "strict":
        return [ANY]
    return _strategies(options, options.strategies, is_marked)


def _is_tuned(options: Options, strategy: str, profile: str) -> bool:
    """Whether there is anything to choose for a row's strategy."""
    if profile != "strict" or not options.tune.is_set:
        return False
    return strategy == ANY or not options.used_by(strategy).keys().isdisjoint(options.tune.names())


def _tuned_tasks(
    study: Study,
    earlier: list[Task],
    options: Options,
    arm: Arm,
    budget: LabelBudget,
    tags: Tags,
    mixture: Mixture | None = None,
) -> list[Task]:
    """The tasks of all candidates of one network, and the task that chooses among them."""
    assert tags.method and tags.target and tags.profile
    if not study.target(tags.target, tags.profile).info.has_validation:
        raise RequestError(
            f"{study.name}: [finetune] tune chooses on validation images, and target {tags.target!r} has none. Hold some "
            "out, or leave tune out."
        )
    before: list[Task] = []
    candidates: dict[str, tuple[Task, dict[str, Any]]] = {}
    is_marked = bool(study.recipe.targets[tags.target].confounder)
    strategies = _strategies(options, options.tune.strategy, is_marked) or [tags.method.strategy]
    for strategy, setting in product(strategies, options.tune.settings()):
        one = options.model_copy(update=setting)
        of_candidate = replace(tags, method=replace(tags.method, strategy=strategy))
        if mixture and one.only_the_head(strategy):
            # The head alone is fitted on stored features, of which synthetic images have none.
            continue
        *features, network = _tasks(study, earlier, one, arm, budget, of_candidate, True, mixture)
        before += features
        # Some settings mean nothing to some strategies: what would be the same run is one candidate.
        words = {"strategy": strategy} if options.tune.strategy else {}
        candidate = replace(network, kind="candidate")
        meant = {name: value for name, value in setting.items() if name in network.params["options"]}
        candidates.setdefault(candidate.digest, (candidate, {**words, **meant}))
    networks = [task for task, _ in candidates.values()]
    left_out = ("options", "strategy")
    choice = replace(
        networks[0],
        kind="",
        params={
            **{key: value for key, value in networks[0].params.items() if key not in left_out},
            "strategy": tags.method.strategy,
            "candidates": [words for _, words in candidates.values()],
        },
        inputs={"candidates": networks},
        tags=replace(tags, method=replace(tags.method, tuned=not options.tune.strategy)),
        like="choice",
        despite_divergence=True,
    )
    return [*before, *networks, choice]


def _tasks(
    study: Study,
    earlier: list[Task],
    options: Options,
    arm: Arm,
    budget: LabelBudget,
    tags: Tags,
    for_every_seed: bool = False,
    mixture: Mixture | None = None,
) -> list[Task]:
    """The task of one network, preceded by the task of its features if it is fitted on stored features.

    Where nothing depends on the seed there is one for the first seed only, unless `for_every_seed`.
    """
    assert tags.method and tags.target and tags.profile
    strategy = tags.method.strategy
    coordinates: dict[str, Any] = {
        "profile": tags.profile,
        "target": tags.target,
        "chain": tags.chain,
        "backbone": tags.backbone,
    }
    seed_steps = find(earlier, "pretrain", **coordinates, seed=tags.seed)
    steps = seed_steps or find(earlier, "pretrain", **coordinates)
    beginning = study.beginning(arm.chain)
    if tags.profile == "strict":
        budget = budget.drawn_by(int(tags.seed or 0))
    # If neither features nor labels depend on the seed, all seeds would be the same run: it is done, and counted, once.
    is_drawn = beginning.start == "random" and not steps
    depends_on_seed = seed_steps or is_drawn or budget.draw is not None
    is_first = for_every_seed or tags.seed == study.seeds(tags.profile)[0]
    if strategy == "off-the-shelf" and not depends_on_seed and not is_first:
        return []
    split = study.target(tags.target, tags.profile)
    backbone: dict[str, Any] = {}
    like = "given features"
    if arm.backbone:
        architecture = study.architecture(arm, tags.target, tags.profile)
        registry.check(options.used_by(strategy).get("augment", options.augment), architecture.channels, "finetune")
        backbone = {"backbone": architecture.to_params()}
        like = str(architecture.shape)
    params = {
        "strategy": strategy,
        "options": options.used_by(strategy),
        "split": split.digest,
        "fold": tags.fold,
        "budget": budget.to_params(),
        "validation": study.recipe.target(tags.target, tags.profile).split.validation,
        "classes": split.info.classes,
        **backbone,
        "start": "previous step" if steps else beginning.start,
        "seed": _seed_of_fold(tags),
        "compute": study.compute(),
        **({"latency": True} if options.latency else {}),
        **_confounder(study, options, strategy, tags.target),
        **({"mixture": mixture.to_params()} if mixture else {}),
    }
    network = Task(
        stage="finetune",
        version=VERSION,
        params=params,
        inputs={**({"pretrained": steps[-1]} if steps else {}), **(mixture.inputs() if mixture else {})},
        tags=tags,
        paths={**split.paths(), "start": beginning.path},
        like=f"{strategy} {options.epochs} {like} {budget.label}",
    )
    if not options.only_the_head(strategy):
        return [network]
    features = _features(network, split.info.rows, drawn=is_drawn, own=bool(seed_steps))
    return [features, replace(network, inputs={**network.inputs, "features": features})]


def _strategies(options: Options, names: list[str], is_marked: bool) -> list[str]:
    """The strategies of a target: those that train the head only do not see a marker, and are left out where there is one."""
    learning = [name for name in names if not options.only_the_head(name)]
    return learning if is_marked and learning else names


def _seed_of_fold(tags: Tags) -> int:
    """The seed of a training: another one in each fold, so that the folds are independent trainings."""
    # 7919 is far from the differences between the seeds that people choose.
    return (int(tags.seed or 0) + 7919 * int(tags.fold or 0)) % 2**31


def _features(network: Task, rows: str, drawn: bool, own: bool) -> Task:
    """The task that computes the features of the target's images once for all folds, budgets and seeds.

    Args:
        network: the task whose backbone computes them.
        rows: digest of the images.
        drawn: whether the weights are random, and so depend on the seed.
        own: whether this seed has a separate pretraining.
    """
    # Features that are given have no backbone.
    names = ("backbone", "start", "compute")
    shared: dict[str, Any] = {key: network.params[key] for key in names if key in network.params}
    seed = {"seed": network.tags.seed} if drawn else {}
    tags = network.tags.only("profile", "target", "chain", "backbone", *(["seed"] if drawn or own else []))
    like = f"features {network.params['backbone']['shape']}" if "backbone" in shared else "given features"
    return replace(network, kind="features", params={"rows": rows, **shared, **seed}, tags=tags, like=like)


def _confounder(study: Study, options: Options, strategy: str, target: str) -> dict[str, Any]:
    """The parameters of a marker that is correlated with the label, if the target has one."""
    confounder = study.recipe.targets[target].confounder
    if not confounder:
        return {}
    classes = study.target(target, study.recipe.profiles[0]).info.classes
    if len(classes) != 2 or options.only_the_head(strategy):
        raise RequestError(
            f"targets.{target}.confounder: a marker needs a target with two classes, and networks that learn from the marked "
            'images (strategies = ["full"], with layers that are not frozen or with an augmentation).'
        )
    return {"confounder": confounder.model_dump()}
