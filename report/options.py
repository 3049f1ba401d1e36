"""The keys of [report]."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from indomain import metrics
from indomain.errors import unknown
from indomain.toml import Table
from report.reported import Beside


class Options(Table):
    """[report]: what the table shows."""

    metrics: list[str] = Field(default=["auroc", "accuracy", "balanced_accuracy", "f1", "kappa"], min_length=1)
    # Compared with the reference chain and Holm-corrected together.
    test_metrics: list[str] = []  # and measures of explanations; default: the first metric, and where maps point
    compare_with: str = ""  # the reference chain; default: "imagenet" if the recipe has it, else its first chain
    # The unit of counting: patch, image, study, patient; those that a target does not know are left out of its rows.
    levels: list[Literal["patch", "image", "study", "patient"]] = Field(default=["image"], min_length=1)
    # How the scores of several images become one; several rules are several rows.
    rule: Annotated[
        list[Literal["mean", "majority", "max"]],
        BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    ] = Field(default=["mean"], min_length=1)
    calibrate: bool = False  # further rows, of scores with a temperature fitted on validation images
    # The operating point: the sensitivity that its threshold, chosen on validation images, reaches there.
    sensitivity: float | None = Field(default=None, gt=0, le=1)
    samples: int = Field(default=2000, ge=100)  # bootstrap
    seed: int = 0
    registry: str = ""  # a file of reported numbers, relative to the recipe
    beside: dict[str, Beside] = {}  # a number of the registry -> the rows that it is listed next to

    @field_validator("metrics")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in metrics.METRICS:
                raise unknown("metric", name, metrics.METRICS)
        return value

    @model_validator(mode="after")
    def _a_temperature_changes_something(self) -> "Options":
        if self.calibrate and not {"brier", "ece"} & set(self.metrics):
            raise ValueError('calibrate changes "brier" and "ece" only: put one of them into metrics')
        return self

    def tested(self, measures: list[str]) -> list[str]:
        """The metrics and measures that are compared.

        Args:
            measures: of explanations, that the table shows.

        Raises:
            ValueError: one is named that the table does not show.
        """
        shown = (*self.metrics, *measures)
        for name in self.test_metrics:
            if name not in shown:
                raise ValueError(
                    f"test_metrics names {name!r}, which the table does not show; it shows {', '.join(shown)}"
                )
        return self.test_metrics or [self.metrics[0], "pointing"]
