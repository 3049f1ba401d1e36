"""`indomain models export | list | show | import`."""

import argparse
import re
import shutil
import tempfile
from pathlib import Path

from indomain.artifacts import exported
from indomain.artifacts.exported import ExportedModel
from indomain.backend import import_keras
from indomain.commands.run import study_of
from indomain.errors import RequestError


def export(options: argparse.Namespace) -> None:
    """Writes the model of a finished run."""
    if options.zip and options.output and options.output.suffix != ".zip":
        raise RequestError(f"--zip writes a file: {options.output} should end in .zip.")
    if options.zip:
        with tempfile.TemporaryDirectory() as folder:
            model = of_recipe(options, Path(folder) / "model")
            path = options.output or Path(f"{model.name}.zip")
            if path.exists():
                raise RequestError(f"{path} is there already; remove it, or give another --output.")
            exported.packed(model.folder, path)
    else:
        model = of_recipe(options, options.output)
        path = model.folder
    size = sum(part[0] for part in model.content["files"].values()) / 1e6
    print(
        f"{path}: {model.name}, {', '.join(model.classes)}, {size:.1f} MB. Read its card: indomain models show {path}"
    )


def of_recipe(options: argparse.Namespace, folder: Path | None) -> ExportedModel:
    """Exports the run of a recipe that the options name.

    Args:
        options: the recipe, its folders, and the coordinates of a run.
        folder: where to write it; None: among the models that have a name.
    """
    import_keras()
    from indomain.models import choosing, exporting

    study = study_of(options)
    study.prepare()
    coordinates = {name: getattr(options, name, None) for name in choosing.COORDINATES}
    chosen = choosing.choose(study, {name: value for name, value in coordinates.items() if value is not None})
    tags = chosen.task.tags
    name = getattr(options, "name", None) or _plain(f"{study.name}-{tags.target}-{tags.chain}-{tags.backbone}")
    _check_name(name)
    licence = getattr(options, "licence", "not stated")
    return exporting.export(study, chosen, name, folder or exported.models_folder() / name, licence)


def listed(options: argparse.Namespace) -> None:
    """Prints the models that have a name."""
    names = exported.names()
    if not names:
        print(f"No models in {exported.models_folder()}. indomain models export RECIPE writes one, import keeps one.")
    for name in names:
        try:
            model = exported.read(exported.models_folder() / name)
        except RequestError as error:
            print(f"{name:40} damaged: {error}")
            continue
        print(f"{name:40} {', '.join(model.classes):30} {model.content['title']}")


def show(options: argparse.Namespace) -> None:
    """Prints a model's card, after checking its files."""
    model = exported.opened(options.model)
    print((model.folder / exported.CARD).read_text(encoding="utf-8"), end="")


def imported(options: argparse.Namespace) -> None:
    """Checks a model and keeps it under its name."""
    model = exported.opened(options.path)
    name = options.name or model.name
    _check_name(name)
    folder = exported.models_folder() / name
    if folder.exists():
        raise RequestError(f"there is a model {name!r} already, in {folder}; remove it, or give another --name.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    copying = folder.with_name(f".{name}.importing")
    shutil.rmtree(copying, ignore_errors=True)
    shutil.copytree(model.folder, copying)
    exported.read(copying)
    copying.rename(folder)
    print(f'{folder}: {name}, {", ".join(model.classes)}. In a recipe: ["model:{name}"]')


def _plain(text: str) -> str:
    return re.sub(r"[^\w.+-]", "-", text)


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[\w+-][\w.+-]*", name):
        raise RequestError(f"{name!r} cannot be a model's name: letters, digits and ._+- only, and no dot first.")
