"""The keys of [explain]."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from explain.registry import EXPLANATIONS, MEASURES
from indomain.data.images.corruptions import CORRUPTIONS
from indomain.errors import unknown
from indomain.toml import Table

Whose = Literal["true", "predicted"]


class Robustness(Table):
    """[explain.robustness]: corruptions of the test images, of graded severity."""

    # Corruptions to apply, keys of `indomain.data.images.corruptions.CORRUPTIONS`; empty for none.
    corruptions: list[str] = []
    # Severities of each corruption, 1 (mildest) to 5.
    severities: list[Annotated[int, Field(ge=1, le=5)]] = Field(default=[1, 2, 3, 4, 5], min_length=1)

    @field_validator("corruptions")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in CORRUPTIONS:
                raise unknown("corruption", name, CORRUPTIONS)
        return value


class Options(Table):
    """[explain]: which images are explained, by which methods, and how their maps are measured."""

    # Number of test images on a panel, the same for every chain, with the classes taking turns; 0: no panel.
    images: int = Field(default=0, ge=0)
    # Number of test images per fold whose explanations are measured; 0: no measures.
    measure: int = Field(default=0, ge=0)
    # Explanations, keys of `explain.registry.EXPLANATIONS`.
    methods: list[str] = ["grad-cam", "lime"]
    # Measures of the explanations, keys of `explain.registry.MEASURES`.
    measures: list[str] = Field(default_factory=lambda: list(MEASURES))
    # The class to explain: the "true" one, which is the same for every chain, the "predicted" one, or both.
    explained: Annotated[
        list[Whose],
        BeforeValidator(
            lambda value: [value] if isinstance(value, str) else value, json_schema_input_type=Whose | list[Whose]
        ),
    ] = Field(default=["true"], min_length=1)
    # LIME: copies of each image with random superpixels hidden.
    samples: int = Field(default=1000, ge=10)
    # LIME: approximate number of superpixels per image.
    segments: int = Field(default=60, ge=4)
    # LIME: number of seeds whose maps the measure `stability` compares.
    lime_seeds: int = Field(default=3, ge=2)
    # Seed of the choice of images, LIME's samples, re-initialised weights and corruptions.
    seed: int = 0
    # Scores under corruptions; see `Robustness`.
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
