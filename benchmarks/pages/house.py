"""The files that pages are made from: tables, records, recipes, assumptions."""

import csv
import json
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.keep import stage_versions
from indomain.data import duplicates
from indomain.errors import unknown

Row = dict[str, str]
Value = TypeVar("Value")


def taken(mapping: Mapping[str, Value], key: str, kind: str) -> Value:
    """mapping[key]; an unknown key is an error that lists the known ones."""
    if key not in mapping:
        raise unknown(kind, key, mapping)
    return mapping[key]


class House:
    """A checkout of the repository; each file is read once."""

    def __init__(self, root: Path):
        self.root = root
        self._rows: dict[str, list[Row]] = {}

    def rows(self, name: str) -> list[Row]:
        """The rows of results/<name>.csv as text."""
        if name not in self._rows:
            path = taken({path.stem: path for path in (self.root / "results").glob("*.csv")}, name, "table in results")
            with open(path, encoding="utf-8", newline="") as file:
                self._rows[name] = list(csv.DictReader(file))
        return self._rows[name]

    def table(self, recipe: str) -> list[Row]:
        """The committed table of a recipe."""
        return self.rows(recipe.replace("/", "-"))

    @cached_property
    def benchmarks(self) -> list[str]:
        """bench-precision ..."""
        return sorted(path.stem for path in (self.root / "results").glob("bench-*.csv"))

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """Of each recipe kept under results/: date, seconds, versions. The quickstart comes first."""
        found = [json.loads(path.read_text("utf-8")) for path in sorted((self.root / "results").glob("*.json"))]
        kept = {record["recipe"]: record for record in found if "recipe" in record}
        return dict(sorted(kept.items(), key=lambda item: (item[0] != "quickstart", item[0])))

    def changed_since(self, recipe: str) -> list[str]:
        """The stages of a kept recipe whose results have changed since it was run; all if it does not say which it had."""
        record, now = self.record(recipe), stage_versions()
        had = record.get("stage_versions", {})
        stages = [*record["seconds"], "report"]
        return [stage for stage in stages if had.get(stage) != now[stage]]

    def has_earlier_gate(self, recipe: str) -> bool:
        """Whether a kept recipe's splits were drawn by another version of the gate than today's; the first did not say."""
        return self.record(recipe).get("gate") != duplicates.VERSION

    def record(self, recipe: str) -> dict[str, Any]:
        return taken(self.records, recipe, "recipe kept in results")

    @cached_property
    def recipes(self) -> dict[str, dict[str, Any]]:
        """All recipes; those outside any folder come first."""
        folder = self.root / "recipes"
        paths = [path for path in folder.rglob("*.toml") if path.name != "reported.toml"]
        names = sorted(
            (path.relative_to(folder).with_suffix("").as_posix() for path in paths), key=lambda n: ("/" in n, n)
        )
        return {name: self.toml(f"recipes/{name}.toml") for name in names}

    @cached_property
    def assumptions(self) -> dict[str, Any]:
        return self.toml("docs/assumptions.toml")

    def toml(self, path: str) -> dict[str, Any]:
        return tomllib.loads((self.root / path).read_text("utf-8"))
