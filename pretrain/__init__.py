"""Stage 1, pretraining: what a network learns from a source before it meets the target. Each step of a chain is one run.

    python -m pretrain RECIPE

Reads prepared sets and, for a later step, the network of the step before. Writes `model.keras` (the backbone without a
head, input 0–255) and `log.csv`, which holds for every objective a quantity that tells whether it learns. Feeds every row
of the table whose chain has more than its initial weights.

    plan, run       the tasks, and what one does
    objectives      the objectives by name
    step            a step of a chain as an objective gets it
    probe           nearest neighbours on the target while it learns
    unlabelled      what the objectives without labels share
    decoder         from feature maps back to an image
    supervised, source_labels, simclr, rotation, pseudo_labels, autoencoder, masked
"""
