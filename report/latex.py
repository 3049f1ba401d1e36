"""The table in LaTeX (array, booktabs, longtable), one row per chain and method, as many metrics abreast as fit a page."""

import pandas as pd

from indomain.metrics import printed
from report.wide import Cell, Line, Wide, wide

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
    "−": "$-$",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "κ": r"$\kappa$",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
}
# Shares of the width of a page; what they leave are the gaps between the columns.
_METRIC, _ALL = 0.155, 0.92
_MARKS = {"better": r"\textsuperscript{+}", "worse": r"\textsuperscript{$-$}"}


def escaped(text: object) -> str:
    """Text of a recipe with LaTeX's special characters escaped, on one line.

    Args:
        text: anything with a string representation.
    """
    # A blank line inside a caption is an error.
    return "".join(_ESCAPED.get(letter, letter) for letter in " ".join(str(text).split()))


def render(table: pd.DataFrame, title: str, notes: list[str]) -> str:
    """The table as one or several `longtable`s, which continue on the next page, with mean and interval of every metric.

    Args:
        table: rows as in `table.csv`, at least one.
        title: first sentence of the caption.
        notes: further sentences of the caption; the answer comes first.
    """
    whole = wide(table)
    abreast = min(max(6 - len(whole.columns), 1), 3)
    parts = [whole.metrics[start : start + abreast] for start in range(0, len(whole.metrics), abreast)]
    lines = [
        "% Needs \\usepackage{array,booktabs,longtable}. Written by indomain; do not edit the numbers.",
        "{\\scriptsize\\setlength{\\tabcolsep}{2pt}",
    ]
    for number, metrics in enumerate(parts):
        caption = f"{escaped(title)}. {escaped(' '.join(notes))} Mean [95\\,\\% interval]; {_LEGEND}"
        lines += _table(
            whole, metrics, caption if number == 0 else f"{escaped(title)}, continued.", continued=number > 0
        )
    return "\n".join([*lines, "}", ""])


_LEGEND = r"\textsuperscript{+}, \textsuperscript{$-$}: better, worse than the reference by the primary comparison."


def _table(whole: Wide, metrics: list[str], caption: str, continued: bool) -> list[str]:
    places = [whole.metrics.index(name) for name in metrics]
    head = " & ".join([*map(escaped, whole.columns), *(escaped(printed(name)) for name in metrics)]) + r" \\"
    width = (_ALL - _METRIC * len(metrics)) / len(whole.columns)
    kinds = rf">{{\raggedright\arraybackslash}}p{{{min(width, 0.25):.3f}\linewidth}}" * len(whole.columns)
    kinds += rf">{{\raggedleft\arraybackslash}}p{{{_METRIC}\linewidth}}" * len(metrics)
    return [
        *["\\addtocounter{table}{-1}"] * continued,
        f"\\begin{{longtable}}{{@{{}}{kinds}@{{}}}}",
        f"\\caption{{{caption}}}\\\\",
        "\\toprule",
        head,
        "\\midrule",
        "\\endfirsthead",
        "\\toprule",
        head,
        "\\midrule",
        "\\endhead",
        *(_line(line, whole.columns, places) for line in whole.lines),
        "\\bottomrule",
        "\\end{longtable}",
    ]


def _line(line: Line, columns: list[str], places: list[int]) -> str:
    # A line may break after a plus; it may after a hyphen anyway.
    words = [escaped(line.coordinates[name]).replace("+", r"+\allowbreak{}") for name in columns]
    if line.note:
        # A note of a row without numbers takes the place of all of them.
        wide = rf"p{{{_METRIC * len(places):.3f}\linewidth}}"
        return " & ".join(words) + rf" & \multicolumn{{{len(places)}}}{{{wide}}}{{{escaped(_short(line.note))}}} \\"
    return " & ".join([*words, *(_cell(line.cells[place]) for place in places)]) + r" \\"


def _short(note: str, most: int = 60) -> str:
    return note if len(note) <= most else note[:most].rsplit(" ", 1)[0] + " …"


def _cell(cell: Cell) -> str:
    if cell.mean is None:
        return "--"
    interval = f"\\linebreak{{}} [{cell.low:.3f}, {cell.high:.3f}]" if cell.low == cell.low else ""
    return f"{cell.mean:.3f}{_MARKS.get(cell.mark, '')}{interval}"
