"""Stage 2, fine-tuning: each run fits one network to one target (fold, label budget, seed).

    python -m finetune RECIPE

Reads the target's split and images, and the network of the chain's last step. Writes `model.keras` (input 0–255, output
`scores`), `predictions.csv` (validation and test images) and `log.csv`. Where the backbone does not change, a `features`
run computes its features of the target's images once, in `features.npz`, and every fold, label budget and seed uses them.
The rows of the table whose method is a strategy come from these runs.

    plan, run       the stage's tasks, and how one is run
    strategies      the strategies by name
    on_features     a head trained on stored features
    tuning          the choice among candidates
    mixtures        what is learnt from where there are synthetic images
    adapting        the plan of networks that learn from other sets' labels
    adaptation      how they learn, aligned with the target's images
    external        networks tested on another set as they are
    full, off_the_shelf, lp_ft, surgical, partial, truncated, slim, deeply_supervised, co_tuning
"""
