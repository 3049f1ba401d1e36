"""The command line. Exit status: 0 success, 1 the work failed, 2 the request was wrong."""

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from indomain import __version__
from indomain.errors import RequestError, WorkFailed
from indomain.runs import allocator
from indomain.runs.stages import STAGES


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: the command line without the program's name; None: that of this process, where `run` executes itself
            once more with a faster memory allocator, if one is installed.

    Returns:
        The exit status.
    """
    return _main(sys.argv[1:] if arguments is None else arguments, is_own=arguments is None)


def _main(arguments: list[str], is_own: bool) -> int:
    whole = parser()
    options = whole.parse_args(arguments)
    if is_own and getattr(options, "command", "") == "run:run":
        allocator.preload()
    if not hasattr(options, "command"):
        whole.print_help()
        return 2
    try:
        # Imported now: `--help` need not wait for what the commands need.
        module, _, function = options.command.partition(":")
        return getattr(importlib.import_module(f"indomain.commands.{module}"), function)(options) or 0
    except RequestError as error:
        print(f"indomain: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nindomain: stopped. The same command continues from here.", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except OSError as error:
        # A full disk, or a network folder that became unavailable.
        print(
            f"indomain: {error}. Finished work is kept; once this is fixed, the same command continues from here.",
            file=sys.stderr,
        )
        return 1
    except (FloatingPointError, WorkFailed) as error:
        print(f"indomain: {error}", file=sys.stderr)
        return 1


def run_stage(stage: str, arguments: list[str] | None = None) -> int:
    """`python -m STAGE RECIPE`: runs one stage of a recipe, on the results of the earlier ones.

    Args:
        stage: the stage's name.
        arguments: the command line without the program's name; None: that of this process.

    Returns:
        The exit status.
    """
    given = sys.argv[1:] if arguments is None else arguments
    return _main(["run", "--only", stage, *given], is_own=arguments is None)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    whole = argparse.ArgumentParser(prog="indomain", description="In-domain pretraining for medical images.")
    whole.add_argument("--version", action="version", version=f"indomain {__version__}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND")

    ran = commands.add_parser("run", help="run a recipe up to its table; finished runs are not repeated")
    _recipe_options(ran)
    ran.add_argument("--only", choices=STAGES, help=argparse.SUPPRESS)
    ran.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="number of parallel processes (default: 1)")
    ran.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="submit the runs to a dask.distributed scheduler: tcp://host:8786, or its file",
    )
    ran.set_defaults(command="run:run")

    planned = commands.add_parser("plan", help="list what would run, what is done already, and the time left")
    _recipe_options(planned)
    planned.add_argument("--prepare", action="store_true", help="decode the sets that are not prepared yet, then plan")
    planned.set_defaults(command="run:plan")

    started = commands.add_parser("new", help="write a manifest and a recipe for a folder of images")
    started.add_argument("folder", type=Path)
    started.add_argument("--output", type=Path, metavar="FOLDER", help="where to write both (default: here)")
    started.set_defaults(command="new:new")
    advised = commands.add_parser("advise", help="which beginnings could be worth their training on your images")
    advised.add_argument("data", help="a folder of images, one folder a class; or a data set: mura/humerus, my.toml")
    _folders(advised)
    advised.add_argument("--runs-dir", type=Path, default=Path("runs"), help="where splits go (default: runs)")
    advised.add_argument("--output", type=Path, metavar="FOLDER", help="where to write (default: advice-NAME, here)")
    advised.add_argument(
        "--features", type=Path, nargs="+", default=[], metavar="FILE", help="features files to judge, too"
    )
    advised.add_argument("--size", type=int, metavar="PIXELS", help="side of the images (default: theirs, up to 224)")
    advised.add_argument(
        "--most", type=int, default=2000, metavar="N", help="draw N images of a larger set (default: 2000)"
    )
    advised.set_defaults(command="advise:advise")

    written = commands.add_parser("recipe", help="what may stand in a recipe: every key, or a JSON schema for editors")
    written.add_argument(
        "--keys",
        nargs="?",
        const="",
        metavar="TABLE",
        help="print every key with its default and its meaning, or a table's",
    )
    written.add_argument("--schema", action="store_true", help="print a JSON schema")
    written.set_defaults(command="recipe:recipe")
    completed = commands.add_parser("completion", help="print a script that completes commands and options in a shell")
    completed.add_argument("shell", choices=["bash", "zsh", "tcsh"])
    completed.set_defaults(command="completion:completion")

    predicted = commands.add_parser("predict", help="scores of new images by an exported model or a finished run")
    predicted.add_argument("model", help="an exported model's name, folder or .zip; or a recipe that has been run")
    predicted.add_argument("images", help="a folder of images, or a data set: mura, my.toml")
    predicted.add_argument(
        "--output", type=Path, default=Path("predictions.csv"), help="the CSV file (default: predictions.csv)"
    )
    predicted.add_argument(
        "--pattern", default="", metavar="PATH", help='how a folder names its files: "{patient}_*.png"'
    )
    predicted.add_argument("--calibrated", action="store_true", help="scores calibrated on validation images")
    _of_run(predicted)
    predicted.set_defaults(command="predict:predict")

    actions = _group(commands, "models", "exported models: export, list, show, import")
    exported = actions.add_parser("export", help="write the model of a finished run, to be used elsewhere")
    exported.add_argument("recipe", help="a recipe that has been run")
    exported.add_argument("--name", help="the model's name (default: recipe, target, chain and backbone)")
    exported.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where to write it (default: among your models)"
    )
    exported.add_argument("--zip", action="store_true", help="write one .zip file instead of a folder")
    exported.add_argument("--licence", default="not stated", help="the licence that you give it")
    _of_run(exported)
    exported.set_defaults(command="models:export")
    listed = actions.add_parser("list", help="list your models")
    listed.set_defaults(command="models:listed")
    shown = actions.add_parser("show", help="show a model's card, after checking its files")
    shown.add_argument("model", help="its name, folder or .zip")
    shown.set_defaults(command="models:show")
    imported = actions.add_parser("import", help="check a model that you were given, and keep it under its name")
    imported.add_argument("path", help="its folder or .zip")
    imported.add_argument("--name", help="another name")
    imported.set_defaults(command="models:imported")

    actions = _group(commands, "data", "data sets: list, show, check, prepare, export, croissant, new")
    listed = actions.add_parser("list", help="list the shipped data sets, and which are present")
    _folders(listed)
    listed.set_defaults(command="data:listed")
    shown = actions.add_parser("show", help="describe a data set")
    _data_set(shown)
    shown.add_argument("--augment", metavar="NAME", help="draw a sheet of augmented images: basic, elastic, colour ...")
    shown.add_argument("--seed", type=int, default=0, help="seed of the sheet (default: 0)")
    shown.set_defaults(command="data:show")
    checked = actions.add_parser("check", help="audit a data set")
    _data_set(checked)
    checked.set_defaults(command="data:check")
    prepared = actions.add_parser("prepare", help="decode a data set")
    _data_set(prepared)
    prepared.set_defaults(command="data:prepare")
    exported = actions.add_parser("export", help="write a data set's images in order, with their ids, for other models")
    _data_set(exported, size=None)
    exported.add_argument(
        "--output", type=Path, metavar="FOLDER", help="the folder to write (default: export-NAME, here)"
    )
    exported.set_defaults(command="data:exported")
    described = actions.add_parser("croissant", help="describe a data set, and how a recipe splits it, for machines")
    _data_set(described)
    described.add_argument("--recipe", help="a recipe with a target of this set, whose folds are described, too")
    described.add_argument(
        "--output", type=Path, metavar="FOLDER", help="the folder to write (default: croissant-NAME)"
    )
    _study_options(described)
    described.set_defaults(command="data:described")
    new = actions.add_parser("new", help="write a manifest for a folder of images by inspecting it")
    new.add_argument("folder", type=Path)
    new.add_argument("--output", type=Path, help="the manifest to write (default: FOLDER's name with .toml, here)")
    new.set_defaults(command="data:new")

    actions = _group(commands, "runs", "finished runs: list, show, check, prune")
    listed = actions.add_parser("list", help="list all finished runs")
    _runs_folder(listed)
    listed.set_defaults(command="runs:listed")
    shown = actions.add_parser("show", help="show the request and the record of a run")
    shown.add_argument("id", help="part of its name or digest")
    _runs_folder(shown)
    shown.set_defaults(command="runs:show")
    pruned = actions.add_parser("prune", help="remove what unfinished and damaged runs left")
    _runs_folder(pruned)
    pruned.set_defaults(command="runs:prune")
    checked = actions.add_parser("check", help="read every file of every finished run and compare its SHA-256")
    _runs_folder(checked)
    checked.set_defaults(command="runs:check")
    return whole


def _group(commands: Any, name: str, what: str) -> Any:
    group = commands.add_parser(name, help=what)
    return group.add_subparsers(title="actions", metavar="ACTION", required=True)


def _jobs(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number of at least 1")
    return int(text)


def _of_run(parser: argparse.ArgumentParser) -> None:
    """What chooses a run of a recipe: its coordinates in the table."""
    _folders(parser)
    _study_options(parser)
    for name in ("target", "budget", "chain", "backbone", "method", "fold", "seed"):
        parser.add_argument(f"--{name}", help=f"of a recipe's rows, that of this {name}")


def _recipe_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="a recipe's path, or the name of a shipped one: quickstart, mini/skin ...")
    _folders(parser)
    _study_options(parser)


def _study_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"), help="where runs and results go (default: runs)")
    parser.add_argument("--profile", choices=["strict", "paper"], help="the strict protocol, or the papers' own")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="replace a key of the recipe")


def _data_set(parser: argparse.ArgumentParser, size: list[int] | None = [64]) -> None:  # noqa: B006 - never changed
    parser.add_argument("name", help="a data set: mura, mura/humerus, my.toml")
    _folders(parser)
    default = "" if size else " (default: as the images are)"
    parser.add_argument(
        "--size", type=int, nargs="+", default=size, metavar="PIXELS", help=f"one side, or rows and columns{default}"
    )


def _runs_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))


def _folders(parser: argparse.ArgumentParser) -> None:
    folder = os.environ.get("INDOMAIN_DATA") or "data"
    cache = os.environ.get("INDOMAIN_CACHE") or "~/.cache/indomain"
    parser.add_argument(
        "--data-dir", type=Path, default=Path(folder), help="where the data sets are (default: INDOMAIN_DATA, or data)"
    )
    parser.add_argument(
        "--cache-dir",
        type=Path,
        default=Path(cache).expanduser(),
        help=f"where prepared sets are kept (default: {cache})",
    )
