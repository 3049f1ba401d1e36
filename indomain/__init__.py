"""The library that all stages share. Each package imports only from those listed below it, and none knows a stage.

    commands      the command line
    models        what a recipe has trained, as files, and used on new images
    recipe        a recipe, and the tasks it expands to
    training      how a network learns
    networks      what a network is: backbones, heads, weights, features
    runs          turns a task into a finished folder
    artifacts     the files that stages pass to one another
    data          turns a manifest into a prepared set, and a prepared set into splits
    backend       the only module that imports TensorFlow, JAX or PyTorch
    metrics       metrics of scores
    files, toml   atomic writes, digests and integrity checks; validated TOML
    errors        the errors a user can fix
    progress      progress bars and plain progress lines

The stages (`pretrain`, `finetune`, `fusion`, `explain`, `report`) import from here.
"""

__version__ = "0.1.0"
