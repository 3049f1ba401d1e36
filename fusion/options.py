"""The keys of [fusion]."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from fusion.registry import ADAPTATIONS, CLASSIFIERS, RULES
from indomain.errors import unknown
from indomain.toml import Table
from indomain.training.options import TrainingOptions


class DistilOptions(TrainingOptions):
    """[fusion.distil]: one network learns what the networks of a group say on average (Hinton et al. 2015, arXiv:1503.02531)."""

    # Groups of [fusion] groups that are distilled; []: none.
    groups: list[str] = []
    # What the network begins with: "first", the weights that the group's first network began with, or "random".
    begin: Literal["first", "random"] = "first"


class AdaptationOptions(Table):
    """[fusion.adaptation]: classifiers that learn from the labelled images of other sets, for the targets with `adapt_from`.

    They read the features of networks off the shelf, which have not seen the target's labels, and the target's images outside
    the test part without their labels. Beside them stand "source-only" and "target-trained", the same classifier without
    adaptation and with the target's labels. Chains that start from features files are left out.
    """

    # The methods, keys of `fusion.registry.ADAPTATIONS`.
    methods: list[str] = []
    # "nothing": settings are fixed. "prediction-entropy": those of the most certain predictions for the target's images (Morerio
    # et al. 2018, arXiv:1711.10288), which reads no label of the target.
    choose: Literal["nothing", "prediction-entropy"] = "nothing"
    # One more row for each method: settings chosen by the target's labels, which says "oracle" and is no adaptation.
    oracle: bool = False

    @field_validator("methods")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in ADAPTATIONS:
                raise unknown("method of adaptation", name, ADAPTATIONS)
        return value

    @field_validator("choose", mode="before")
    @classmethod
    def _sees_no_label_of_the_target(cls, value: Any) -> Any:
        if value not in ("nothing", "prediction-entropy"):
            raise ValueError(
                f'choose = {value!r}: settings are fixed ("nothing") or chosen without a label of the target '
                '("prediction-entropy"). What the target\'s labels would choose is a row of its own: oracle = true'
            )
        return value


class Options(Table):
    """[fusion]; there is no fusion where `classifiers`, `heads`, `distil.groups` and `adaptation.methods` are empty."""

    # Classifiers on the features, keys of `fusion.registry.CLASSIFIERS`.
    classifiers: list[str] = []
    # Which networks of a chain the classifiers use: "each" network alone, "all" of them fused, or both.
    networks: list[Literal["each", "all"]] = Field(default=["all"], min_length=1)
    # Further groups of backbones to fuse, by their labels: [["squeezenet", "dcnn-w0.25"]].
    subsets: list[list[str]] = []
    # Name -> networks of any chains to fuse, each "chain/backbone", * for any: { both = ["imagenet/*", "knees/*"] }. Those of
    # another strategy than `strategy` are "knees/*:off-the-shelf", those of the baseline "imagenet-frozen/*". Each target that
    # runs all of them has rows with this name in the place of a chain's.
    groups: dict[str, Annotated[list[str], Field(min_length=2)]] = {}
    # How several networks are fused, keys of `fusion.registry.RULES`.
    rules: list[str] = Field(default=["concat"], min_length=1)
    # How the scores of the networks' own heads are fused; only rules of scores.
    heads: list[str] = []
    # Choose each classifier's settings from its grid, by cross-validation within the training images.
    tune: bool = False
    # Classifiers to save as files, so that the fused classifier can be explained.
    save: list[str] = []
    # The strategy of fine-tuning whose networks supply the features.
    strategy: str = "full"
    # Backbone -> the layer whose features are used; default: the last one before the head.
    layers: dict[str, str] = {}
    # Backbone -> layers to compare: classifiers on the features of each of them alone, and on those of all of them together.
    sweep: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    # Statistics that reduce feature maps to features, concatenated in this order.
    pooling: list[Literal["mean", "max", "std"]] = Field(default=["mean"], min_length=1)
    # Groups whose networks are compressed into one, and how it learns.
    distil: DistilOptions = DistilOptions()
    # Classifiers that learn from other sets.
    adaptation: AdaptationOptions = AdaptationOptions()
    # Number of components or features to keep or, for concat and pca, a share of the variance below 1.
    components: int | float | None = None

    @classmethod
    def paper_defaults(cls) -> dict[str, Any]:
        """As for `TrainingOptions`, for the network that is distilled."""
        return {"distil": TrainingOptions.paper_defaults()}

    @field_validator("components")
    @classmethod
    def _whole_or_share(cls, value: int | float | None) -> int | float | None:
        if value is not None and (value <= 0 or (isinstance(value, float) and value >= 1)):
            raise ValueError("components is a whole number of at least 1, or a share of the variance between 0 and 1")
        return value

    @field_validator("classifiers", "save")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in CLASSIFIERS:
                raise unknown("classifier", name, CLASSIFIERS)
        return value

    @field_validator("rules")
    @classmethod
    def _known_rules(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in RULES:
                raise unknown("rule of fusion", name, RULES)
        return value

    @field_validator("heads")
    @classmethod
    def _known_heads(cls, value: list[str]) -> list[str]:
        known = [name for name, rule in RULES.items() if rule.of_heads]
        for name in value:
            if name not in known:
                raise unknown("rule for heads", name, known)
        return value

    @field_validator("sweep")
    @classmethod
    def _each_once(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for backbone, layers in value.items():
            if len(set(layers)) < len(layers):
                raise ValueError(f"sweep.{backbone} has a layer twice")
        return value

    @model_validator(mode="after")
    def _groups_are_known(self) -> "Options":
        for name in self.distil.groups:
            if name not in self.groups:
                raise unknown("group", name, self.groups, "distil.groups")
        return self

    @model_validator(mode="after")
    def _features_are_counted(self) -> "Options":
        counted = [rule for rule in self.rules if RULES[rule].components == "count"]
        if counted and isinstance(self.components, float):
            raise ValueError(f"components is a share of the variance; {', '.join(counted)} keep a number of features")
        return self
