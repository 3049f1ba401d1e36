"""The stages in their order, and where their code is found. No other module of `indomain` knows their names."""

import importlib
from collections.abc import Callable
from typing import Any

STAGES = ("pretrain", "finetune", "fusion", "explain", "report")


def plan_of(stage: str) -> Callable[..., Any]:
    """A stage's `plan(study, earlier)`, which returns tasks. Light: importing it loads neither Keras nor pandas."""
    return importlib.import_module(f"{stage}.plan").plan


def run_of(stage: str) -> Callable[..., Any]:
    """A stage's `run(work)`, which does one task."""
    return importlib.import_module(f"{stage}.run").run


def check_of(stage: str) -> Callable[..., Any] | None:
    """A stage's `check(tasks)`, if it has one: refuses tasks that cannot be run, before any work starts."""
    return getattr(importlib.import_module(f"{stage}.run"), "check", None)
