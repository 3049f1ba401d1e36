"""Stage 5, the report: table, statistics, figures and page of a recipe.

    python -m report RECIPE

Reads the predictions, measures and panels of the other stages. Writes `table.csv`, `table.tex`, `report.html`,
`predictions.csv`, `stages.csv`, `summary.txt` and the figures as PNG; they are published in <runs folder>/<recipe name>/.

    options         the keys of [report]
    plan, run       the task, and what it does
    given           what a report is made from
    reported        published numbers
    levels          the unit of counting
    calibration     temperature, reliability, threshold
    arms            the predictions of each arm
    statistics      intervals and tests
    comparison      rows, and how one is compared
    table, explanations, robustness   the rows
    caveats         what a reader must know
    summary, latex, page   the table for the terminal, LaTeX and the browser
    costs           what the runs cost
    figures         the figures by name
"""
