"""The keys of [explain]."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from explain.registry import EXPLANATIONS, MEASURES
from indomain.data.images.corruptions import CORRUPTIONS
from indomain.errors import unknown
from indomain.toml import Table

Whose = Literal["true", "predicted"]


class Robustness(Table):
    """[explain.robustness]: test images corrupted in graded severity."""

    corruptions: list[str] = []  # names in indomain.data.images.corruptions; empty: none
    severities: list[Annotated[int, Field(ge=1, le=5)]] = Field(default=[1, 2, 3, 4, 5], min_length=1)

    @field_validator("corruptions")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in CORRUPTIONS:
                raise unknown("corruption", name, CORRUPTIONS)
        return value


class Options(Table):
    """[explain]: images = 0 for no panel, measure = 0 for no measures."""

    images: int = Field(default=0, ge=0)  # test images on the panel, the same for every chain, classes in turn
    measure: int = Field(default=0, ge=0)  # test images of each fold whose explanations are measured
    methods: list[str] = ["grad-cam", "lime"]
    measures: list[str] = Field(default_factory=lambda: list(MEASURES))
    # Whose class; "true" is the same for every chain.
    explained: Annotated[list[Whose], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)] = (
        Field(default=["true"], min_length=1)
    )
    samples: int = Field(default=1000, ge=10)  # LIME
    segments: int = Field(default=60, ge=4)  # LIME's superpixels
    lime_seeds: int = Field(default=3, ge=2)  # for `stability`
    seed: int = 0
    robustness: Robustness = Robustness()

    @field_validator("methods")
    @classmethod
    def _known_methods(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in EXPLANATIONS:
                raise unknown("explanation", name, EXPLANATIONS)
        return value

    @field_validator("measures")
    @classmethod
    def _known_measures(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in MEASURES:
                raise unknown("measure", name, MEASURES)
        return value
