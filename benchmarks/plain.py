"""The quickstart's table as a plain Keras script makes it: row by row, each from its own beginning, nothing kept.

Only the pictures and their split come from `indomain` (and the definitions of the two networks); training, prediction,
features, classifiers and LIME are called as the tutorials of Keras, scikit-learn and lime call them. Intervals, tests,
Grad-CAM and figures are left out, in this script's favour.

    python -m benchmarks.plain FOLDER        prints one line a row and writes FOLDER/plain.csv
"""

import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from lime import lime_image
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from indomain.data.budget import LabelBudget
from indomain.data.split import Split
from indomain.networks import backbones
from indomain.recipe.chain import Arm
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.training import augmentation

CLASSIFIERS = {"linear-svm": lambda: SVC(kernel="linear", probability=True), "random-forest": RandomForestClassifier}


def arrays(split: Split, table: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    part = table[table["split"] == name]
    return split.images(1)(part["row"].to_numpy()).astype(np.float32), part["y"].to_numpy()


def fit(backbone: keras.Model, classes: int, train, val, epochs: int, batch: int) -> keras.Model:
    inputs = keras.Input(backbone.input_shape[1:])
    x = inputs
    for layer in augmentation.basic(1):
        x = layer(x)
    x = keras.layers.Dropout(0.5)(backbone(x))
    model = keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    model.optimizer.learning_rate = 3e-4
    best = keras.callbacks.EarlyStopping(patience=epochs, restore_best_weights=True)
    model.fit(*train, validation_data=val, epochs=epochs, batch_size=batch, callbacks=[best], verbose=0)
    return model


def main(folder: Path) -> None:
    name, recipe, base = load_recipe("quickstart")
    study = Study(name, recipe, base, RunsFolder(folder / "runs"), folder, folder / "cache", quiet=True)
    target, source = study.target("humerus", "strict"), study.source("other-parts", "strict", True)
    others = {split: arrays(source, source.table(0), split) for split in ("train", "val")}

    def network(arm: Arm, seed: int, mine: dict[str, tuple]) -> tuple[keras.Model, keras.Model]:
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        options, chain = arm.backbone, arm.chain
        backbone = backbones.build(options.name, (64, 64, 1), options.width)
        if chain.start == "imagenet":
            backbones.load_imagenet(options.name, backbone)
        if chain.steps:
            fit(backbone, 2, others["train"], others["val"], 10, 32)
        return backbone, fit(backbone, 2, mine["train"], mine["val"], 15, 16)

    found = []

    def add(seed: int, chain: str, what: str, method: str, y: np.ndarray, scores: np.ndarray) -> None:
        row = {"seed": seed, "chain": chain, "backbone": what, "method": method}
        found.append({**row, "auroc": roc_auc_score(y, scores)})
        print(found[-1], flush=True)

    for seed in recipe.seeds:
        rows = LabelBudget(shots=40, draw=seed).rows(target.table(0), 0.25)
        mine = {split: arrays(target, rows, split) for split in ("train", "val", "test")}
        images, y = mine["test"]
        arms = recipe.arms("humerus")
        for arm in arms:
            _, model = network(arm, seed, mine)
            add(seed, arm.chain.name, arm.backbone.label, "full", y, model.predict(images, verbose=0)[:, 1])
            if seed == 0:
                for picture in images[:5]:
                    lime_image.LimeImageExplainer(random_state=0).explain_instance(
                        np.repeat(picture, 3, -1).astype(np.float64),
                        lambda batch, model=model: model.predict(batch[..., :1], verbose=0),
                        num_samples=500,
                    )
        for chain in recipe.chains:
            members = [arm for arm in arms if arm.chain.name == chain]
            for method, make in CLASSIFIERS.items():
                blocks = []
                for arm in members:
                    backbone, _ = network(arm, seed, mine)
                    blocks.append([backbone.predict(mine[split][0], verbose=0) for split in ("train", "val", "test")])
                train, val, test = (np.concatenate(parts, axis=1) for parts in zip(*blocks))
                classifier = make_pipeline(StandardScaler(), make())
                classifier.fit(np.concatenate([train, val]), np.concatenate([mine["train"][1], mine["val"][1]]))
                add(seed, chain, "fused", method, y, classifier.predict_proba(test)[:, 1])
    pd.DataFrame(found).to_csv(folder / "plain.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
