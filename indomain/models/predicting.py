"""Scores of new images by an exported model, image by image, with memory that does not grow with their number."""

import contextlib
import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from indomain import files
from indomain.artifacts import exported
from indomain.artifacts.exported import ExportedModel
from indomain.data import preparing
from indomain.data.images import resizing
from indomain.data.images.decoding import UnreadableImage
from indomain.data.manifest import COLUMNS, FolderReader, ImageOptions, Manifest, load_manifest
from indomain.data.prepared import in_subset
from indomain.data.preparing import Decoded
from indomain.data.readers import Record
from indomain.errors import RequestError
from indomain.models import exporting
from indomain.networks import inference, scoring, seen, weights
from indomain.networks.calibration import tempered

BATCH = 256


@dataclass
class Summary:
    """What a prediction has found.

    Attributes:
        images: number of images with scores.
        unreadable: files that could not be read, each with the reason.
        unlike: number of images that are unlike those that the model has learnt from.
        learnt_from: number of images that it has learnt from.
        predicted: class -> number of images.
        patients: number of patients, 0 where they are not known.
        recoloured: "grey" or "colour" images that the model takes as the other, "" if there are none.
    """

    images: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unlike: int = 0
    learnt_from: int = 0
    predicted: dict[str, int] = field(default_factory=dict)
    patients: int = 0
    recoloured: str = ""


