"""The stages in their order, and where their code is found. No other module of `indomain` knows their names."""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from indomain.errors import RequestError

STAGES = ("pretrain", "synthesis", "finetune", "fusion", "explain", "transferability", "report")


def plan_of(stage: str) -> Callable[..., Any]:
    """A stage's `plan(study, earlier)`, which returns tasks. Light: importing it loads neither Keras nor pandas."""
    return _module(stage, "plan").plan


def remarks_of(stage: str) -> Callable[..., Any] | None:
    """A stage's `remarks(study)`, if it has one: sentences for `indomain plan`."""
    return getattr(_module(stage, "plan"), "remarks", None)


def options_of(stage: str) -> Any:
    """The class of a stage's table in a recipe."""
    plan = _module(stage, "plan")
    return plan.options_model() if hasattr(plan, "options_model") else plan.Options


def run_of(stage: str) -> Callable[..., Any]:
    """A stage's `run(work)`: does one task."""
    return _module(stage, "run").run


def check_of(stage: str) -> Callable[..., Any] | None:
    """A stage's `check(tasks)`, if it has one: refuses tasks that cannot be run, before any work starts."""
    return getattr(_module(stage, "run"), "check", None)


def _module(stage: str, part: str) -> ModuleType:
    """A stage's module. Stages are top-level packages, with names that others may use, too.

    Raises:
        RequestError: another package of that name is found first.
    """
    name = f"{stage}.{part}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in (stage, name):
            raise
        where = getattr(sys.modules.get(stage), "__file__", None) or "missing"
        raise RequestError(
            f"the package {stage!r} is not indomain's ({where}): another one of that name comes first on Python's path. "
            "Run from another folder, or uninstall it."
        ) from None
