"""Artifacts: the files that stages hand to one another; one file per format, written and read in one place.

predictions         `predictions.csv`: one row per image, one score column per class
features            `features.npz`: what a network makes of images
fitted_classifier   `classifier.skops`: scikit-learn estimators without pickles
explanations        `explanations.npz`, `measures.csv`, `corrupted.csv`
record              `DONE`: the record of a finished run
"""
