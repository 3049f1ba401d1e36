"""`indomain new FOLDER`: a manifest and a recipe for a folder of images, ready to run."""

import argparse
import json
from pathlib import Path

from indomain.data import new_manifest, preparing, sizes
from indomain.data.manifest import load_manifest
from indomain.errors import RequestError
from indomain.files import write_text

RECIPE = """# Written by `indomain new`. Every key with its help: indomain recipe --keys
title = {title}
size = {size}
seeds = [0, 1, 2]               # three are the least from which anything can be claimed; five see more
drop_leaks = true               # leaves copies of test images out of training; otherwise they stop the run
backbones = ["squeezenet"]

[targets.own]
set = "{manifest}"
{split}

# What to learn from first: any other set, labelled or not. Which one is like yours, you know.
# [sources.similar]
# set = "isic2017"

[chains]
random = ["random"]
imagenet = ["imagenet"]
# imagenet-similar = ["imagenet", "similar:simclr"]

[finetune]
learning_rate = 3e-4
epochs = 15
batch = 16
augment = "basic"

[fusion]
classifiers = ["linear-svm"]

[explain]
images = 6

[report]
metrics = ["auroc", "balanced_accuracy", "f1"]
"""


def new(options: argparse.Namespace) -> None:
    """Writes `NAME.toml`, the manifest, and `NAME-recipe.toml`, and prints what was assumed."""
    name = new_manifest.name_of(options.folder)
    folder = options.output or Path()
    path, recipe = folder / f"{name}.toml", folder / f"{name}-recipe.toml"
    if recipe.exists():
        raise RequestError(f"{recipe} already exists; name another folder with --output, or remove it.")
    folder.mkdir(parents=True, exist_ok=True)
    new_manifest.write(options.folder, path)
    manifest, _ = load_manifest(str(path))
    records = preparing.list_records(manifest, Path(), None)
    if not manifest.labels.classes:
        print("No recipe: a target needs labels. As a source without labels the manifest serves as it is.")
        return
    official = any(record.split == "test" for record in records)
    split = (
        'split = { scheme = "official", validation = 0.2 }' if official else 'split = { scheme = "kfold", folds = 5 }'
    )
    side = sizes.side_for(sizes.sizes_of(records))
    text = RECIPE.format(
        title=json.dumps(f"{options.folder.stem}: which beginning?", ensure_ascii=False),
        size=side,
        manifest=path.name,
        split=split,
    )
    write_text(recipe, text)
    print(f"{recipe} written. See what it would do: indomain plan {recipe} --prepare")
