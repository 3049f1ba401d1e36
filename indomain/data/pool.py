"""A pool: one or several prepared sets, used as one.

The rest of the package sees no other kind of set. Nothing is copied.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from indomain import files
from indomain.data.manifest import LabelOptions, Manifest
from indomain.data.prepared import PreparedSet
from indomain.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Pool:
    """Prepared sets, or subsets of them, one after another; row numbers run through all of them in that order.

    A pool of one set keeps its ids, patients and studies unchanged. In a pool of several they start with the set's name,
    because each set numbers its patients independently.

    Args:
        parts: at least one prepared set, each with its subset.

    Raises:
        RequestError: if two parts belong to the same set.
    """

    parts: tuple[PreparedSet, ...]

    def __post_init__(self) -> None:
        names = [part.manifest.name for part in self.parts]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise RequestError(f"{twice!r} is joined with itself; name each set once.")

    @classmethod
    def of(cls, *parts: PreparedSet) -> "Pool":
        """Returns the pool of these sets.

        Args:
            *parts: prepared sets, at least one.
        """
        return cls(parts)

    @property
    def name(self) -> str:
        """The name for messages and tables: "mura/humerus", or "mura+isic" for several sets."""
        return self.parts[0].name if len(self.parts) == 1 else "+".join(part.manifest.name for part in self.parts)

    @property
    def folders(self) -> list[Path]:
        """The folders of the prepared sets, in the order of the rows."""
        return [part.folder for part in self.parts]

    @property
    def manifests(self) -> list[Manifest]:
        """The manifests of the parts, in the order of the rows."""
        return [part.manifest for part in self.parts]

    @property
    def title(self) -> str:
        """The titles of the manifests, joined by "+"."""
        return " + ".join(manifest.title for manifest in self.manifests)

    @property
    def citation(self) -> str:
        """The citations of the manifests, each once, or ""."""
        return "; ".join(dict.fromkeys(manifest.citation for manifest in self.manifests if manifest.citation))

    @property
    def synthetic(self) -> bool:
        """Whether any part holds synthetic images."""
        return any(manifest.synthetic for manifest in self.manifests)

    @property
    def stand_in(self) -> bool:
        """Whether any part is a reduced or partial copy of the set that it is named after."""
        return any(manifest.stand_in for manifest in self.manifests)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that identify the pixels and indices of the parts."""
        if len(self.parts) == 1:
            return self.parts[0].digest
        return files.digest_of([[part.digest, part.subset] for part in self.parts])

    @property
    def more(self) -> list[str]:
        """The further columns of the manifests."""
        return list(dict.fromkeys(name for manifest in self.manifests for name in manifest.more))

    @property
    def channels(self) -> int:
        """1 if the images of every part are grey, else 3."""
        return max(part.info["channels"] for part in self.parts)

    @property
    def masks(self) -> str:
        """The SHA-256 of the masks, or "" if there are none; a pool of several sets has none."""
        return self.parts[0].info.get("masks", "") if len(self.parts) == 1 else ""

    @cached_property
    def labels(self) -> LabelOptions:
        """The classes of all parts; classes of the same name in several manifests are merged.

        In a pool of several sets, a manifest that names no classes contributes one class per label.

        Raises:
            RequestError: if the manifests contradict one another.
        """
        if len(self.parts) == 1:
            return self.parts[0].manifest.labels
        try:
            return LabelOptions(classes=self._classes, positive=self.positive)
        except ValidationError as error:
            reason = error.errors()[0]["ctx"]["error"]
            raise RequestError(
                f"{self.name}: {reason}. Say in the recipe which labels belong to which class (classes = ...)."
            ) from None

    @property
    def positive(self) -> str | None:
        """The positive class that all manifests agree on, or None."""
        named = {manifest.labels.positive for manifest in self.manifests}
        return named.pop() if len(named) == 1 else None

    @cached_property
    def _classes(self) -> dict[str, list[str]]:
        merged: dict[str, list[str]] = {}
        for part in self.parts:
            classes = part.manifest.labels.classes
            if not classes:
                classes = {label: [label] for label in sorted(set(part.index()["label"]) - {""})}
            for name, labels in classes.items():
                known = merged.setdefault(name, [])
                known += [label for label in labels if label not in known]
        return merged

    @property
    def class_order(self) -> list[str]:
        """The classes in the order of the manifests, which decides their numbers."""
        return list(self.parts[0].manifest.labels.classes if len(self.parts) == 1 else self._classes)

    def index(self) -> "pd.DataFrame":
        """The indices of the parts, concatenated, with the ids and row numbers of the pool.

        See `PreparedSet.index` for the columns.

        Raises:
            RequestError: if a part has an unknown subset.
        """
        if len(self.parts) == 1:
            return self.parts[0].index()
        import pandas as pd

        tables, offset = [], 0
        for part in self.parts:
            index, name = part.index(), part.manifest.name
            index = index.assign(row=index["row"] + offset, id=name + ":" + index["id"])
            for column in ("patient", "study", "source_image"):
                index[column] = index[column].where(index[column] == "", name + ":" + index[column])
            tables.append(index)
            offset += part.info["images"]
        # Of further columns, images of other sets have no value.
        return pd.concat(tables, ignore_index=True).fillna(dict.fromkeys(self.more, ""))

    def unreadable(self) -> "pd.DataFrame":
        """One row per file that was left out of a part, with the columns `file` and `reason`."""
        import pandas as pd

        return pd.concat([part.unreadable() for part in self.parts], ignore_index=True)
