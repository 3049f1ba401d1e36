"""The stages in their order, and where their code is found."""

import importlib
from typing import Any

STAGES = ("pretrain", "finetune", "fusion", "explain", "report")


def stage_module(stage: str) -> Any:
    """A stage's `stage` module: `plan(plan)`, `run(task, folder, inputs, note)` and, where needed, `check(tasks)`."""
    return importlib.import_module(f"{stage}.stage")
