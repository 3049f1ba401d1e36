"""Where the stages' code is found; no other file of the ground floor knows their names."""

import ast
import inspect
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

import pytest

import indomain
from indomain.errors import RequestError
from indomain.runs import stages


@pytest.mark.parametrize("stage", stages.STAGES)
def test_every_stage_has_a_plan_and_a_run(stage):
    assert list(inspect.signature(stages.plan_of(stage)).parameters) == ["study", "earlier"]
    assert list(inspect.signature(stages.run_of(stage)).parameters) == ["work"]


def test_a_stage_may_refuse_what_cannot_be_run_or_not():
    checks = {stage: stages.check_of(stage) for stage in stages.STAGES}
    assert callable(checks["finetune"]) and checks["report"] is None


def test_a_stage_may_have_remarks_for_the_preview_or_none():
    assert callable(stages.remarks_of("report")) and stages.remarks_of("pretrain") is None


def strings(path: Path) -> set[str]:
    """The strings of a file's code."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_no_other_file_of_the_room_knows_a_stage_by_its_name():
    room = Path(stages.__file__).parent
    knowing = {path.name: found for path in room.glob("*.py") if (found := strings(path) & set(stages.STAGES))}
    # "fusion" is the word of a method there, as "features" is.
    assert knowing == {"stages.py": set(stages.STAGES), "tags.py": {"fusion"}}


def test_no_string_below_names_a_module_of_a_stage():
    below = Path(indomain.__file__).parent
    modules = re.compile(rf"({'|'.join(stages.STAGES)})\.\w+(:\w+)?")
    assert not [path.name for path in below.rglob("*.py") for text in strings(path) if modules.fullmatch(text)]


def test_a_foreign_package_with_the_name_of_a_stage_is_named(monkeypatch):
    # As `pip install fusion` or a folder "fusion" next to the notebook would be.
    foreign = ModuleType("fusion")
    foreign.__path__ = []
    foreign.__file__ = "/elsewhere/fusion/__init__.py"
    monkeypatch.setitem(sys.modules, "fusion", foreign)
    monkeypatch.delitem(sys.modules, "fusion.plan", raising=False)
    # An editable installation's finder would find indomain's file nevertheless.
    monkeypatch.setattr(sys, "meta_path", [PathFinder])
    with pytest.raises(RequestError, match="the package 'fusion' is not indomain's .*/elsewhere/fusion.* uninstall it"):
        stages.plan_of("fusion")


def test_a_module_that_a_stage_itself_lacks_is_no_foreign_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "indomain.runs.task", None)
    for name in [name for name in sys.modules if name.startswith("fusion")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match=r"indomain\.runs\.task"):
        stages.plan_of("fusion")
