"""`indomain run` and `indomain plan`."""

import argparse

from indomain.commands import preview
from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs import executor, publishing
from indomain.runs.folder import RunsFolder
from indomain.runs.task import find


def run(options: argparse.Namespace) -> int:
    """Runs a recipe up to its table; finished runs are not repeated."""
    if options.cluster and options.jobs > 1:
        raise RequestError("--jobs is for this machine, --cluster for others: give only one of them.")
    study = study_of(options)
    study.prepare()
    tasks = make_plan(study)
    done = executor.execute(tasks, study.runs, options.only, options.jobs, options.cluster)
    if options.only not in (None, "report"):
        print(f"{options.only}: {done} runs completed." if done else f"{options.only}: everything was done already.")
        return 0
    folder = options.runs_dir / study.name
    publishing.publish(study.runs.folder(find(tasks, "report")[-1]), folder)
    print((folder / "summary.txt").read_text(encoding="utf-8"), end="")
    print(f"\n{f'{done} runs completed' if done else 'Everything was done already'}. Results: {folder}")
    return 0


def plan(options: argparse.Namespace) -> None:
    """Prints what would run, what is done already, and the time left. Decodes nothing unless `--prepare` is given."""
    study = study_of(options)
    missing = study.unprepared()
    if missing and not options.prepare:
        for line in preview.unprepared_lines(missing, study):
            print(line)
        return
    study.prepare()
    for line in preview.lines(make_plan(study), study.runs, preview.remarks(study)):
        print(line)


def study_of(options: argparse.Namespace) -> Study:
    """The recipe that the options name, with its folders.

    Args:
        options: `recipe`, `set`, `profile`, and the folders.
    """
    name, recipe, base = load_recipe(options.recipe, options.set, options.profile)
    study = Study(name, recipe, base, RunsFolder(options.runs_dir), options.data_dir, options.cache_dir)
    # Files that are missing are asked for before anything is decoded.
    study.check_beginnings()
    return study
