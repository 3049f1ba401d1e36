"""Features files: what a model that this package cannot run says of each image, computed elsewhere and given as one `.npz` file.

features    float (n, d), one row per image
ids         text (n,), the images' ids as `indomain data export` lists them; or
sha256      text (n,), the SHA-256 of their pixels at the recipe's size, likewise
card        text, JSON: what the model is; see `Card`
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

EXPORT = "`indomain data export SET` lists the images and their ids"


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
        names: (n,), ids or digests.
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
        try:
            with np.load(path, allow_pickle=False) as saved:
                arrays = {name: saved[name] for name in saved.files}
        except FileNotFoundError:
            raise RequestError(f"no features file {path}.") from None
        except UNREADABLE as error:
            raise RequestError(
                f"{path} is not a features file: {error}. It is written by numpy.savez, with arrays of numbers and text only."
            ) from None
        by = "ids" if "ids" in arrays else "sha256"
        missing = [name for name in ("features", by, "card") if name not in arrays]
        if missing:
            words = ", ".join("ids (or sha256)" if name == "sha256" else name for name in missing)
            raise RequestError(
                f"{path} has no array {words}. A features file has features, ids and card; see docs/beginnings.md."
            )
        features, names = arrays["features"], arrays[by]
        if features.ndim != 2 or not np.issubdtype(features.dtype, np.floating) or not features.shape[1]:
            raise RequestError(
                f"{path}: features is {features.dtype} of shape {features.shape}, but must be floating-point numbers with one "
                "row per image."
            )
        if names.shape != features.shape[:1] or names.dtype.kind != "U":
            raise RequestError(
                f"{path}: {by} is {names.dtype} of shape {names.shape}, but must be the text of one name for each of the "
                f"{len(features)} rows of features."
            )
        values, counts = np.unique(names, return_counts=True)
        if (counts > 1).any():
            raise RequestError(
                f"{path}: {by} has {str(values[counts > 1][0])!r} more than once; each image has one row."
            )
        finite = np.isfinite(features.astype(np.float32)).all(axis=1)
        if not finite.all():
            raise RequestError(
                f"{path}: the features of {int((~finite).sum())} of {len(finite)} images are not finite in single precision, "
                f"the first: {str(names[~finite][0])!r}. Compute them again."
            )
        return cls(path, _card(path, arrays["card"]), features.astype(np.float32), names, by)

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
        rows, wanted = table["row"].to_numpy(), table["id"].to_numpy()
        if self.by == "sha256":
            index = pd.read_csv(split.prepared[0] / "index.csv", usecols=["sha256"], dtype=str)
            wanted = index["sha256"].to_numpy()[rows]
        place = pd.Index(self.names).get_indexer(wanted)
        if (place < 0).any():
            lacking = int((place < 0).sum())
            where = f"target {split.info.name!r} ({split.info.set})"
            if lacking == len(place):
                raise RequestError(
                    f"{self.path} has other images than {where}: its {self.by} are like {str(self.names[0])!r}, those of the "
                    f"target like {str(wanted[0])!r}. {EXPORT}."
                )
            raise RequestError(
                f"{self.path} has no features of {lacking} of the {len(place)} images of {where}, the first: "
                f"{str(wanted[place < 0][0])!r}. {EXPORT}."
            )
        return rows, self.features[place]


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
