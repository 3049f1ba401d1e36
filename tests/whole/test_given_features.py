"""Features that are computed elsewhere, from the exported images to the table; and keras-hub's script of the docs."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.indomain.networks.backbones.test_vit import checkpoint, config, write

SCRIPTS = Path(__file__).parents[2] / "docs/features"
RECIPE = """
title = "Given"
size = 32
seeds = [0, 1]
backbones = [{ name = "dcnn-light", width = 0.125 }]
drop_leaks = true
[baseline]
backbones = []
[targets.wrist]
set = "small.toml:wrist"
split = { scheme = "official", validation = 0.25 }
[chains]
random = ["random"]
given = ["features:given.npz"]
[finetune]
epochs = 1
[fusion]
classifiers = ["lda"]
groups = { both = ["random/*", "given/*"] }
save = ["lda"]
[explain]
images = 1
methods = ["lime"]
samples = 10
robustness = { corruptions = ["blur"], severities = [3] }
[report]
metrics = ["auroc"]
"""
CARD = {"model": "means", "revision": "1", "licence": "MIT", "input": "as it is", "trained_on": ["small"]}


@pytest.fixture
def exported(indomain, small_manifest, here):
    """The exported images of the wrist, and their table."""
    status, out, err = indomain("data", "export", "small.toml:wrist", "--size", "32", "--output", "out")
    assert status == 0 and "images and images.csv" in out, err
    return here / "out", pd.read_csv(here / "out/images.csv", dtype=str)


def write_features(path, folder, index, by="id"):
    pixels = [np.asarray(Image.open(folder / name), np.float32) for name in index["file"]]
    features = np.stack([[image.mean(), image.std(), image[:16].mean()] for image in pixels])
    names = {"sha256": index["sha256"].to_numpy(str)}
    if by == "id":
        names = {"ids": index["id"].to_numpy(str), "set": index["set"].to_numpy(str)}
    np.savez(path, features=features, **names, card=json.dumps(CARD))


def test_a_features_file_goes_off_the_shelf_and_through_fusion(indomain, exported, here):
    write_features(here / "given.npz", *exported)
    (here / "given.toml").write_text(RECIPE)
    status, out, err = indomain("run", "given.toml")
    assert status == 0, err
    table = pd.read_csv(here / "runs/given/table.csv", keep_default_na=False)
    methods = table[table["metric"] == "auroc"].groupby("chain")["method"].agg(set)
    assert methods["given"] == {"off-the-shelf", "off-the-shelf features: lda"}
    assert methods["both"] == {"full and off-the-shelf fusion: lda"}
    assert set(table[table["chain"] == "given"]["backbone"]) == {"given"}
    page = (here / "runs/given/report.html").read_text()
    assert "features of means, revision 1; no network: no explanations" in page and "wrist: yes: small" in page
    # What needs a network is left out, and the rest of the recipe has it.
    explained = list((here / "runs/work").glob("explain-*/task.json"))
    chains = {json.loads(path.read_text())["tags"].get("chain") for path in explained}
    assert "random" in chains and not chains & {"given", "both"}
    done = {path.parent for path in (here / "runs/work").glob("*/DONE")}
    assert indomain("run", "given.toml")[0] == 0
    assert {path.parent for path in (here / "runs/work").glob("*/DONE")} == done


def test_features_by_pixels_give_the_same_row_as_by_id(indomain, exported, here):
    rows = []
    for by in ("id", "sha256"):
        write_features(here / "given.npz", *exported, by=by)
        (here / "given.toml").write_text(
            RECIPE.replace('{ name = "dcnn-light", width = 0.125 }', "").replace('random = ["random"]', "")
        )
        words = ["fusion.groups={}", "explain.images=0", "explain.robustness.corruptions=[]"]
        status, _, err = indomain("run", "given.toml", *[word for setting in words for word in ("--set", setting)])
        assert status == 0, err
        rows.append(pd.read_csv(here / "runs/given/table.csv")["mean"].tolist())
    assert rows[0] == rows[1]


def test_a_features_file_that_does_not_fit_stops_before_any_work(indomain, exported, here):
    folder, index = exported
    write_features(here / "given.npz", folder, index.iloc[1:])
    (here / "given.toml").write_text(RECIPE)
    status, _, err = indomain("run", "given.toml")
    assert status == 2 and "given.npz has no features of 1 of the" in err
    assert not list((here / "runs").glob("work/*/DONE"))


def test_the_script_for_keras_hub_writes_a_features_file(monkeypatch, exported, here, tmp_path):
    from indomain.data.features_file import FeaturesFile

    write(tmp_path / "preset/model.safetensors", checkpoint(True, 14, 4))
    (tmp_path / "preset/config.json").write_text(json.dumps(config(True, 14, 56)))
    script = str(SCRIPTS / "from_keras_hub.py")
    monkeypatch.setattr(sys, "argv", [script, str(exported[0]), str(tmp_path / "preset"), str(here / "f.npz")])
    runpy.run_path(script, run_name="__main__")
    given = FeaturesFile.read(here / "f.npz")
    assert given.features.shape == (len(exported[1]), 32) and list(given.names) == [
        f"small\t{name}" for name in exported[1]["id"]
    ]
    assert given.features.std(axis=0).min() > 0


def test_every_script_of_the_docs_is_python_and_fills_in_the_whole_card():
    for path in SCRIPTS.glob("*.py"):
        text = path.read_text()
        compile(text, str(path), "exec")
        assert all(f'"{key}"' in text for key in ("model", "revision", "licence", "input", "trained_on"))
