"""The summary for the terminal: the answer, the first metric of the table, and the caveats."""

import io

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indomain.metrics import printed
from report.comparison import ONE_TRAINING, p_text
from report.given import ReportInput
from report.wide import COORDINATES


def render(given: ReportInput, table: pd.DataFrame, answers: list[str], sentences: list[str]) -> str:
    """The answer and the first metric of the table as text, followed by the caveats.

    Args:
        given: the input of the report.
        table: all rows.
        answers: what the verdicts say.
        sentences: what a reader must know.
    """
    part = table[table["metric"] == given.metric]
    # Names in recipes may contain brackets, which Rich would take for markup.
    shown = Table(title=escape(f"{given.recipe['title']}: {printed(given.metric)}"), title_justify="left")
    columns = [name for name in COORDINATES if part[name].nunique() > 1 or name == "chain"]
    for name in columns:
        shown.add_column(name)
    for name in ("mean", "95 % interval", "runs", "difference", "95 % interval of it", "verdict", "p (Holm)"):
        shown.add_column(name, justify="right")
    for row in part[part["mean"].notna()].to_dict("records"):
        coordinates = [escape(str(row[name])) for name in columns]
        shown.add_row(
            *coordinates,
            f"{row['mean']:.3f}",
            _interval(row["ci_low"], row["ci_high"], ".3f"),
            f"{row['n_runs']:.0f}",
            f"{row['difference']:+.3f}" if pd.notna(row["difference"]) else "",
            _interval(row["difference_low"], row["difference_high"], "+.3f"),
            "" if pd.isna(row["verdict"]) else row["verdict"],
            "" if row["family"] == ONE_TRAINING else p_text(row["p_value"]),
        )
    console = Console(record=True, width=160, file=io.StringIO())
    console.print(shown)
    text = console.export_text()
    absent = part[part["mean"].isna()]
    # Arms that diverged are already in the sentences.
    missing = [f"{row.target}, {row.chain}, {row.note}." for row in absent.itertuples() if "diverged" not in row.note]
    lines = [*(f"{sentence}\n" for sentence in answers), "\n", text]
    return "".join([*lines, *(f"* {sentence}\n" for sentence in [*missing, *sentences])])


def _interval(low: float, high: float, form: str) -> str:
    return f"{low:{form}} – {high:{form}}" if pd.notna(low) else ""
