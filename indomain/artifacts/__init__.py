"""Artifacts: the files that stages pass to one another. Each format is written and read in one place.

predictions         `predictions.csv`: one row per image, one score column per class
features            `features.npz`: a network's features of images
source_head         `head.npz`: the head with which a network has learnt the classes of its source
synthetic           `synthetic.npz`: images made from training images, and mixtures with them
fitted_classifier   `classifier.skops`: scikit-learn estimators without pickles
explanations        `explanations.npz`, `measures.csv`, `corrupted.csv`
exported            an exported model: a folder, or one file
record              `DONE`: the record of a finished run
"""
