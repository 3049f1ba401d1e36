"""Advice before a recipe: which beginnings could be worth their training, and can the images tell?

    indomain advise FOLDER|SET

Every beginning that is at hand is judged off the shelf, by a logistic regression on its features, in folds by patient that are
drawn several times. Nothing is fine-tuned: which beginning is best afterwards is not foretold. What cannot be told from the best
goes into a recipe of finalists, which is ready to run.

    command       the command
    fingerprint   what the data are
    beginnings    what is at hand, and its features
    screening     scores, differences from the best and verdicts
    finalists     the recipe of those that are left, and what it costs
"""
