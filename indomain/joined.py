"""Several prepared sets as one: a pool of images to learn from. Nothing is copied."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indomain import files
from indomain.errors import RequestError
from indomain.manifests import ImageOptions, LabelOptions, Manifest
from indomain.prepared import PreparedSet

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

    @cached_property
    def manifest(self) -> Manifest:
        """The parts' words one after the other; classes of the same name are one class."""
        manifests = [part.manifest for part, _ in self.parts]
        classes: dict[str, list[str]] = {}
        for manifest in manifests:
            for name, words in manifest.labels.classes.items():
                known = classes.setdefault(name, [])
                known += [word for word in words if word not in known]
        positives = {manifest.labels.positive for manifest in manifests}
        try:
            labels = LabelOptions(classes=classes, positive=positives.pop() if len(positives) == 1 else None)
        except ValueError:
            # The sets use a label for different classes: the recipe must say what it means.
            labels = LabelOptions()
        return Manifest.model_construct(
            name="+".join(manifest.name for manifest in manifests),
            title=" + ".join(manifest.title for manifest in manifests),
            citation="; ".join(dict.fromkeys(manifest.citation for manifest in manifests if manifest.citation)),
            synthetic=any(manifest.synthetic for manifest in manifests),
            stand_in=any(manifest.stand_in for manifest in manifests),
            subset_by=None,
            images=ImageOptions(),
            labels=labels,
            counts={},
        )

    def index(self) -> "pd.DataFrame":
        """The parts' indices one below the other, with `row`, `set` and ids that are the image's own in the pool."""
        import pandas as pd

        from indomain.datasets import part_of

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


def join(parts: list[tuple[PreparedSet, str]], where: str) -> JoinedSet:
    """The pool of several sets.

    Raises:
        RequestError: the same set stands twice.
    """
    names = [part.manifest.name for part, _ in parts]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise RequestError(f"{where}: {twice!r} is joined with itself; name each set once.")
    return JoinedSet(tuple(parts))
