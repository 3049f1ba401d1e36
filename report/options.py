"""The keys of [report]."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from indomain import metrics
from indomain.errors import unknown
from indomain.toml import Table
from report.reported import Beside


class Options(Table):
    """[report]: what the table shows."""

    # Metrics of the table, keys of `indomain.metrics.METRICS`; the figures show the first.
    metrics: list[str] = Field(default=["auroc", "accuracy", "balanced_accuracy", "f1", "kappa"], min_length=1)
    # Metrics, and measures of explanations, that are compared with the reference's; p values are corrected by Holm's
    # method within each family of comparisons. Default: the first metric, and "pointing".
    test_metrics: list[str] = []
    # Name of the chain that the others are compared with, network by network. Default: where there is a baseline, the best of
    # its rows and of the ImageNet networks' own heads by validation; otherwise "imagenet", or the first chain if the recipe
    # has no "imagenet".
    compare_with: str = ""
    # Strategy whose difference from the others of the same chain and network stands beside that from the reference: "full",
    # "augmented-none". It is exploration. Default: the difference beside it is that of the chains with the same method.
    control: str = ""
    # Units of counting; a target whose data do not tell what belongs to one unit has no rows of that level.
    levels: list[Literal["patch", "image", "study", "patient"]] = Field(default=["image"], min_length=1)
    # How the scores of a unit's images are combined; each rule has its own rows.
    rule: Annotated[
        list[Literal["mean", "majority", "max"]],
        BeforeValidator(
            lambda value: [value] if isinstance(value, str) else value,
            json_schema_input_type=Literal["mean", "majority", "max"] | list[Literal["mean", "majority", "max"]],
        ),
    ] = Field(default=["mean"], min_length=1)
    # Add rows for scores calibrated by a temperature that is fitted on validation images.
    calibrate: bool = False
    # Add sensitivity and specificity at the threshold that reaches this sensitivity on validation images; default: no such rows.
    sensitivity: float | None = Field(default=None, gt=0, le=1)
    # Differences of a metric up to this one do not matter: chains whose difference surely is smaller are called equal.
    margin: float = Field(default=0.02, gt=0)
    # Prevalences, above 0 and below 1, at which PPV and NPV are told (`clinical.csv`); []: none.
    prevalence: list[Annotated[float, Field(gt=0, lt=1)]] = []
    # Whether decision curves are drawn, for targets with a positive class.
    decision_curves: bool = False
    # Number of the most confident errors of each target's highest row that the page shows as pictures; 0: none.
    errors: int = Field(default=6, ge=0, le=24)
    # File of reported numbers, relative to the recipe; "" for none.
    registry: str = ""
    # Name of a reported number -> the rows that it is listed next to.
    beside: dict[str, Beside] = {}

    @field_validator("metrics")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in metrics.METRICS:
                raise unknown("metric", name, metrics.METRICS)
        return value

    @model_validator(mode="after")
    def _a_temperature_changes_something(self) -> "Options":
        if self.calibrate and not {"brier", "calibration_error"} & set(self.metrics):
            raise ValueError('calibrate changes "brier" and "calibration_error" only: put one of them into metrics')
        return self

    def tested(self, measures: list[str]) -> list[str]:
        """The metrics and measures that are tested.

        Args:
            measures: the measures of explanations that the table shows.

        Raises:
            ValueError: `test_metrics` has a name that the table does not show.
        """
        shown = (*self.metrics, *measures)
        if "calibration_error" in (self.metrics[0], *self.test_metrics):
            raise ValueError(
                "a calibration error is compared with nothing: it can be neither the first metric nor in test_metrics; "
                "compare the Brier score, brier, instead"
            )
        for name in self.test_metrics:
            if name not in shown:
                raise ValueError(
                    f"test_metrics names {name!r}, which the table does not show; it shows {', '.join(shown)}"
                )
        return self.test_metrics or [self.metrics[0], "pointing"]
