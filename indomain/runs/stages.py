"""The stages in their order, and where their code is found. No other file here knows their names."""

import importlib
from collections.abc import Callable
from typing import Any

STAGES = ("pretrain", "finetune", "fusion", "explain", "report")


def plan_of(stage: str) -> Callable[..., Any]:
    """A stage's `plan(study, earlier)`: the tasks of a recipe. It is light: no Keras, no pandas."""
    return importlib.import_module(f"{stage}.plan").plan


def run_of(stage: str) -> Callable[..., Any]:
    """A stage's `run(work)`: does one task."""
    return importlib.import_module(f"{stage}.run").run


def check_of(stage: str) -> Callable[..., Any] | None:
    """A stage's `check(tasks)`, if it has one: refuses what cannot be run before any work starts."""
    return getattr(importlib.import_module(f"{stage}.run"), "check", None)
