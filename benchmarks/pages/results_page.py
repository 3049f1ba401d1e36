"""results/README.md: every committed table with its record, what leads in it, its remark and its figures."""

from benchmarks.pages.blocks import bench, results
from benchmarks.pages.comparing import contenders, group_keys, groups, leader, main_rows, named
from benchmarks.pages.house import House
from benchmarks.pages.markdown import markdown
from benchmarks.pages.marks import bare
from benchmarks.pages.values import minutes
from report.comparison import less_is_better


def figures(house: House, recipe: str) -> list[str]:
    """The names of a recipe's figures; one whose name begins like two recipes' belongs to the longer."""
    names = [name.replace("/", "-") for name in house.records]
    owned = {}
    for path in sorted((house.root / "results").glob("*.png")):
        owned[path.name] = max((n for n in names if path.name.startswith(f"{n}-")), key=len, default="")
    return [figure for figure, owner in owned.items() if owner == recipe.replace("/", "-")]


def section(house: House, recipe: str, remark: str) -> str:
    """All of results/README.md that is of one recipe."""
    record, name = house.record(recipe), recipe.replace("/", "-")
    every = house.rows(name)
    rows = main_rows(every, {})
    names = {"python": "Python", "keras": "Keras", "tensorflow": "TensorFlow", "sklearn": "scikit-learn"}
    versions = ", ".join(
        f"{names.get(k, k)} {v}" for k, v in record["versions"].items() if k not in ("numpy", "backend")
    )
    stages = ", ".join(f"{stage} {minutes(house, recipe, stage)}" for stage in record["seconds"])
    parts = [
        f"## {recipe}",
        house.recipes[recipe]["title"],
        f"[Table]({name}.csv), {record['date']}. Images: {rows[0]['data']}. {record['cores']} cores, "
        f"{minutes(house, recipe)} minutes ({stages}), {record['peak_memory_mb'] / 1000:.1f} GB. {versions}.",
        _stale(house, recipe),
        results(house, recipe),
    ]
    has = f" has the {'lowest' if less_is_better(rows[0]['metric']) else 'highest'} mean; "
    varying = [key for key in group_keys(rows) if len({row[key] for row in rows}) > 1]
    said = []
    for group in groups(rows):
        if len(group) == 1 and len(rows) > 1:
            continue
        best, words = leader(group)
        where = ", ".join(group[0][key] for key in varying)
        said.append(f"* {where}{': ' if where else ''}{named(best, contenders(group)) + has if best else ''}{words}")
    for about in ("gains", "foretold", "adaptation", "synthesis"):
        said += [f"* {sentence}" for sentence in record.get("said", {}).get(about, [])]
    parts.append("\n".join(said))
    missing = [row for row in every if row["note"].startswith("not run: ")]
    if missing:
        reasons = dict.fromkeys(
            f"{r['chain']} with {r['backbone']} ({r['note'].removeprefix('not run: ')})" for r in missing
        )
        parts.append(f"Not run: {'; '.join(reasons)}.")
    if remark:
        parts.append(remark)
    images = [
        f"![{figure.removeprefix(f'{name}-').removesuffix('.png')}]({figure})" for figure in figures(house, recipe)
    ]
    if images:
        parts.append(images[0])
    if len(images) > 1:
        parts.append("<details><summary>More figures</summary>\n\n" + "\n\n".join(images[1:]))
        parts.append("</details>")
    return "\n\n".join(filter(None, parts))


def _stale(house: House, recipe: str) -> str:
    """What has changed since a recipe was run; "" if nothing has."""
    changed = house.changed_since(recipe)
    said = [f"**Stale**: the results of {', '.join(changed)} have changed since it was run."] if changed else []
    said += ["Its splits were drawn by an earlier version of the gate."] if house.has_earlier_gate(recipe) else []
    return " ".join(said)


HEAD = """<!-- Written by `python -m benchmarks.pages` from the files beside it; remarks/ holds what is written by hand. -->

# Committed results

Every table was made by a recipe of this repository and is printed from the CSV next to it. A row states the first metric of
the fine-tuned networks: the expected value of the whole procedure on new patients, with its 95 % interval, and the difference
from the reference chain with its interval and verdict. **Stale** tables are those of which a stage's results have changed
since; the oldest have intervals that hold the patients only, so that they are shown with the standard deviation over their
runs, and claim nothing. Minutes are those of all runs together: with `--jobs 2` two of them run at a time. Other metrics,
levels and classifiers, and targets whose images carry a burnt-in marker, are in the CSV.
[How to read a table](../docs/reading-a-table.md) says more.

**Synthetic** images show that the pipeline works, and nothing about patients. **Stand-ins** are real images of 64 pixels with
small budgets: they show the protocol, not the papers' experiments.
"""


def results_page(house: House, remarks: dict[str, str]) -> str:
    """The whole page. remarks: the filled text of each file in results/remarks, by its name without .md."""
    records = house.records
    contents = [
        [
            f"[{recipe}](#{recipe.replace('/', '')})",
            house.recipes[recipe]["title"],
            record["date"],
            "stale" * bool(house.changed_since(recipe)),
        ]
        for recipe, record in records.items()
    ]
    parts = [
        HEAD.strip(),
        markdown(["recipe", "title", "date", ""], contents),
        "Speed and memory: [benchmarks](#benchmarks).",
        bare(remarks.get("provenance", "")),
    ]
    parts += [section(house, recipe, bare(remarks.get(recipe.replace("/", "-"), ""))) for recipe in records]
    parts.append("## Benchmarks")
    parts.append(
        "`make bench` writes these rows. Two things that are compared were run in turn, A B A B, in one process or machine; "
        "*ratio* is the median of the ratios, *limit* what the benchmark promises."
    )
    parts += [f"### {name.removeprefix('bench-')}\n\n{bench(house, name)}" for name in house.benchmarks]
    return "\n\n".join(filter(None, parts)) + "\n"
