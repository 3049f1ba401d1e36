"""`indomain run` and `indomain plan`."""

import argparse

from indomain.errors import RequestError


def _planned(options: argparse.Namespace):
    from indomain.recipe.recipe import load_recipe
    from indomain.recipe.study import Plan, make_plan
    from indomain.runs.folder import RunsFolder

    name, recipe, base = load_recipe(options.recipe, options.set, options.profile)
    runs = RunsFolder(options.runs_dir)
    return make_plan(Plan(name, recipe, base, runs, options.data_dir, options.cache_dir))


def run(options: argparse.Namespace) -> int:
    from indomain.runs import executor, publishing

    plan = _planned(options)
    if options.cluster and options.jobs > 1:
        raise RequestError("--jobs is for this machine, --cluster for others: give one of them.")
    done = executor.execute(plan, options.only, options.jobs, options.cluster)
    if options.only not in (None, "report"):
        print(f"{options.only}: {done} runs done now." if done else f"{options.only}: everything was done already.")
        return 0
    publishing.publish(plan)
    folder = options.runs_dir / plan.name
    print((folder / "summary.txt").read_text(encoding="utf-8"), end="")
    print(f"\n{f'{done} runs done now' if done else 'Everything was done already'}. Results: {folder}")
    return 0


def plan(options: argparse.Namespace) -> None:
    from indomain.commands import preview
    from indomain.runs import durations, executor
    from indomain.runs.status import clock

    plan = _planned(options)
    for line in preview.lines(plan):
        print(line)
    waiting = executor.pending(plan)
    if not waiting:
        print("\n0 runs to do: all done")
        return
    seconds, unknown = durations.seconds_left(plan, waiting)
    left = f"about {clock(seconds)}" + (f", and {unknown} runs of unknown length" if unknown else "")
    print(f"\n{len(waiting)} runs to do, {left}")
