"""Beginnings: what a chain starts from, with what is known of it: licence, how images enter it, what it was trained on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from indomain import files
from indomain.artifacts.exported import ExportedModel
from indomain.data.manifest import UNKNOWN, Manifest
from indomain.errors import RequestError


@dataclass(frozen=True)
class Beginning:
    """What a chain starts from.

    Attributes:
        start: as a task stores it: "random", "imagenet" or, for a file, "sha256:..." of its content.
        path: the file, or "".
        title: for people.
        licence: of the weights or features.
        input: how images are brought to it.
        trained_on: data sets and archives that it was trained on.
    """

    start: str
    path: str = ""
    title: str = ""
    licence: str = ""
    input: str = ""
    trained_on: tuple[str, ...] = ()

    def to_params(self) -> dict[str, Any]:
        """What the report says of it, as JSON."""
        digest = self.start if self.start.startswith("sha256:") else ""
        return {
            "title": self.title,
            "licence": self.licence,
            "input": self.input,
            "trained_on": list(self.trained_on),
            "file": digest,
        }


def random() -> Beginning:
    """Random weights."""
    return Beginning("random", title="random weights", licence="–", input="the network's own", trained_on=())


def imagenet() -> Beginning:
    """A network's weights from ImageNet."""
    return Beginning(
        "imagenet",
        title="ImageNet weights of each network",
        licence="that of each network's weights; see docs/beginnings.md",
        input="the network's own",
        trained_on=("imagenet",),
    )


def of_model(chain: str, model: ExportedModel) -> Beginning:
    """An exported model.

    Args:
        chain: name of the chain, for the message.
        model: the model.

    Raises:
        RequestError: it has several networks.
    """
    if len(model.networks) > 1:
        raise RequestError(
            f"chains.{chain}: model {model.name!r} is a classifier on {len(model.networks)} networks, and a chain begins with "
            "one. Export one of them."
        )
    return Beginning(
        f"sha256:{files.file_sha256(model.networks[0])}",
        str(model.networks[0].absolute()),
        title=f"exported model {model.name}: {model.content['title']}",
        licence=model.content["licence"],
        input="the network's own",
        trained_on=tuple(model.content["trained_on"]),
    )


def exposure(beginning: Beginning, sets: Iterable[Manifest]) -> str:
    """Whether the images of a target, or the archive that they come from, were in what a beginning was trained on.

    Args:
        beginning: the beginning.
        sets: the manifests of the target.

    Returns:
        A few words: "yes: ...", "unknown", or that they are not among what is named, which is no proof.
    """
    if not beginning.trained_on:
        return "no: trained on nothing"
    names = {_plain(name) for manifest in sets for name in (manifest.name, *manifest.part_of)}
    seen = [name for name in beginning.trained_on if _plain(name) in names]
    if seen:
        return f"yes: {', '.join(sorted(seen))}"
    if UNKNOWN in beginning.trained_on:
        return UNKNOWN
    return "not among those named"


def _plain(name: str) -> str:
    """A name without what people write in different ways: "HAM-10000" is "ham10000"."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())
