"""Stage 5, the report: table, statistics, figures and page of a recipe.

    python -m report RECIPE

Reads the predictions, measures and panels of the other stages. Writes `table.csv`, `table.tex`, `report.html`,
`predictions.csv`, `stages.csv`, `summary.txt` and the figures as PNG; they are published in <runs folder>/<recipe name>/.
"""
