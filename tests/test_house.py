"""The structure of the house: what may import what, what is light, and what runs are named by."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from indomain.recipe.plan import make_plan
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.runs.stages import STAGES
from indomain.runs.task import unique

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SOURCES = [path for package in ("indomain", "advice", *STAGES) for path in sorted((ROOT / package).rglob("*.py"))]
ROOMS = sorted({path.parent for path in SOURCES})


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_nothing_imports_upward_or_in_a_circle():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "light", [*(f"{stage}.plan" for stage in STAGES), "indomain.recipe.plan", "indomain.commands.cli"]
)
def test_planning_loads_nothing_heavy(light):
    heavy = ("keras", "tensorflow", "jax", "torch", "pandas", "sklearn", "scipy", "matplotlib")
    program = f"import sys, {light}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def imported_in(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it, with the packages and names they are imported from."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


BACKENDS = {"tensorflow", "jax", "torch"}


def test_one_file_speaks_to_the_backend():
    speaks = {relative(path) for path in SOURCES if BACKENDS & {name.partition(".")[0] for name in imported_in(path)}}
    assert speaks == {"indomain/backend.py"}


def test_one_file_knows_where_the_stages_are():
    pattern = re.compile(rf"[\"'](?:{'|'.join(STAGES)})[.:]\w")
    knows = [
        relative(path)
        for path in (ROOT / "indomain").rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8")) and path.name != "stages.py"
    ]
    assert not knows


def test_the_ground_has_no_other_files():
    ground = {path.stem for path in (ROOT / "indomain").glob("*.py")}
    assert ground == {"__init__", "__main__", "errors", "progress", "files", "toml", "metrics", "backend"}


@pytest.mark.parametrize("room", ROOMS, ids=relative)
def test_a_room_names_each_of_its_files(room):
    docstring = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")), clean=False) or ""
    # The map: indented lines that begin with a name, or with several.
    named = re.findall(r"^ *((?:\w+, )*\w+)(?= {2,}|$)", docstring, flags=re.MULTILINE)
    names = [name for line in named for name in line.split(", ")]
    inside = {path.stem for path in room.glob("*.py")} - {"__init__", "__main__"}
    inside |= {path.parent.name for path in room.glob("*/__init__.py")}
    assert sorted(names) == sorted(inside), "each file once, and no file that is not there"


def test_every_module_has_a_test_file_that_imports_it():
    absent = []
    for path in SOURCES:
        test = HERE / path.relative_to(ROOT).with_name(f"test_{path.name}")
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if path.stem in ("__init__", "__main__"):
            continue
        if not test.is_file() or module not in imported_in(test):
            absent.append(f"{relative(path)}: {relative(test)}")
    assert not absent


def test_contributing_names_files_that_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    files = tracked or [relative(path) for path in ROOT.rglob("*.*")]
    named = re.findall(r"`([\w./-]+(?:\.py|\.toml|\.md|/))`", text)
    absent = [name for name in named if not any(f"/{name}" in f"/{file}" for file in files)]
    assert named and not absent


def test_every_benchmark_is_run_by_make_bench():
    files = {
        path.stem for path in (ROOT / "benchmarks").glob("*.py") if "def main(" in path.read_text(encoding="utf-8")
    }
    listed = re.search(
        r"BENCHMARKS = \((.*?)\)", (ROOT / "benchmarks/__main__.py").read_text(encoding="utf-8"), re.DOTALL
    )
    # `plain` is the other side of `recipe`, `torch_steps` that of `steps`.
    assert listed and set(re.findall(r"\"(\w+)\"", listed[1])) == files - {"plain", "torch_steps"}


def test_a_change_of_digests_is_meant(tmp_path, cache_dir):
    """A change of results raises a stage's VERSION and this snapshot together."""
    name, recipe, base = load_recipe("quickstart")
    study = Study(name, recipe, base, RunsFolder(tmp_path), Path("none"), cache_dir, quiet=True)
    found = {task.title(): task.digest for task in unique(make_plan(study))}
    snapshot = HERE / "digests.json"
    if os.environ.get("INDOMAIN_WRITE_DIGESTS"):
        snapshot.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(snapshot.read_text(encoding="utf-8"))
