"""Stage 2, fine-tuning: one network, one target, one fold, one label budget and one seed are one run.

    python -m finetune RECIPE

Reads the target's split and images, and the network that the chain's last step left. Writes `model.keras` (input 0–255,
output `scores`), `predictions.csv` (validation and test images) and `log.csv`. Where the backbone does not change, a
`features` run puts the target's images through it once, and every fold, label budget and seed works on `features.npz`.
Feeds the rows of the table whose method is a strategy.

    plan, run       the tasks, and what one does
    strategies      the strategies by name
    on_features     a head learnt on stored features
    full, off_the_shelf
"""
