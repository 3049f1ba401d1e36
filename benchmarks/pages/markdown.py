"""Markdown tables and rounded numbers."""

import math


def markdown(head: list[str], lines: list[list[str]]) -> str:
    cells = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in cells)


def about(value: float, digits: int = 2) -> str:
    """Rounded to so many digits that count, with commas: 54545 is 55,000."""
    rounded = round(value, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0.0
    return f"{rounded:,.0f}" if rounded >= 10 ** (digits - 1) else f"{rounded:g}"
