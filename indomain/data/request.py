"""The request for a split: everything that decides how it is drawn."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from indomain.data import duplicates, evidence
from indomain.data.manifest import LabelOptions
from indomain.data.options import Profile, SourceOptions, SplitOptions, TargetOptions
from indomain.data.pool import Pool
from indomain.data.split import Split
from indomain.errors import RequestError

if TYPE_CHECKING:
    from indomain.data.dataset import Dataset

VERSION = 9
# What a split takes from a manifest besides its images: classes and counts decide its content, the report prints the rest.
_MANIFEST_KEYS = {"title", "citation", "synthetic", "stand_in", "labels", "counts", "subset_by", "patients_of"}


@dataclass(frozen=True)
class TargetRequest:
    """The request for the split of a target.

    Args:
        name: the recipe's name for the target.
        pool: its prepared set.
        options: the recipe's table for the target, with the split that the profile uses.
        profile: the protocol.
    """

    name: str
    pool: Pool
    options: TargetOptions
    profile: Profile

    @property
    def split(self) -> SplitOptions:
        """How the target is split: the papers' protocol does not group images and holds out none for validation."""
        options = self.options.split
        return options if self.profile.strict else options.model_copy(update={"grouped": False, "validated": False})

    @property
    def keeps_leaks(self) -> bool:
        """Whether leaks are counted and kept, rather than refused or removed."""
        return not self.profile.strict or self.options.leaks == "kept"

    @cached_property
    def dataset(self) -> "Dataset":
        """The rows, classes and groups of the target; opened only once, although every source is compared with it.

        Raises:
            RequestError: if a subset, column, label or class is unknown, or no image is left.
        """
        from indomain.data.dataset import open_dataset

        options = self.options
        return open_dataset(
            self.pool, options.labels, options.where, draw=options.draw, by_origin=options.label_by == "origin"
        )

    def key(self) -> dict[str, Any]:
        """Everything that decides how the split is drawn, as JSON; its digest names the folder of the split."""
        return {
            **_shared_key(self.pool, self.profile, list(self.options.classes)),
            "kind": "target",
            "name": self.name,
            "set": self.options.selection(),
            "split": self.split.identity(),
            "leaks": self.options.leaks,
            **({"label_by": "origin"} if self.options.label_by == "origin" else {}),
        }


@dataclass(frozen=True)
class SourceRequest:
    """The request for the split of a source.

    All images of a source are training images, except those held out for validation if its labels are learnt.

    Args:
        name: the recipe's name for the source.
        pool: its prepared set or sets.
        options: the recipe's table for the source.
        profile: the protocol.
        labelled: whether an objective reads the labels. If not, all images are used, with or without a label.
        against: the targets that learn from this source, each with its split.
    """

    name: str
    pool: Pool
    options: SourceOptions
    profile: Profile
    labelled: bool
    against: tuple[tuple[TargetRequest, Split], ...]

    @cached_property
    def dataset(self) -> "Dataset":
        """The rows, classes and groups of the source.

        Raises:
            RequestError: if a subset, column, label or class is unknown, or no image is left.
        """
        from indomain.data.dataset import open_dataset

        options = self.options
        return open_dataset(self.pool, options.labels, options.where, self.labelled, options.draw, options.use)

    def key(self) -> dict[str, Any]:
        """Everything that decides how the split is drawn, as JSON; its digest names the folder of the split."""
        return {
            **_shared_key(self.pool, self.profile, list(self.options.classes)),
            "kind": "source",
            "name": self.name,
            # How contrast is treated stands in the digest of the prepared sets.
            "set": {**self.options.model_dump(exclude={"draw", "contrast"}), **self.options.selection()},
            # They were once drawn from all images, those of other splits among them, which were then left out.
            **({"drawn_from": "use"} if self.options.draw else {}),
            "labelled": self.labelled,
            "against": sorted(split.digest for _, split in self.against),
        }


@dataclass(frozen=True)
class ExternalRequest:
    """The request for the split of a set that a target's networks are only tested on.

    Args:
        name: "target → set".
        pool: the prepared set.
        options: the recipe's table for the target.
        profile: the protocol.
        target: the target and its split, from whose images the networks learn.
    """

    name: str
    pool: Pool
    options: TargetOptions
    profile: Profile
    target: tuple[TargetRequest, Split]

    @cached_property
    def dataset(self) -> "Dataset":
        """The rows, classes and groups of the set, its classes numbered like the target's.

        Raises:
            RequestError: it has other classes than the target.
        """
        from indomain.data.dataset import open_dataset

        info = self.target[1].info
        known = self.options.classes or self.pool.labels.classes
        if not known:
            known = {label: [label] for label in sorted(set(self.pool.index()["label"]) - {""})}
        absent = [name for name in info.classes if name not in known]
        if absent:
            raise RequestError(
                f"{self.name}: the set has the classes {', '.join(known)}, and the target {', '.join(info.classes)}. Give them "
                "the same names in a manifest of the set, or by the target's classes."
            )
        labels = LabelOptions(classes={name: known[name] for name in info.classes}, positive=info.positive)
        return open_dataset(self.pool, labels)

    def key(self) -> dict[str, Any]:
        """Everything that decides what is tested on, as JSON; its digest names the folder of the split."""
        return {
            **_shared_key(self.pool, self.profile, list(self.options.classes)),
            "kind": "external",
            "name": self.name,
            "against": self.target[1].digest,
            "leaks": self.options.leaks,
        }


def _shared_key(pool: Pool, profile: Profile, classes: list[str]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "prepared": pool.digest,
        "manifests": [manifest.model_dump(include=_MANIFEST_KEYS) for manifest in pool.manifests],
        # A digest ignores the order of keys, but the numbers of the classes follow from it.
        "order": [classes, *(list(manifest.labels.classes) for manifest in pool.manifests)],
        "near_duplicates": [duplicates.VERSION, evidence.FITTED, evidence.COPY.min_log_odds, duplicates.MIN_COMMON],
        "profile": profile.name,
        "drop_leaks": profile.drop_leaks,
    }
