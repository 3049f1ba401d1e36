"""Frozen ImageNet networks by a plain script, beside the rows of `mini/baselines` as they are committed.

The script uses nothing of this package but the networks: images enlarged by bicubic interpolation, five stratified folds that
keep patients together, standardised features, a logistic regression with C = 0.01. On the recipe's own folds, from which the
gate has removed training images that are near copies of test images, a row of the package must be no more than one standard
error below the script: the SD of the script's folds, by the root of their number. What the script gets on folds of its own is
what copies on both sides are worth, and other folds. Reads the stand-ins under INDOMAIN_DATA and results/mini-baselines.csv.
"""

import csv
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.ratios import RESULTS, write
from indomain.networks import backbones
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder

DATA = Path(os.environ.get("INDOMAIN_DATA", "../shared/data"))
NETWORKS = {"squeezenet": 128, "efficientnet-lite0": 224, "efficientnet-lite2": 224}


def targets() -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Name, images, whether positive, and patients (images where patients are unknown) of each target."""
    for name, file, part, positive, left_out in (
        ("ph2", "ph2", "", ["melanoma"], []),
        ("covid-ct", "covid_ct", "", ["covid"], []),
        ("wounds", "azh_wounds", "", ["diabetic"], ["normal_skin", "background"]),
        ("knee", "knee_kl", "train_", ["KL2_minimal", "KL3_moderate", "KL4_severe"], ["KL1_doubtful"]),
        ("colon", "glas_tiles", "train_", ["malignant"], []),
    ):
        with np.load(DATA / f"{file}.npz") as archive:
            names = archive["class_names"][archive[f"{part}labels"]]
            images = archive[f"{part}images"]
            groups = archive[f"{part}groups"] if f"{part}groups" in archive.files else np.arange(len(names))
        kept = np.flatnonzero(~np.isin(names, left_out))
        if name == "knee":
            kept = kept[np.random.RandomState(0).permutation(len(kept))[:800]]
        images = images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)
        yield name, images[kept], np.isin(names[kept], positive), groups[kept]


def features(network: str, images: np.ndarray) -> np.ndarray:
    side = NETWORKS[network]
    model = backbones.build(network, (side, side, 3))
    backbones.load_imagenet(network, model)
    enlarged = [Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC) for image in images]
    return model.predict(np.stack([np.asarray(image, np.float32) for image in enlarged]), batch_size=64, verbose=0)


def own_folds(y: np.ndarray, groups: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(StratifiedGroupKFold(5, shuffle=True, random_state=0).split(y, y, groups))


def recipe() -> Study:
    name, loaded, base = load_recipe("mini/baselines")
    folder = Path(tempfile.mkdtemp())
    return Study(name, loaded, base, RunsFolder(folder / "runs"), DATA, folder / "cache", quiet=True)


def recipes_folds(table: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    """The places of the images learnt from and tested in each fold, among `rows`."""
    rows = np.unique(table["row"])
    parts = {fold: part.set_index("row")["split"].reindex(rows) for fold, part in table.groupby("fold")}
    return [(np.flatnonzero(part.isin(["train", "val"])), np.flatnonzero(part == "test")) for part in parts.values()]


def aurocs(X: np.ndarray, y: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    found = []
    for learnt, tested in folds:
        regression = LogisticRegression(C=0.01, class_weight="balanced", max_iter=5000)
        fitted = make_pipeline(StandardScaler(), regression).fit(X[learnt], y[learnt])
        found.append(roc_auc_score(y[tested], fitted.predict_proba(X[tested])[:, 1]))
    return np.array(found)


def committed() -> dict[tuple[str, str], float]:
    """(target, backbone) -> the AUROC of the package's frozen networks."""
    with open(RESULTS / "mini-baselines.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["chain"] == "imagenet-frozen" and row["metric"] == "auroc"]
    return {(row["target"], row["backbone"]): float(row["mean"]) for row in rows}


def main() -> None:
    ours, rows = committed(), []
    study = recipe()
    for name, images, y, groups in targets():
        split = study.target(name, "strict")
        table = split.every_fold()
        members = np.unique(table["row"])
        same_y = table.drop_duplicates("row").set_index("row")["y"].loc[members].to_numpy()
        blocks = {network: features(network, images) for network in NETWORKS}
        same = {network: features(network, split.images(3)(members)) for network in NETWORKS}
        for network in [*NETWORKS, "fused"]:
            X, same_X = (
                np.concatenate(list(known.values()), axis=1) if network == "fused" else known[network]
                for known in (blocks, same)
            )
            found = aurocs(X, y, own_folds(y, groups))
            same_folds = aurocs(same_X, same_y, recipes_folds(table))
            label = "fused" if network == "fused" else f"{network}-{NETWORKS[network]}px"
            package = next(
                value
                for (target, backbone), value in ours.items()
                if target == name and (backbone == label or ("+" in backbone and network == "fused"))
            )
            error = same_folds.std(ddof=1) / np.sqrt(len(same_folds))
            rows.append(
                {"target": name, "images": len(y), "network": label,
                 "script": round(float(found.mean()), 3), "script_sd": round(float(found.std(ddof=1)), 3),
                 "script_same_folds": round(float(same_folds.mean()), 3),
                 "same_folds_sd": round(float(same_folds.std(ddof=1)), 3),
                 "package": round(package, 3),
                 "standard_errors": round(float((package - same_folds.mean()) / error), 2), "limit": -1}
            )  # fmt: skip
            print(rows[-1], flush=True)
    write("baselines", rows)


if __name__ == "__main__":
    main()
