"""Stage 4, explanations: what a decision rests on, how far to trust the map, how robust the network is.

    python -m explain RECIPE

Reads the fine-tuned networks of the first seed (for robustness of every seed), and the fused classifiers that were saved.
A `maps` run writes
`explanations.npz` for one of them (images, maps, scores); a `panel` run draws `panel.png`, which shows all chains side by
side. A `measure` run writes `measures.csv` (one row per image, explanation and measure), a `robustness` run
`corrupted.csv` (the scores of the test images under each corruption). The panels of the page, and the rows of the table on
explanations and robustness, come from these runs.

    options         the keys of [explain]
    plan, run       the stage's tasks, and how one is run
    registry        the explanations and measures by name
    subject         what is explained
    scorers         from images to scores, for a fused classifier
    grad_cam, lime_maps   the explanations
    measures        how far an explanation can be trusted
    robustness      scores under corruptions and a marker
    panel           the maps of all chains side by side
"""
