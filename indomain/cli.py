"""The command line. Exit status: 0 done, 1 the work failed, 2 the request was wrong."""

import argparse
import os
import sys
from pathlib import Path

from indomain import __version__, data_commands, runs_commands
from indomain.errors import RequestError, WorkFailed


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "command"):
        parser.print_help()
        return 2
    try:
        return options.command(options) or 0
    except RequestError as error:
        print(f"indomain: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nindomain: stopped. The same command goes on from here.", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except OSError as error:
        # A full disk, a network folder that went away: what is finished is kept.
        print(
            f"indomain: {error}. What is done is kept; once that is mended, the same command goes on.", file=sys.stderr
        )
        return 1
    except (FloatingPointError, WorkFailed) as error:
        print(f"indomain: {error}", file=sys.stderr)
        return 1


def run_stage(stage: str, arguments: list[str] | None = None) -> int:
    """`python -m STAGE RECIPE`: one stage of a recipe, on what the earlier ones left."""
    given = sys.argv[1:] if arguments is None else arguments
    return main(["run", "--only", stage, *given])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="indomain", description="In-domain pretraining for medical images.")
    parser.add_argument("--version", action="version", version=f"indomain {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    run = commands.add_parser("run", help="run a recipe to its table; what is done already is not done again")
    _recipe_options(run)
    run.add_argument("--only", choices=["pretrain", "finetune", "fusion", "explain", "report"], help=argparse.SUPPRESS)
    run.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="runs at a time, in N processes (default: 1)")
    run.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="hand the runs to a dask.distributed scheduler: tcp://host:8786, or its file",
    )
    run.set_defaults(command=_run)

    plan = commands.add_parser("plan", help="what would run, what is done already, and the time left")
    _recipe_options(plan)
    plan.set_defaults(command=_plan)

    data = commands.add_parser("data", help="data sets: list, show, check, prepare, new")
    actions = data.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="the shipped data sets, and which are there")
    _places(listed)
    listed.set_defaults(command=data_commands.listed)
    for name, what in (("show", "what a data set is"), ("check", "audit a data set"), ("prepare", "decode a data set")):
        action = actions.add_parser(name, help=what)
        action.add_argument("name", help="a data set: mura, mura/humerus, my.toml")
        _places(action)
        action.add_argument(
            "--size", type=int, nargs="+", default=[64], metavar="PIXELS", help="one side, or rows columns"
        )
        if name == "show":
            action.add_argument(
                "--augment", metavar="NAME", help="draw a sheet of augmented pictures: basic, elastic, colour ..."
            )
            action.add_argument("--seed", type=int, default=0, help="of the sheet (default: 0)")
        action.set_defaults(
            command={"show": data_commands.show, "check": data_commands.check, "prepare": data_commands.prepare}[name]
        )
    new = actions.add_parser("new", help="write a manifest for a folder of images by looking at it")
    new.add_argument("folder", type=Path)
    new.add_argument("--output", type=Path, help="the manifest to write (default: FOLDER's name with .toml, here)")
    new.set_defaults(command=data_commands.new)

    runs = commands.add_parser("runs", help="finished runs: list, show, check, prune")
    actions = runs.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="all finished runs")
    shown = actions.add_parser("show", help="one run: what was asked, what it took")
    shown.add_argument("id", help="the beginning of its name or digest")
    pruned = actions.add_parser("prune", help="remove what is left of runs that were not finished, or damaged")
    checked = actions.add_parser("check", help="read every file of every finished run and compare its SHA-256")
    commands_of = {
        listed: runs_commands.listed,
        shown: runs_commands.show,
        pruned: runs_commands.prune,
        checked: runs_commands.check,
    }
    for action, command in commands_of.items():
        action.add_argument("--runs-dir", type=Path, default=Path("runs"))
        action.set_defaults(command=command)
    return parser


def _jobs(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number of at least 1")
    return int(text)


def _recipe_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="a recipe's path, or the name of a shipped one: quickstart, mini/skin ...")
    _places(parser)
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"), help="where runs and results go (default: runs)")
    parser.add_argument("--profile", choices=["strict", "paper"], help="the strict protocol, or the papers' own")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="replace a key of the recipe")


def _places(parser: argparse.ArgumentParser) -> None:
    data = os.environ.get("INDOMAIN_DATA") or "data"
    cache = os.environ.get("INDOMAIN_CACHE") or "~/.cache/indomain"
    parser.add_argument(
        "--data-dir", type=Path, default=Path(data), help="the data sets (default: INDOMAIN_DATA, or data)"
    )
    parser.add_argument(
        "--cache-dir", type=Path, default=Path(cache).expanduser(), help=f"prepared sets (default: {cache})"
    )


def _planned(options: argparse.Namespace):
    from indomain import planning, recipes
    from indomain.runs import RunsFolder

    name, recipe, base = recipes.load(options.recipe, options.set, options.profile)
    runs = RunsFolder(options.runs_dir)
    return planning.make(planning.Plan(name, recipe, base, runs, options.data_dir, options.cache_dir))


def _run(options: argparse.Namespace) -> int:
    from indomain import engine

    plan = _planned(options)
    if options.cluster and options.jobs > 1:
        raise RequestError("--jobs is for this machine, --cluster for others: give one of them.")
    done = engine.execute(plan, options.only, options.jobs, options.cluster)
    if options.only not in (None, "report"):
        print(f"{options.only}: {done} runs done now." if done else f"{options.only}: everything was done already.")
        return 0
    engine.publish(plan)
    folder = options.runs_dir / plan.name
    print((folder / "summary.txt").read_text(encoding="utf-8"), end="")
    print(f"\n{f'{done} runs done now' if done else 'Everything was done already'}. Results: {folder}")
    return 0


def _plan(options: argparse.Namespace) -> None:
    from indomain import engine, estimates, outlook
    from indomain.view import clock

    plan = _planned(options)
    for line in outlook.lines(plan):
        print(line)
    waiting = engine.pending(plan)
    if not waiting:
        print("\n0 runs to do: all done")
        return
    seconds, unknown = estimates.seconds_left(plan, waiting)
    left = f"about {clock(seconds)}" + (f", and {unknown} runs of unknown length" if unknown else "")
    print(f"\n{len(waiting)} runs to do, {left}")
