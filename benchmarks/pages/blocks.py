"""Tables and lists, each a function from the house and its arguments to Markdown."""

import ast
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.pages.arithmetic import works
from benchmarks.pages.comparing import (
    GROUP,
    contenders,
    difference,
    failed,
    group_keys,
    groups,
    holds_training,
    interval,
    leader,
    main_rows,
    named,
    reference_of,
)
from benchmarks.pages.house import House, Row
from benchmarks.pages.markdown import markdown
from benchmarks.pages.values import minutes
from indomain.errors import RequestError

ROOMS = ("data", "networks", "training", "artifacts", "runs", "recipe", "commands")
FOLDERS = {
    "data_manifests/": "The data sets, as TOML: where to get them, how to read them, the counts to expect.",
    "weights/": "Published weights, as TOML: licence, where to get them, how images are brought to them.",
    "recipes/": "The papers, as TOML: one folder per paper, one file per table.",
    "results/": "The tables that were really run, with date, minutes and versions.",
    "docs/": "The manual.",
    "tests/": "Tests that read as claims.",
}


def anchor(recipe: str) -> str:
    return "results/README.md#" + recipe.replace("/", "")


def results(house: House, recipe: str, **where: str) -> str:
    """The table of a recipe; of the columns that name a row those that vary."""
    rows = main_rows(house.table(recipe), where)
    if not rows:
        raise RequestError(f"results/{recipe.replace('/', '-')}.csv: no row has {where}")
    varying = [key for key in GROUP if len({row[key] for row in rows}) > 1]
    lines = []
    for group in groups(rows):
        reference = reference_of(group)
        for row in group:
            explored = row.get("verdict") and row["family"] != "primary"
            said = ["reference"] * (row is reference) + [row.get("verdict", ""), "exploration" * bool(explored)]
            said += [failed(row) if row["mean"] else ""]
            words = (interval(row), difference(row), ", ".join(filter(None, said)))
            lines.append([*(row[key] for key in varying), row["chain"], *words])
    shown = "95 % interval" if holds_training(rows[0]) else "± sd over the runs"
    head = [*varying, "chain", f"{rows[0]['metric']} [{shown}]", "difference [95 % interval]", "verdict"]
    keep = [place for place, _ in enumerate(head) if any(line[place] for line in lines)]
    return markdown([head[place] for place in keep], [[line[place] for place in keep] for line in lines])


def seen(house: House, *recipes: str) -> str:
    """One row per recipe: the chain of the highest mean in its first comparison, and what the verdicts say."""
    lines = []
    for recipe in recipes:
        house.record(recipe)
        rows = main_rows(house.table(recipe), {})
        first = {key: rows[0][key] for key in group_keys(rows) if key != "budget"}
        rows = [row for row in rows if first.items() <= row.items()]
        rows = contenders([row for row in rows if row["budget"] == rows[-1]["budget"]])
        best, said = leader(rows)
        changed = house.changed_since(recipe)
        if changed and not said.startswith("no claim"):
            said = f"no claim: made before the results of {', '.join(changed)} changed"
        reference = reference_of(rows)
        budget = "" if rows[0]["budget"] == "all labels" else f", {rows[0]['budget']}"
        lines.append(
            [
                f"[{recipe}]: {rows[0]['target']}{budget}",
                rows[0]["data"],
                "" if best is None else f"**{named(best, rows)}** {interval(best)}",
                _against(best, reference, rows),
                said,
            ]
        )
    table = markdown(["recipe: target", "images", "highest mean", "reference", "verdict"], lines)
    return table + "\n\n" + "\n".join(f"[{recipe}]: {anchor(recipe)}" for recipe in recipes)


def _against(best: Row | None, reference: Row | None, rows: list[Row]) -> str:
    if reference is None:
        return "none"
    return "itself" if reference is best else f"{named(reference, rows)} {interval(reference)}"


def bench(house: House, name: str) -> str:
    """A benchmark's rows, without the columns that are empty throughout; a summary where there is one."""
    return SUMMARIES[name](house) if name in SUMMARIES else _plain(house.rows(name))


def _plain(rows: list[Row]) -> str:
    heads = [key for key in rows[0] if key not in ("cores", "python") and any(row[key] for row in rows)]
    return markdown(heads, [[row[key] for key in heads] for row in rows])


def recall(house: House, name: str = "duplicates", weights: str = "") -> str:
    """How many copies the gate finds: a row per set and size, a column per change that is missed somewhere."""
    rows = house.rows(f"bench-{name}")
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        if row["what"].startswith("recall, ") and " pixels" not in row["what"]:
            change = row["what"].removeprefix("recall, ")
            found.setdefault((row["set"], row["pixels"]), {})[change] = float(row["value"])
    changes = dict.fromkeys(change for of in found.values() for change in of)
    missed = [change for change in changes if min(of.get(change, 1.0) for of in found.values()) < 0.95]
    lines = [
        [
            *where,
            *(f"{of[change]:.2f}" if change in of else "" for change in missed),
            f"{min(value for change, value in of.items() if change not in missed):.2f}",
        ]
        for where, of in found.items()
    ]
    others = [row for row in rows if not (row["what"].startswith("recall, ") and " pixels" not in row["what"])]
    head = ["set", "pixels", *missed, f"least of {len(changes) - len(missed)} others"]
    return (
        f"Recall of changed copies{weights} ([all](bench-{name}.csv)):\n\n{markdown(head, lines)}\n\n{_plain(others)}"
    )