class Predictor:
    """From images to scores, and to whether they are unlike those that the model has learnt from.

    Args:
        model: an exported model.
        calibrated: divide the logarithms of the scores by the temperature that was fitted on validation images.

    Raises:
        RequestError: it cannot be calibrated.
    """

    def __init__(self, model: ExportedModel, calibrated: bool = False) -> None:
        self.model, self.seen = model, seen.read(model.folder / exported.SEEN)
        self.digests = {bytes(digest) for digest in self.seen.sha256}
        self.temperature = model.content["temperature"] if calibrated else None
        if calibrated and self.temperature is None:
            raise RequestError(
                f"model {model.name!r} cannot be calibrated: it had no validation images. Leave --calibrated out."
            )
        if model.classifier:
            self._estimator = exporting.classifier_of(model)
            self._features = exporting.features_of(model.folder, model.content)
        else:
            self._network: keras.Model = scoring.with_features(weights.load(model.networks[0]))

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The scores (n, classes) of images, and which of them are unlike what the model knows, bool (n,).

        Args:
            images: uint8 (n, rows, columns, channels), 0–255, of the model's shape.
        """
        if self.model.classifier:
            features = self._features(images)
            scores = scoring.classified(self._estimator, features, len(self.model.classes))
        else:
            scores, features = (np.asarray(part, np.float32) for part in inference.predict_parts(self._network, images))
        if self.temperature:
            scores = tempered(scores, self.temperature)
        return scores, self.seen.is_unlike(features)


def images_of(word: str, pattern: str, model: ExportedModel, data_dir: Path) -> tuple[Manifest, list[Record]]:
    """The images to predict: those of a folder, or of a data set.

    Args:
        word: a folder, or a data set's name or manifest, with an optional subset.
        pattern: path pattern of a folder's images, such as "{patient}_*.png"; "": every image below it.
        model: how images are resized for it.
        data_dir: where the data sets are.

    Returns:
        The manifest and the records.

    Raises:
        RequestError: there is no such folder or set, or no image in it.
    """
    given = model.content["input"]
    images = ImageOptions(
        fit=given["fit"], channels="grey" if model.learnt_channels == 1 else "rgb", contrast=given["contrast"]
    )
    if Path(word).is_dir():
        reader = FolderReader(
            reader="folder", root=str(Path(word).absolute()), outside=True, labelled=False, pattern=pattern or None
        )
        manifest, subset = Manifest(name="images", title=word, read=reader, images=images), ""
    elif pattern:
        raise RequestError("--pattern is for folders; a data set's manifest says how its files are named.")
    else:
        manifest, subset = load_manifest(word)
        manifest = manifest.model_copy(update={"images": images})
    records = preparing.list_records(manifest, data_dir, model.shape[:2])
    columns = pd.DataFrame({name: [getattr(record, name) for record in records] for name in COLUMNS})
    is_asked = in_subset(manifest, subset, columns)
    return manifest, [record for record, asked in zip(records, is_asked) if asked]


def predict(
    predictor: Predictor,
    manifest: Manifest,
    records: list[Record],
    output: Path,
    quiet: bool = False,
) -> Summary:
    """Writes the scores of images, one row each, and those of patients where they are known.

    A row has `id, file, patient, label, predicted`, `score_CLASS` for each class, `unlike` (1: unlike the images that the model
    has learnt from), `learnt_from` (1: it has learnt from this very image, or a copy) and `reason` (why there are no scores).

    Args:
        predictor: the model.
        manifest: how images are read and resized.
        records: the images.
        output: the CSV file; that of the patients is `NAME-patients.csv` beside it.
        quiet: show no progress.
    """
    model, summary = predictor.model, Summary()
    summary.recoloured = _recoloured(records, model)
    label_of = {label: name for name, labels in manifest.labels.classes.items() for label in labels}
    scores_of_patient: dict[str, tuple[np.ndarray, int]] = {}
    classes = model.classes
    header = [
        "id",
        "file",
        "patient",
        "label",
        "predicted",
        *(f"score_{name}" for name in classes),
        "unlike",
        "learnt_from",
        "reason",
    ]
    with files.written(output) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for part in _parts(manifest, records, model, quiet):
            good = [decoded for decoded in part if decoded.image is not None]
            scores, unlike = _scored(predictor, good)
            known = _learnt_from(predictor, good)
            place = 0
            for decoded in part:
                words = dict(zip(preparing.INDEX_COLUMNS, decoded.words))
                if decoded.image is None:
                    summary.unreadable.append((decoded.file, decoded.reason))
                    writer.writerow(["", decoded.file, *[""] * (len(header) - 3), decoded.reason])
                    continue
                row, name = scores[place], classes[int(scores[place].argmax())]
                patient = words["patient"]
                label = label_of.get(words["label"], words["label"])
                numbers = [f"{value:.6g}" for value in row]
                writer.writerow(
                    [
                        words["id"],
                        decoded.file,
                        patient,
                        label,
                        name,
                        *numbers,
                        int(unlike[place]),
                        int(known[place]),
                        "",
                    ]
                )
                summary.images += 1
                summary.predicted[name] = summary.predicted.get(name, 0) + 1
                summary.unlike += int(unlike[place])
                summary.learnt_from += int(known[place])
                if patient:
                    total, count = scores_of_patient.get(patient, (np.zeros(len(classes)), 0))
                    scores_of_patient[patient] = (total + row, count + 1)
                place += 1
    if scores_of_patient:
        summary.patients = len(scores_of_patient)
        _write_patients(output.with_name(f"{output.stem}-patients.csv"), classes, scores_of_patient)
    return summary


def _parts(manifest: Manifest, records: list[Record], model: ExportedModel, quiet: bool) -> Iterator[list[Decoded]]:
    """Decoded images in batches; the next one is decoded while the network works on one."""
    rows, columns, _ = model.shape
    decoded = preparing.decoded(
        manifest, records, (rows, columns), model.learnt_channels, f"predicting by {model.name}", quiet
    )
    with ThreadPoolExecutor(1) as ahead:
        following = ahead.submit(lambda: list(islice(decoded, BATCH)))
        while part := following.result():
            following = ahead.submit(lambda: list(islice(decoded, BATCH)))
            yield part


def _scored(predictor: Predictor, part: list[Decoded]) -> tuple[np.ndarray, np.ndarray]:
    if not part:
        return np.zeros((0, len(predictor.model.classes))), np.zeros(0, bool)
    channels = predictor.model.shape[2]
    images = np.stack([resizing.to_channels(np.asarray(decoded.image), channels) for decoded in part])
    return predictor(images)


def _learnt_from(predictor: Predictor, part: list[Decoded]) -> np.ndarray:
    """Which images the model has learnt from, pixel by pixel; copies that were changed are looked for in recipes only."""
    digests = [dict(zip(preparing.INDEX_COLUMNS, decoded.words))["sha256"] for decoded in part]
    return np.array([bytes.fromhex(digest) in predictor.digests for digest in digests], bool)


def _recoloured(records: list[Record], model: ExportedModel) -> str:
    """ "grey" if a model of colour images is given grey ones, "colour" in the reverse case, judged by some of the files."""
    greys = []
    for record in records[:: max(len(records) // 50, 1)]:
        # A file that cannot be read is reported when it is decoded.
        with contextlib.suppress(UnreadableImage):
            greys.append(record.grey())
    if model.learnt_channels == 3:
        return "grey" if greys and all(greys) else ""
    return "colour" if greys and not any(greys) else ""


def _write_patients(path: Path, classes: list[str], found: dict[str, tuple[np.ndarray, int]]) -> None:
    """Writes the mean scores of each patient's images."""
    with files.written(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["patient", "images", "predicted", *(f"score_{name}" for name in classes)])
        for patient, (total, count) in found.items():
            mean: Any = total / count
            writer.writerow([patient, count, classes[int(mean.argmax())], *(f"{value:.6g}" for value in mean)])
