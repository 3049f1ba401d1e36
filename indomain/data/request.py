"""A split that is asked for: everything that decides what is drawn."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from indomain.data import duplicates
from indomain.data.options import Profile, SourceOptions, SplitOptions, TargetOptions
from indomain.data.pool import Pool
from indomain.data.split import Split

if TYPE_CHECKING:
    from indomain.data.dataset import Dataset

VERSION = 6
# What a split takes from a manifest beside its images: the report prints it.
_MANIFEST_KEYS = {"title", "citation", "synthetic", "stand_in", "labels", "counts", "subset_by", "patients_of"}


@dataclass(frozen=True)
class TargetRequest:
    """The split of a target.

    Args:
        name: the recipe's word for it.
        pool: its prepared set.
        options: the recipe's table for it, as the profile splits it.
        profile: the protocol.
    """

    name: str
    pool: Pool
    options: TargetOptions
    profile: Profile

    @property
    def split(self) -> SplitOptions:
        """How it is split: the papers' protocol groups nothing and holds no validation images out."""
        given = self.options.split
        return given if self.profile.strict else given.model_copy(update={"grouped": False, "validated": False})

    @property
    def keeps_leaks(self) -> bool:
        return not self.profile.strict or self.options.leaks == "kept"

    @cached_property
    def dataset(self) -> "Dataset":
        """Its rows, classes and groups; opened once for all who ask."""
        from indomain.data.dataset import open_dataset

        return open_dataset(self.pool, self.options.labels, self.options.where)

    def key(self) -> dict[str, Any]:
        """Everything that decides what is drawn, as JSON."""
        return {
            **_shared_key(self.pool, self.profile, list(self.options.classes)),
            "kind": "target",
            "name": self.name,
            "set": self.options.model_dump(include={"set", "classes", "positive", "where"}),
            "split": self.split.model_dump(),
            "leaks": self.options.leaks,
        }


@dataclass(frozen=True)
class SourceRequest:
    """The split of a source: all its images train, but for validation images where labels are learnt.

    Args:
        name: the recipe's word for it.
        pool: its prepared set, or several.
        options: the recipe's table for it.
        profile: the protocol.
        labelled: whether an objective reads its labels; without, images of every class and of none are used.
        against: the targets that learn from it, each with its split.
    """

    name: str
    pool: Pool
    options: SourceOptions
    profile: Profile
    labelled: bool
    against: tuple[tuple[TargetRequest, Split], ...]

    @cached_property
    def dataset(self) -> "Dataset":
        """Its rows, classes and groups."""
        from indomain.data.dataset import open_dataset

        return open_dataset(self.pool, self.options.labels, self.options.where, self.labelled)

    def key(self) -> dict[str, Any]:
        """Everything that decides what is drawn, as JSON."""
        return {
            **_shared_key(self.pool, self.profile, list(self.options.classes)),
            "kind": "source",
            "name": self.name,
            "set": self.options.model_dump(),
            "labelled": self.labelled,
            "against": sorted(split.digest for _, split in self.against),
        }


def _shared_key(pool: Pool, profile: Profile, classes: list[str]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "prepared": pool.digest,
        "manifests": [manifest.model_dump(include=_MANIFEST_KEYS) for manifest in pool.manifests],
        # A digest does not see the order of keys, but which class is number 1 follows from it.
        "order": [classes, *(list(manifest.labels.classes) for manifest in pool.manifests)],
        "near_duplicates": [duplicates.MAX_HASH_BITS, duplicates.MIN_CORRELATION],
        "profile": profile.name,
        "drop_leaks": profile.drop_leaks,
    }