def errors(house: House) -> str:
    """How often the report errs: a row per kind of design, with its worst cells."""
    kinds = {
        "on another set": "five folds, tested on another set",
        "folds": "five folds",
        "patients,": "8 to 20 patients",
        "labels drawn": "drawn labels",
        "% positive": "5 or 10 % positive",
    }
    groups_of: dict[str, list[Row]] = {}
    for row in house.rows("bench-statistics"):
        kind = next((name for part, name in kinds.items() if part in row["what"]), "one test set of 80 to 1,360 images")
        groups_of.setdefault(kind, []).append(row)
    lines = []
    for kind, rows in groups_of.items():
        values = {key: [float(row[key]) for row in rows] for key in ("type_1", "coverage", "coverage_of_difference")}
        power = [float(row["power_at_0.08"]) for row in rows]
        worst = [max(values["type_1"]), min(values["coverage"]), min(values["coverage_of_difference"])]
        cells = [f"{value:.3f}" for value in worst] + [f"{min(power):.2f} to {max(power):.2f}"]
        lines.append([kind, str(len(rows)), *cells])
    head = ["design", "cells", "highest type-I error at 5 %", "lowest coverage", "lowest coverage of the difference"]
    table = markdown([*head, "power at 0.08"], lines)
    return f"Worst of all cells ([each](bench-statistics.csv); no interval counts as a miss):\n\n{table}"


# Benchmarks of hundreds of rows.
SUMMARIES: dict[str, Callable[[House], str]] = {
    "bench-duplicates": recall,
    "bench-gate_weights": lambda house: recall(
        house,
        "gate_weights",
        ", each set with weights and a threshold fitted to the others; of medical_mnist6, the hands",
    ),
    "bench-statistics": errors,
}


def tree(house: House) -> str:
    """The packages, and the rooms of `indomain`, each with the first sentence of its docstring."""

    def purpose(folder: Path) -> str:
        first = (ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or "").split("\n")[0]
        sentence = re.split(r"(?<=\w)[.;] ", first)[0].removesuffix(".")
        return sentence if sentence.endswith("?") else f"{sentence}."

    def packages(folder: Path) -> list[Path]:
        return sorted(path.parent for path in folder.glob("*/__init__.py") if path.parent.name != "tests")

    lines: list[tuple[str, str]] = []

    def place(package: Path) -> tuple[bool, bool, str]:
        # The docstrings of stages begin with their number.
        return package.name != "indomain", not purpose(package).startswith("Stage"), purpose(package)

    for package in sorted(packages(house.root), key=place):
        lines.append((f"{package.name}/", purpose(package)))
        if package.name == "indomain":
            order = {name: number for number, name in enumerate(ROOMS)}
            rooms = sorted(packages(package), key=lambda path: (order.get(path.name, len(order)), path.name))
            lines += [(f"  {room.name}/", purpose(room)) for room in rooms]
    lines += [(name, said) for name, said in FOLDERS.items() if (house.root / name).is_dir()]
    width = max(len(name) for name, _ in lines) + 2
    return "```text\n" + "\n".join(f"{name:{width}}{said}" for name, said in lines) + "\n```"


def papers(house: House) -> str:
    """One row per folder of recipes; a recipe whose results are committed is a link to them."""
    folders: dict[str, list[str]] = {}
    for name in house.recipes:
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    lines = []
    for folder, names in folders.items():
        links = [
            f"[{n.rpartition('/')[2]}]({anchor(n)})" if n in house.records else n.rpartition("/")[2] for n in names
        ]
        cited = {str(house.recipes[name].get("paper", "")).partition(" (")[0] for name in names} - {""}
        lines.append([f"`recipes/{folder}`", ", ".join(links), "; ".join(sorted(cited))])
    return markdown(["folder", "recipes (a link: run by us)", "paper"], lines)


def recipes(house: House, *beginnings: str) -> str:
    """One row per recipe whose name begins so: its title, the images it was run on, and the minutes."""
    lines = []
    for name, recipe in house.recipes.items():
        if name.startswith(beginnings or ""):
            kept = name in house.records
            images = house.table(name)[0]["data"] if kept else "not run by us"
            lines.append([f"`{name}`", recipe["title"], images, minutes(house, name) if kept else ""])
    return markdown(["recipe", "title", "images", "minutes"], lines)


def reported(house: House, paper: str) -> str:
    """The published numbers of a paper and its neighbours, with what could not be found."""
    entries = house.toml(f"recipes/{paper}/reported.toml").values()
    lines = [[e["task"], e["metric"], e.get("value", "–"), e["mark"], e["source"], e.get("data", "")] for e in entries]
    return markdown(["task", "metric", "value", "mark", "source", "data"], lines)


BLOCKS: dict[str, Callable[..., str]] = {
    "results": results,
    "seen": seen,
    "tree": tree,
    "papers": papers,
    "recipes": recipes,
    "reported": reported,
    "works": works,
}


def known_blocks(house: House) -> dict[str, Callable[..., str]]:
    """BLOCKS, and one for each benchmark."""
    return BLOCKS | {name: partial(bench, name=name) for name in house.benchmarks}
