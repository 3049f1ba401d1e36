"""What the stages share, in rooms. Each imports only from rooms below it, and none knows a stage.

    commands      the command line
    recipe        a recipe, and its tasks
    training      how a network learns
    networks      what a network is
    runs          a task becomes a finished folder
    artifacts     the files that stages hand to one another
    data          a manifest becomes a prepared set, and that a split
    backend       the only file that imports TensorFlow, JAX or PyTorch
    metrics       metrics of scores
    files, toml   files that appear whole or not at all; checked TOML
    errors, progress

The stages (`pretrain`, `finetune`, `fusion`, `explain`, `report`) import from here.
"""

__version__ = "0.1.0"
