"""Stage 5, the report: table, statistics, figures and page of a recipe.

    python -m report RECIPE

Reads the predictions, measures and panels of the other stages. Writes `table.csv`, `table.tex`, `report.html`,
`predictions.csv`, `stages.csv`, `summary.txt` and the figures as PNG, which are published in <runs folder>/<recipe name>/.

    options         the keys of [report]
    plan, run       the stage's task, and how it is run
    given           the input of a report: the recipe, its data and the runs shown
    reported        the registry of published numbers
    levels          the unit of counting: patch, image, study or patient
    calibration     temperature, reliability and threshold
    arms            the predictions of each arm
    statistics      confidence intervals and tests
    comparison      rows of the table, and how a row is compared with the reference chain's
    table, explanations, robustness   the rows on predictions, explanations and robustness
    caveats         what a reader must know
    summary, latex, page   the table for the terminal, LaTeX and the browser
    costs           time and memory that the runs took
    figures         the figures by name
"""
