"""A pool: one prepared set or several as one. The only kind of set that the rest of the package sees. Nothing is copied."""

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
    """Prepared sets, or subsets of them, one after the other; row numbers count through all of them in their order.

    A pool of one set is that set: its ids, patients and studies stay as they are. In a pool of several they carry the
    set's name, since each set numbers its patients for itself.

    Args:
        parts: at least one prepared set, each with its subset.

    Raises:
        RequestError: the same set is among the parts twice.
    """

    parts: tuple[PreparedSet, ...]

    def __post_init__(self) -> None:
        names = [part.manifest.name for part in self.parts]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise RequestError(f"{twice!r} is joined with itself; name each set once.")

    @classmethod
    def of(cls, *parts: PreparedSet) -> "Pool":
        """The pool of these sets."""
        return cls(parts)

    @property
    def name(self) -> str:
        return self.parts[0].name if len(self.parts) == 1 else "+".join(part.manifest.name for part in self.parts)

    @property
    def folders(self) -> list[Path]:
        """The folders of the prepared sets, in the order of their rows."""
        return [part.folder for part in self.parts]

    @property
    def manifests(self) -> list[Manifest]:
        return [part.manifest for part in self.parts]

    @property
    def title(self) -> str:
        return " + ".join(manifest.title for manifest in self.manifests)

    @property
    def citation(self) -> str:
        return "; ".join(dict.fromkeys(manifest.citation for manifest in self.manifests if manifest.citation))

    @property
    def synthetic(self) -> bool:
        return any(manifest.synthetic for manifest in self.manifests)

    @property
    def stand_in(self) -> bool:
        return any(manifest.stand_in for manifest in self.manifests)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits for the pixels and indices of the parts."""
        if len(self.parts) == 1:
            return self.parts[0].digest
        return files.digest_of([[part.digest, part.subset] for part in self.parts])

    @property
    def channels(self) -> int:
        """1 if every part is grey, else 3."""
        return max(part.info["channels"] for part in self.parts)

    @property
    def masks(self) -> str:
        """The SHA-256 of the masks, or "" where there are none; a pool of several sets has none."""
        return self.parts[0].info.get("masks", "") if len(self.parts) == 1 else ""

    @cached_property
    def labels(self) -> LabelOptions:
        """The classes that the manifests name; classes of the same name in several manifests are one.

        Where a manifest names none, each of its labels is a class. Raises a RequestError where the manifests contradict
        one another.
        """
        if len(self.parts) == 1:
            return self.parts[0].manifest.labels
        try:
            return LabelOptions(classes=self._classes, positive=self.positive)
        except ValidationError as error:
            why = error.errors()[0]["ctx"]["error"]
            raise RequestError(
                f"{self.name}: {why}. Say in the recipe which labels make which class (classes = ...)."
            ) from None

    @property
    def positive(self) -> str | None:
        """The positive class that all manifests agree on, or None."""
        named = {manifest.labels.positive for manifest in self.manifests}
        return named.pop() if len(named) == 1 else None

    @cached_property
    def _classes(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for part in self.parts:
            named = part.manifest.labels.classes
            if not named:
                named = {label: [label] for label in sorted(set(part.index()["label"]) - {""})}
            for name, labels in named.items():
                known = found.setdefault(name, [])
                known += [label for label in labels if label not in known]
        return found

    @property
    def class_order(self) -> list[str]:
        """The classes in the order of the manifests, which decides their numbers."""
        return list(self.parts[0].manifest.labels.classes if len(self.parts) == 1 else self._classes)

    def index(self) -> "pd.DataFrame":
        """The parts' indices one below the other; ids and `row` are those of the pool."""
        if len(self.parts) == 1:
            return self.parts[0].index()
        import pandas as pd

        tables, before = [], 0
        for part in self.parts:
            index, name = part.index(), part.manifest.name
            index = index.assign(row=index["row"] + before, id=name + ":" + index["id"])
            for column in ("patient", "study", "source_image"):
                index[column] = index[column].where(index[column] == "", name + ":" + index[column])
            tables.append(index)
            before += part.info["images"]
        return pd.concat(tables, ignore_index=True)

    def unreadable(self) -> "pd.DataFrame":
        """`file` and `reason` of every file that was left out of a part."""
        import pandas as pd

        return pd.concat([part.unreadable() for part in self.parts], ignore_index=True)
