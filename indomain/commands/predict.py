"""`indomain predict`: scores of new images."""

import argparse
import tempfile
from pathlib import Path

from indomain.artifacts import exported
from indomain.artifacts.exported import ExportedModel
from indomain.backend import import_keras
from indomain.commands import models
from indomain.errors import RequestError
from indomain.files import shipped

SHOWN = 5  # files that could not be read


def predict(options: argparse.Namespace) -> int:
    """Writes the scores of the images of a folder or of a data set; the exit status is 1 if none could be read."""
    if options.output.suffix != ".csv":
        raise RequestError(f"--output is a CSV file: {options.output} should end in .csv.")
    with tempfile.TemporaryDirectory() as folder:
        model = _model(options, Path(folder) / "model")
        import_keras()
        from indomain.models import predicting

        manifest, records = predicting.images_of(options.images, options.pattern, model, options.data_dir)
        summary = predicting.predict(predicting.Predictor(model, options.calibrated), manifest, records, options.output)
    counts = ", ".join(f"{name} {count}" for name, count in summary.predicted.items())
    print(f"{options.output}: {summary.images} images by {model.name}{f' ({counts})' if counts else ''}")
    if summary.patients:
        print(f"{options.output.stem}-patients.csv: the mean scores of {summary.patients} patients")
    if summary.unlike:
        print(
            f"{summary.unlike} of {summary.images} images are unlike those that the model has learnt from (column unlike; of "
            "images like them it is one in a hundred): do not rely on their scores."
        )
    if summary.learnt_from:
        print(f"{summary.learnt_from} images are among those that the model has learnt from (column learnt_from).")
    if summary.recoloured == "grey":
        print("The images are grey, and the model has learnt from colour images.")
    if summary.recoloured == "colour":
        print("The images have colour, and the model has learnt from grey images: they were converted to grey.")
    if summary.unreadable:
        print(f"{len(summary.unreadable)} files could not be read (column reason):")
        for file, reason in summary.unreadable[:SHOWN]:
            print(f"  {file}: {reason}")
    return 0 if summary.images else 1


def _model(options: argparse.Namespace, folder: Path) -> ExportedModel:
    """The model: an exported one, or that of a finished run, which is exported to a temporary folder."""
    word = options.model
    is_recipe = word.endswith(".toml") or (shipped("recipes") / f"{word}.toml").is_file()
    if not is_recipe:
        return exported.opened(word)
    options.recipe, options.name = word, None
    return models.of_recipe(options, folder)
