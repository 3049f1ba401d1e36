"""Features files: what a model that this package cannot run says of each image, computed elsewhere and given as one `.npz` file.

features    float (n, d), one row per image
ids, set    text (n,), the images' ids and the names of their sets as `indomain data export` lists them; or
sha256      text (n,), the SHA-256 of their pixels at the recipe's size, likewise
card        text, JSON: what the model is; see `Card`

Ids alone would not do: those of many sets are numbers.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from indomain.data.manifest import TrainedOn
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.files import UNREADABLE
from indomain.toml import Table, validated

EXPORT = "`indomain data export SET` lists the images, their ids and sets"
JOINED = "\t"  # between a set's name and an id; neither holds a tab


class Card(Table):
    """What a features file says of the model that computed it."""

    # The model's name, as published.
    model: str = Field(min_length=1)
    # Its revision or version.
    revision: str = Field(min_length=1)
    # The licence of its weights.
    licence: str = Field(min_length=1)
    # How images were brought to its input: size, resizing, scaling, channels.
    input: str = Field(min_length=1)
    # The data sets and archives that it was trained on; "unknown" is an answer.
    trained_on: TrainedOn


@dataclass(frozen=True)
class FeaturesFile:
    """The content of a features file, checked.

    Attributes:
        path: the file.
        card: what the model is.
        features: float32 (n, d).
        names: (n,), what tells the images apart: digests, or sets and ids joined by `JOINED`.
        by: "ids" or "sha256".
    """

    path: Path
    card: Card
    features: np.ndarray
    names: np.ndarray
    by: str

    @classmethod
    def read(cls, path: Path) -> "FeaturesFile":
        """Reads a file.

        Args:
            path: the file.

        Raises:
            RequestError: it is not such a file, arrays are missing or do not fit each other, an image occurs twice, or a
                feature is not finite.
        """
        arrays = _arrays(path)
        by = "ids" if "ids" in arrays else "sha256"
        for name in ("features", "card", by, *(["set"] if by == "ids" else [])):
            if name not in arrays:
                words = "ids (or sha256)" if name == "sha256" else name
                raise RequestError(
                    f"{path} has no array {words}. A features file has features, ids, set and card; see docs/beginnings.md."
                )
        features = arrays["features"]
        if features.ndim != 2 or not np.issubdtype(features.dtype, np.floating) or not features.shape[1]:
            raise RequestError(
                f"{path}: features is {features.dtype} of shape {features.shape}, but must be floating-point numbers with one "
                "row per image."
            )
        for name in ("ids", "set") if by == "ids" else ("sha256",):
            given = arrays[name]
            if given.shape != features.shape[:1] or given.dtype.kind != "U":
                raise RequestError(
                    f"{path}: {name} is {given.dtype} of shape {given.shape}, but must be text, one for each of the "
                    f"{len(features)} rows of features."
                )
        names = arrays["sha256"] if by == "sha256" else _joined(arrays["set"], arrays["ids"])
        finite = np.asarray(np.isfinite(features.astype(np.float32)).all(axis=1))
        if not finite.all():
            raise RequestError(
                f"{path}: the features of {int((~finite).sum())} of {len(finite)} images are not finite in single precision, "
                f"the first: {_word(names[~finite][0])}. Compute them again."
            )
        features, names = _each_once(path, by, features.astype(np.float32), names)
        return cls(path, _card(path, arrays["card"]), features, names, by)

    def of(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """The pool rows of a target's images, int (n,), ascending, and their features, float32 (n, d).

        Args:
            split: the target's; it has one prepared set.

        Raises:
            RequestError: some of its images have no features.
        """
        import pandas as pd

        table = pd.read_csv(split.folder / "split.csv", usecols=["row", "id"], dtype={"id": str}, keep_default_na=False)
        table = table.drop_duplicates("row").sort_values("row")
        rows = table["row"].to_numpy()
        if self.by == "sha256":
            index = pd.read_csv(split.prepared[0] / "index.csv", usecols=["sha256"], dtype=str)
            wanted = index["sha256"].to_numpy(str)[rows]
        else:
            ids = table["id"].to_numpy(str)
            # A target may be a subset, "mura/humerus".
            wanted = _joined(np.full(len(ids), split.info.set.partition("/")[0]), ids)
        place = pd.Index(self.names).get_indexer(wanted)
        if (place < 0).any():
            lacking = int((place < 0).sum())
            where = f"target {split.info.name!r} ({split.info.set})"
            if lacking == len(place):
                raise RequestError(
                    f"{self.path} has other images than {where}: it has {_word(self.names[0])}, the target "
                    f"{_word(wanted[0])}. {EXPORT}; [targets.{split.info.name}] chains leaves a chain out."
                )
            raise RequestError(
                f"{self.path} has no features of {lacking} of the {len(place)} images of {where}, the first: "
                f"{_word(wanted[place < 0][0])}. {EXPORT}; [targets.{split.info.name}] chains leaves a chain out."
            )
        return rows, self.features[place]


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        saved = np.load(path, allow_pickle=False)
        if not isinstance(saved, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array")
        with saved:
            return {name: saved[name] for name in saved.files}
    except FileNotFoundError:
        raise RequestError(f"no features file {path}.") from None
    except UNREADABLE as error:
        raise RequestError(
            f"{path} is not a features file: {error}. It is written by numpy.savez, with arrays of numbers and text only."
        ) from None


def _joined(sets: np.ndarray, ids: np.ndarray) -> np.ndarray:
    return np.char.add(np.char.add(sets, JOINED), ids)


def _word(name: str) -> str:
    """An image as a message names it."""
    return repr(str(name).replace(JOINED, ": "))


def _each_once(path: Path, by: str, features: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features and names without repetition: a set may hold the same picture twice, but no id."""
    _, first, inverse, counts = np.unique(names, return_index=True, return_inverse=True, return_counts=True)
    if (counts == 1).all():
        return features, names
    differ = ~np.isclose(features, features[first[inverse]], rtol=1e-3, atol=1e-5).all(axis=1)
    if by == "ids" or differ.any():
        twice = names[differ if differ.any() else counts[inverse] > 1][0]
        raise RequestError(
            f"{path}: {by} has {_word(twice)} more than once"
            + (", with other features. Compute them again." if by == "sha256" else "; each image has one row.")
        )
    return features[first], names[first]


def _card(path: Path, card: np.ndarray) -> Card:
    try:
        content = json.loads(str(card[()]))
    except (ValueError, TypeError) as error:
        raise RequestError(
            f"{path}: card is not JSON ({error}). It is the text of json.dumps(dict(model=..., ...))."
        ) from None
    if not isinstance(content, dict):
        raise RequestError(
            f"{path}: card is {type(content).__name__}, not a JSON object with {', '.join(Card.model_fields)}."
        )
    return validated(Card, content, f"{path}: card")
