"""Stage 1, pretraining: what a network learns from a source before it meets the target. Each step of a chain is one run.

    python -m pretrain RECIPE

Reads prepared sets and, for a later step, the network of the step before. Writes `model.keras` (the backbone without a
head, input 0–255) and `log.csv`, which holds for every objective a quantity that tells whether it learns. Feeds every row
of the table whose chain has more than its initial weights.
"""
