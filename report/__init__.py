"""Stage 6, the report: table, statistics, figures and page of a recipe.

    python -m report RECIPE

Reads the predictions, measures and panels of the other stages. Writes `table.csv`, `table.tex`, `report.html`,
`predictions.csv`, `ranks.csv`, `rank_agreement.csv`, `gains.csv`, `sizes.csv`, `adaptation.csv`, `subgroups.csv`,
`synthesis.csv`, `synthetic_images.csv`, `clinical.csv`, `checklist.csv`, `methods.txt`, `methods.bib`, `stages.csv`,
`summary.txt` and the figures as PNG, which are published in
<runs folder>/<recipe name>/.

    options         the keys of [report]
    plan, run       the stage's task, and how it is run
    given           the input of a report: the recipe, its data and the runs shown
    reported        the registry of published numbers
    levels          the unit of counting: patch, image, study or patient
    calibration     reliability and threshold
    arms            the predictions of each arm
    statistics      parts of an error, intervals and tests
    sample          a metric over the trainings of an arm, and its difference from another arm's
    design          how small a difference a design can see
    comparison      rows of the table, families of comparisons, and verdicts
    table, explanations, robustness   the rows on predictions, explanations and robustness
    bootstrap       means of several rows as they might have been with other patients, folds and seeds
    ranks           which rows are first, and whether that holds
    gains           chains × targets: the gain over networks that learnt from no source
    foretold        what measures of transferability foretold
    answer          what the verdicts say, in sentences
    caveats         what a reader must know
    wide            the papers' kind of table: a row per chain and method, a column per metric
    summary, latex, page   the tables for the terminal, LaTeX and the browser
    costs           time and memory that the runs took
    synthesis       whether synthetic images help
    adaptation      what a target reaches without its labels
    rationale       why each metric stands there, and which mislead
    clinical        predictive values at a stated prevalence
    errors          the most confident errors as pictures
    checklist       CLAIM and TRIPOD+AI: what the run answers, and what its author writes
    methods         a paragraph for the paper, and its references
    subgroups       the first metric by the values of a column, and the gap
    sizes           how large and how fast the networks of each row are
    figures         the figures by name
"""
