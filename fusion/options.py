"""The keys of [fusion]."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from fusion.registry import CLASSIFIERS, RULES
from indomain.errors import unknown
from indomain.toml import Table


class Options(Table):
    """[fusion]: leave `classifiers` and `heads` empty for no fusion."""

    classifiers: list[str] = []
    networks: list[Literal["each", "all"]] = Field(default=["all"], min_length=1)  # alone, and fused
    # Further groups of backbones to fuse, by their labels: [["squeezenet", "dcnn-w0.25"]].
    subsets: list[list[str]] = []
    rules: list[str] = Field(default=["concat"], min_length=1)  # how several networks are fused
    heads: list[str] = []  # how the networks' own heads are fused: rules of scores
    tune: bool = False  # the classifier's settings chosen inside the training images, from its grid
    save: list[str] = []  # classifiers to save as files, for explanations of the whole
    strategy: str = "full"  # which fine-tuned networks give the features
    layers: dict[str, str] = {}  # backbone -> layer; default: its last features, before the head
    pooling: list[Literal["mean", "max", "std"]] = Field(default=["mean"], min_length=1)  # of maps, side by side
    components: int | float | None = None  # to keep: a number, or (concat, pca) a share of the variance below 1

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

    @model_validator(mode="after")
    def _features_are_counted(self) -> "Options":
        counted = [rule for rule in self.rules if RULES[rule].components == "count"]
        if counted and isinstance(self.components, float):
            raise ValueError(f"components is a share of the variance; {', '.join(counted)} keep a number of features")
        return self
