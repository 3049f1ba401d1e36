"""Commands in processes of their own that pay no import: forked from one that has imported everything and run nothing.

A process that has TensorFlow imported can be forked as long as no operation has run in it; the child is then a fresh
process like any other, and may be killed. Requests and answers are lines of JSON.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WAITING = 0.005  # seconds between two looks at a child


class Parent:
    """The process that commands are forked from."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.whole.forking"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)
        assert self._ask() == "ready"

    def start(self, *words: str, here: Path) -> "Command":
        """Starts `indomain` with these words in a folder; what it prints goes into files beside the folder."""
        return Command(self, here, self._ask({"words": [*map(str, words)], "here": str(here)}))

    def run(self, *words: str, here: Path) -> tuple[int, str, str]:
        """Runs a command to its end; returns exit status, standard output and standard error."""
        command = self.start(*words, here=here)
        status = command.wait(600)
        assert status is not None
        return status, command.out, command.err

    def close(self) -> None:
        """Ends the process; its children have ended."""
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, request: Any = None) -> Any:
        if request is not None:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Command:
    """A command at work."""

    def __init__(self, parent: Parent, here: Path, pid: int) -> None:
        self.parent, self.here, self.pid = parent, here, pid

    def wait(self, seconds: float) -> int | None:
        """Its exit status, or None if it is still at work after so many seconds."""
        return self.parent._ask({"wait": self.pid, "seconds": seconds})

    def kill(self) -> None:
        """Kills it, and waits until it is gone."""
        # Nobody else has its number before its parent has waited for it.
        os.kill(self.pid, signal.SIGKILL)
        assert self.wait(60) == -signal.SIGKILL

    @property
    def out(self) -> str:
        return _said(self.here, self.pid, "out").read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return _said(self.here, self.pid, "err").read_text(encoding="utf-8")


def _said(here: Path, pid: int, stream: str) -> Path:
    return here.parent / f"{stream}-{pid}.txt"


def _serve() -> None:
    """The parent: forks commands, and waits for them."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import importlib

    from indomain.backend import import_keras
    from indomain.commands.cli import main
    from indomain.runs.stages import STAGES

    import_keras()
    for stage in STAGES:
        importlib.import_module(f"{stage}.run")
    _answer(answers, "ready")
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _answer(answers, _waited(asked["wait"], asked["seconds"]))
            continue
        pid = os.fork()
        if pid == 0:
            answers.close()
            _become(asked, main)
        _answer(answers, pid)


def _answer(answers: Any, answer: Any) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _waited(pid: int, seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(WAITING)


def _become(asked: dict[str, Any], main: Any) -> None:
    """The child: runs the command, and leaves without what a parent would do at its end."""
    here, status = Path(asked["here"]), 70
    try:
        os.chdir(here)
        for number, stream in enumerate(("out", "err"), start=1):
            os.dup2(os.open(_said(here, os.getpid(), stream), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
        os.close(0)
        status = main(asked["words"])
    except SystemExit as error:
        status = int(error.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve()
