"""The table in LaTeX (booktabs), one row per target, chain, backbone and method, one column per metric."""

import pandas as pd

COORDINATES = ["profile", "target", "budget", "backbone", "method", "level", "chain"]
_ESCAPED = {
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "–": "--",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
}


def escaped(text: object) -> str:
    """Text of a recipe with LaTeX's special characters escaped, on one line.

    Args:
        text: anything with a string representation.
    """
    # A blank line inside a caption is an error.
    return "".join(_ESCAPED.get(letter, letter) for letter in " ".join(str(text).split()))


def render(table: pd.DataFrame, title: str, notes: list[str]) -> str:
    """A `table` environment: mean and interval of every metric, and the corrected p of the first metric that was tested.

    Args:
        table: rows as in `table.csv`.
        title: first sentence of the caption.
        notes: further sentences of the caption.
    """
    metrics = list(dict.fromkeys(table["metric"]))
    shown = [column for column in COORDINATES if table[column].nunique() > 1 or column == "chain"]
    lines = [
        "% Needs \\usepackage{booktabs}. Written by indomain; do not edit the numbers.",
        "\\begin{table}",
        f"\\caption{{{escaped(title)}. Mean [95\\,\\% interval]; $p$: Holm-corrected. {escaped(' '.join(notes))}}}",
        f"\\begin{{tabular}}{{{'l' * len(shown)}{'r' * len(metrics)}r}}",
        "\\toprule",
        " & ".join([*map(escaped, shown), *map(escaped, metrics), "$p$"]) + r" \\",
        "\\midrule",
    ]
    for _, part in table.groupby(COORDINATES, sort=False, dropna=False):
        cells = [escaped(part[column].iloc[0]) for column in shown]
        by_metric = part.set_index("metric")
        for name in metrics:
            has_value = name in by_metric.index and pd.notna(by_metric.loc[name, "mean"])
            cells.append(_cell(by_metric.loc[name]) if has_value else "--")
        p = part["p_value"].dropna()
        cells.append(f"{p.iloc[0]:.3f}" if len(p) else "--")
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", "\\end{table}", ""])


def _cell(row: pd.Series) -> str:
    return f"{row['mean']:.3f} [{row['ci_low']:.3f}, {row['ci_high']:.3f}]"
