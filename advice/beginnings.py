"""What a network can begin with on this machine, and the features that it then gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from indomain import files
from indomain.artifacts import exported
from indomain.artifacts.exported import ExportedModel
from indomain.artifacts.features import read_features, write_features
from indomain.data.features_file import FeaturesFile
from indomain.data.image_store import ImageStore
from indomain.data.images import resizing
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.networks import weights_manifest
from indomain.networks.options import Architecture

# The ImageNet networks that every installation has, at the sides that they are usually asked at.
IMAGENET = {"efficientnet-lite0": 224, "efficientnet-lite1": 224, "efficientnet-lite2": 224, "squeezenet": 128}
RANDOM = ("squeezenet", 128)
_PART = 256


@dataclass(frozen=True)
class Candidate:
    """A beginning.

    Attributes:
        name: for people: "efficientnet-lite2 after ImageNet".
        start: the first word of a chain.
        backbone: its entry in a recipe; {} for features that are given.
        can_win: whether it may be a finalist; random weights may not.
        key: what its features depend on, as JSON.
        model: the exported model.
        manifest_of: a data set's name in a features file.
    """

    name: str
    start: str
    backbone: dict[str, Any] = field(default_factory=dict)
    can_win: bool = True
    key: dict[str, Any] = field(default_factory=dict)
    model: ExportedModel | None = None


def at_hand(data_dir: Path, features: list[Path]) -> tuple[list[Candidate], list[str]]:
    """All beginnings that can be judged, and sentences about those that cannot.

    Args:
        data_dir: where published weights lie, in its folder `weights`.
        features: features files that were named.

    Raises:
        RequestError: a features file is not what it should be.
    """
    found = [
        Candidate(f"{name} after ImageNet", "imagenet", {"name": name, "size": side}, key={"start": "imagenet"})
        for name, side in IMAGENET.items()
    ]
    name, side = RANDOM
    found.append(
        Candidate(f"{name} with random weights", "random", {"name": name, "size": side}, False, {"start": "random"})
    )
    left: list[str] = []
    for reference in _weights():
        try:
            chosen = weights_manifest.load(reference)
            path = chosen.path(data_dir)
        except RequestError as error:
            # Most weights are not here, which needs no word; what is here and cannot be used does.
            if (data_dir / weights_manifest.FOLDER).is_dir() and "are not at" not in str(error):
                left.append(f"{reference}: {error}")
            continue
        backbone = {
            "name": chosen.manifest.architecture,
            **({"size": chosen.manifest.side} if chosen.manifest.side else {}),
        }
        found.append(
            Candidate(
                f"{chosen.manifest.title}",
                reference,
                backbone,
                key={"start": files.file_sha256(path), "path": str(path)},
            )
        )
    for name in exported.names():
        model = exported.opened(name)
        if len(model.networks) > 1:
            left.append(f"model {name!r} is a classifier on several networks, which no chain can begin with.")
            continue
        known = model.content["networks"][0]["backbone"]
        backbone = {key: known[key] for key in ("name", "width", "size") if known.get(key)}
        found.append(
            Candidate(
                f"your model {name}",
                f"{exported.PREFIX}{name}",
                backbone,
                key={"start": files.file_sha256(model.networks[0])},
                model=model,
            )
        )
    for path in features:
        card = FeaturesFile.read(path).card
        found.append(
            Candidate(
                f"features of {card.model}", f"features:{path.absolute()}", key={"start": files.file_sha256(path)}
            )
        )
    return found, left


def _weights() -> list[str]:
    """The references of all shipped weights, each with every convention that is published for it."""
    found = []
    for name in weights_manifest.names():
        manifest = weights_manifest.manifest_of(name)
        found += [
            f"{weights_manifest.PREFIX}{name}{way}"
            for way in ([""] if manifest.input else [f":{key}" for key in manifest.conventions])
        ]
    return found


def features_of(candidate: Candidate, split: Split, folder: Path, say: Callable[[str], None]) -> np.ndarray:
    """The features of all images of a split, (images, d), in the order of its rows; computed once.

    Args:
        candidate: the beginning.
        split: the set's.
        folder: where features are kept.
        say: called with a line before anything takes long.

    Raises:
        RequestError: a features file lacks images of the set.
    """
    if candidate.start.startswith("features:"):
        rows, values = FeaturesFile.read(Path(candidate.start.removeprefix("features:"))).of(split)
        return values[np.argsort(rows)].astype(np.float64)
    kept = folder / files.digest_of([split.info.rows, candidate.backbone, candidate.key])
    if not (kept / "features.npz").is_file():
        say(f"features of {split.info.set} by {candidate.name}")
        kept.mkdir(parents=True, exist_ok=True)
        rows = split.rows()
        write_features(kept, rows, _computed(candidate, split, rows))
    return read_features(kept)(split.rows()).astype(np.float64)


def _computed(candidate: Candidate, split: Split, rows: np.ndarray) -> np.ndarray:
    # Keras takes seconds to import, which a second call on the same data need not wait for.
    from indomain.models import exporting
    from indomain.networks import architecture, inference, weights

    if candidate.model:
        model = candidate.model
        store = split.images(model.shape[2])
        of_model = exporting.features_of(model.folder, model.content)
        parts = (store(rows[start : start + _PART]) for start in range(0, len(rows), _PART))
        return np.concatenate([of_model(_fitted(images, model)) for images in parts])
    spec = architecture_of(candidate, split)
    network = architecture.backbone(spec)
    weights.start(network, spec, candidate.key.get("path") or candidate.start, 0)
    images: ImageStore = split.images(spec.channels)
    return inference.predict(network, images, rows)


def _fitted(images: np.ndarray, model: ExportedModel) -> np.ndarray:
    """Images at the size of a model."""
    size, fit = model.shape[:2], model.content["input"]["fit"]
    resized = [resizing.to_channels(resizing.resize(np.squeeze(image), size, fit), model.shape[2]) for image in images]
    return np.stack(resized)


def architecture_of(candidate: Candidate, split: Split) -> Architecture:
    """The network of a candidate for the images of a split.

    Args:
        candidate: one with a backbone.
        split: the set's.
    """
    chosen = weights_manifest.load(candidate.start) if candidate.start.startswith(weights_manifest.PREFIX) else None
    rows, columns = files.read_json(split.prepared[0] / "set.json")["size"]
    given = candidate.backbone
    scaling = chosen.convention.as_scaling if chosen else None
    return Architecture(given["name"], given.get("width", 1.0), (rows, columns, 3), given.get("size"), scaling)


def overlap(candidate: Candidate, split: Split) -> int:
    """How many images of a set an exported model has learnt from, or from copies of them.

    Args:
        candidate: the beginning.
        split: the set's.
    """
    if not candidate.model:
        return 0
    from indomain.networks import seen

    return int(seen.read(candidate.model.folder / exported.SEEN).among(*seen.marks(split, split.rows())).sum())
