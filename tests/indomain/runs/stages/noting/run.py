"""A stage that does next to nothing: it writes what its inputs wrote and its own name, and what its parameters ask."""

import builtins
import os
import signal
import time
from pathlib import Path
from typing import Any

from indomain import errors
from indomain.runs.task import Task, Work


def check(tasks: list[Task]) -> None:
    """Refuses tasks that are called "refused"."""
    if any(task.params["name"] == "refused" for task in tasks):
        raise errors.RequestError("this stage refuses it")


def run(work: Work) -> dict[str, Any]:
    """Does one task; it may take `seconds`, raise an error, or kill its process the first time."""
    params = work.params
    work.progress(f"writing {params['name']}", 0.5)
    time.sleep(params.get("seconds", 0))
    if "raises" in params:
        error = getattr(errors, params["raises"], None) or getattr(builtins, params["raises"])
        raise error(f"{params['name']} went wrong")
    if "dies_once" in params and not Path(params["dies_once"]).exists():
        Path(params["dies_once"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    given = [one for role in work.inputs.values() for one in (role if isinstance(role, list) else [role])]
    # A run that diverged has left no text.
    texts = [(folder / "text").read_text() for folder in given if (folder / "text").is_file()]
    (work.folder / "text").write_text("".join(texts) + params["name"])
    return {"letters": 1}
