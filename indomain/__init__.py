"""What the stages share: data sets, recipes, networks, the training loop, runs and the command line.

The stage packages (`pretrain`, `finetune`, `fusion`, `explain`, `report`) import from here; nothing here imports them.
"""

__version__ = "0.1.0"
