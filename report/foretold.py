"""What the measures of transferability foretold, as their stage has judged it."""

import pandas as pd

from report.given import ReportInput

FILES = ("transferability.csv", "matrix.csv")


def read(given: ReportInput) -> dict[str, pd.DataFrame]:
    """File name -> table, of the judgement; empty if nothing was measured.

    Args:
        given: the input of the report.
    """
    for _, folder in given.of_kind("transferability/judge"):
        return {name: pd.read_csv(folder / name) for name in FILES if (folder / name).is_file()}
    return {}
