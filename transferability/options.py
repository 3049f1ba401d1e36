"""The keys of [transferability]."""

from pydantic import Field, field_validator

from indomain.errors import unknown
from indomain.toml import Table
from transferability.registry import MEASURES


class Options(Table):
    """[transferability]; nothing is measured where `measures` is empty."""

    # Measures, keys of `transferability.registry.MEASURES`.
    measures: list[str] = []
    # How many sources by a measure count as chosen, when it is asked whether the best source is among them.
    top: int = Field(default=3, ge=1)

    @field_validator("measures")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in MEASURES:
                raise unknown("measure", name, MEASURES)
        return value
