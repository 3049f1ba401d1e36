"""The summary for the terminal: the first metric of the table, and the caveats."""

import io

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from report import latex
from report.given import ReportInput


def render(given: ReportInput, table: pd.DataFrame, sentences: list[str]) -> str:
    """The first metric of the table as text, followed by the caveats.

    Args:
        given: the input of the report.
        table: all rows.
        sentences: what a reader must know.
    """
    part = table[table["metric"] == given.metric]
    # Names in recipes may contain brackets, which Rich would take for markup.
    shown = Table(title=escape(f"{given.recipe['title']}: {given.metric}"), title_justify="left")
    columns = [name for name in latex.COORDINATES if part[name].nunique() > 1 or name == "chain"]
    for name in columns:
        shown.add_column(name)
    for name in ("mean", "95 % interval", "runs", "difference", "p (Holm)"):
        shown.add_column(name, justify="right")
    for row in part[part["mean"].notna()].to_dict("records"):
        coordinates = [escape(str(row[name])) for name in columns]
        tested = pd.notna(row["p_value"])
        shown.add_row(
            *coordinates,
            f"{row['mean']:.3f}",
            f"{row['ci_low']:.3f} – {row['ci_high']:.3f}",
            f"{row['n_runs']:.0f}",
            f"{row['difference']:+.3f}" if tested else "",
            f"{row['p_value']:.3f}" if tested else "",
        )
    console = Console(record=True, width=140, file=io.StringIO())
    console.print(shown)
    text = console.export_text()
    absent = part[part["mean"].isna()]
    # Arms that diverged are already in the sentences.
    missing = [f"{row.target}, {row.chain}, {row.note}." for row in absent.itertuples() if "diverged" not in row.note]
    return text + "".join(f"* {sentence}\n" for sentence in [*missing, *sentences])
