"""Several prepared sets as one: a pool of images to learn from. Nothing is copied."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indomain import files
from indomain.data.manifest import ImageOptions, LabelOptions, Manifest
from indomain.data.prepared import PreparedSet
from indomain.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class JoinedSet:
    """What `PreparedSet` is for one manifest, for several; a place counts through all of them in their order."""

    parts: tuple[tuple[PreparedSet, str], ...]  # with the subset of each

    @property
    def folders(self) -> list[Path]:
        """The prepared sets' folders, in the order of their places."""
        return [part.folder for part, _ in self.parts]

    @property
    def digest(self) -> str:
        return files.digest_of([[part.digest, subset] for part, subset in self.parts])

    @property
    def facts(self) -> dict[str, Any]:
        return {"channels": max(part.facts["channels"] for part, _ in self.parts)}

    @property
    def manifests(self) -> list[Manifest]:
        """Those of its parts."""
        return [part.manifest for part, _ in self.parts]

    @cached_property
    def classes(self) -> dict[str, list[str]]:
        """Class -> labels as read; classes of the same name are one. Where a manifest names none, each label is one."""
        found: dict[str, list[str]] = {}
        for part, subset in self.parts:
            own = part.manifest.labels.classes or {label: [label] for label in self._labels(part, subset)}
            for name, labels in own.items():
                known = found.setdefault(name, [])
                known += [label for label in labels if label not in known]
        return found

    @cached_property
    def conflict(self) -> str:
        """Why its classes cannot be told from its parts' manifests, or ""."""
        try:
            LabelOptions(classes=self.classes)
        except ValueError as error:
            return str(error).split("Value error, ")[-1].split(" [type")[0]
        return ""

    @cached_property
    def manifest(self) -> Manifest:
        """The parts' words one after the other."""
        positives = {manifest.labels.positive for manifest in self.manifests}
        positive = positives.pop() if len(positives) == 1 else None
        return Manifest.model_construct(
            name="+".join(manifest.name for manifest in self.manifests),
            title=" + ".join(manifest.title for manifest in self.manifests),
            citation="; ".join(dict.fromkeys(manifest.citation for manifest in self.manifests if manifest.citation)),
            synthetic=any(manifest.synthetic for manifest in self.manifests),
            stand_in=any(manifest.stand_in for manifest in self.manifests),
            patients_of="",
            subset_by=None,
            images=ImageOptions(),
            labels=LabelOptions() if self.conflict else LabelOptions(classes=self.classes, positive=positive),
            counts={},
        )

    @staticmethod
    def _labels(part: PreparedSet, subset: str) -> list[str]:
        from indomain.data.dataset import part_of

        return sorted(set(part_of(part, subset)["label"]) - {""})

    def index(self) -> "pd.DataFrame":
        """The parts' indices one below the other, with `row`, `set` and ids that are the image's own in the pool."""
        import pandas as pd

        from indomain.data.dataset import part_of

        tables, before = [], 0
        for part, subset in self.parts:
            index = part_of(part, subset)
            name = part.manifest.name
            index = index.assign(row=index["row"] + before, set=name, id=name + ":" + index["id"])
            # Patients and studies are numbered by each set for itself.
            for column in ("patient", "study", "whole"):
                index[column] = index[column].where(index[column] == "", name + ":" + index[column])
            tables.append(index)
            before += part.facts["images"]
        return pd.concat(tables, ignore_index=True)

    def unreadable(self) -> "pd.DataFrame":
        """`file` and `reason` of what was left out of any part."""
        import pandas as pd

        return pd.concat([part.unreadable() for part, _ in self.parts], ignore_index=True)


def join_sets(parts: list[tuple[PreparedSet, str]], where: str) -> JoinedSet:
    """The pool of several sets.

    Raises:
        RequestError: the same set stands twice.
    """
    names = [part.manifest.name for part, _ in parts]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise RequestError(f"{where}: {twice!r} is joined with itself; name each set once.")
    return JoinedSet(tuple(parts))
