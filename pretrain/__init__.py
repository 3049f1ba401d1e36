"""Stage 1, pretraining: what a network learns from a source before it sees the target. Each step of a chain is one run.

    python -m pretrain RECIPE

Reads prepared data sets and, from the second step of a chain on, the network of the previous step. Writes `model.keras`
(the backbone without a head, input 0–255), `log.csv`, which for every objective has a column that shows whether it learns,
and where it has learnt classes their head, `head.npz`. Every row of the table whose chain has at least one step depends on
these runs.

    plan, run       the stage's tasks, and how one is run
    objectives      the objectives by name
    step            a step of a chain, as every objective receives it
    probe           nearest-neighbour accuracy on a target, logged during pretraining
    unlabelled      what the objectives without labels share
    decoder         from feature maps back to an image
    supervised, deeply_supervised, source_labels, simclr, rotation, pseudo_labels, autoencoder, masked, rbm, segmentation
"""
