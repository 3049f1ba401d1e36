"""Files that want to do harm: weights with code inside, archives that climb out, pictures that burst, names with markup."""

import json
import os
import re
import struct
import subprocess
import sys
import zipfile
import zlib

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from indomain.data.images import decoding
from indomain.data.manifest import Manifest
from indomain.errors import RequestError
from indomain.networks import architecture, weights
from report import figures, latex, page

SPEC = {"name": "dcnn-light", "shape": [16, 16, 1], "width": 0.125}


def with_code(path):
    """A .keras file whose loading would make a file, if its code ran."""
    trace = path.with_suffix(".trace")
    inputs = keras.layers.Input((16, 16, 1))
    x = keras.layers.Lambda(lambda x: x, output_shape=(16, 16, 1))(inputs)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    model.get_layer(index=1).function = eval(f"lambda x: (open({str(trace)!r}, 'w').close(), x)[1]")
    model.save(path)
    return trace


def test_code_in_a_model_is_not_run(tmp_path):
    trace = with_code(tmp_path / "evil.keras")
    with pytest.raises((RequestError, ValueError), match=r"(?i)lambda|safe_mode|unsafe"):
        weights.load(tmp_path / "evil.keras")
    backbone = architecture.backbone(SPEC)
    with pytest.raises(RequestError):
        weights.start(backbone, SPEC, str(tmp_path / "evil.keras"), 0)
    assert not trace.exists()


def test_a_class_named_in_a_model_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "evil_module.py").write_text("open('imported', 'w').close()\nclass Evil: pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    weights.save(architecture.backbone(SPEC), tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1] |= {"module": "evil_module", "class_name": "Evil", "registered_name": None}
    with zipfile.ZipFile(tmp_path / "evil.keras", "w") as archive:
        for name, content in {**parts, "config.json": json.dumps(config).encode()}.items():
            archive.writestr(name, content)
    with pytest.raises((RequestError, ValueError, TypeError)):
        weights.load(tmp_path / "evil.keras")
    assert not (tmp_path / "imported").exists()


def test_an_archive_cannot_write_outside_its_folder(tmp_path):
    place = tmp_path / "inner"
    place.mkdir()
    weights.save(architecture.backbone(SPEC), place / "model.keras")
    before = [np.array(weight) for weight in architecture.backbone(SPEC).weights]
    with zipfile.ZipFile(place / "model.keras", "a") as archive:
        for name in ("../climbed.txt", "assets/../../climbed.txt", str(tmp_path / "climbed.txt")):
            archive.writestr(name, "x")
    try:
        loaded = weights.load(place / "model.keras")
        assert all(np.array_equal(a, np.array(b)) for a, b in zip(before, loaded.weights))
    except (RequestError, ValueError, OSError):
        pass  # refused as a whole: as good
    assert not list(tmp_path.rglob("climbed*"))


def test_pickled_weights_are_checked_before_they_are_unpickled(tmp_path, monkeypatch):
    import pickle

    from indomain.networks.backbones import squeezenet

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    (tmp_path / "squeezenet_weights.pkl").write_bytes(pickle.dumps(Evil()))
    with pytest.raises((RequestError, pickle.UnpicklingError)):
        squeezenet.read_weights(tmp_path / "squeezenet_weights.pkl")
    with pytest.raises(pickle.UnpicklingError):
        squeezenet._ArraysOnly(open(tmp_path / "squeezenet_weights.pkl", "rb")).load()  # noqa: SIM115
    assert not (tmp_path / "ran").exists()


def test_nothing_else_unpickles():
    # The one place is `backbones/squeezenet.py`, whose file is checked first.
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = subprocess.run(
        ["grep", "-rlE", r"pickle\.load|allow_pickle=True|safe_mode=False|joblib\.(load|Memory)", "--include=*.py"]
        + [os.path.join(root, room) for room in ("indomain", "pretrain", "finetune", "fusion", "explain", "report")],
        capture_output=True,
        text=True,
    ).stdout.split()
    assert all(path.endswith("backbones/squeezenet.py") for path in found), found


def bomb(path, side):
    """A PNG of a few kilobytes that unpacks to side × side pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row = zlib.compressobj(9)
    packed = b"".join(row.compress(bytes(1 + side // 8)) for _ in range(side)) + row.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


def test_a_picture_that_bursts_is_refused(tmp_path):
    bomb(tmp_path / "bomb.png", 16_000)
    assert (tmp_path / "bomb.png").stat().st_size < 100_000
    program = (
        "import sys; from pathlib import Path; from indomain import images, runs\n"
        "runs.reset_peak_memory()\n"
        "try: images.read(Path(sys.argv[1]))\n"
        "except images.UnreadableImage as error: print(error)\n"
        "print(runs.peak_memory_mb())"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "bomb.png"], capture_output=True, text=True)
    reason, memory = done.stdout.splitlines()
    assert "256,000,000 pixels; at most 200,000,000" in reason and float(memory) < 200
    bomb(tmp_path / "greater.png", 40_000)
    with pytest.raises(decoding.UnreadableImage):
        decoding.read(tmp_path / "greater.png")


def test_a_dicom_that_bursts_is_refused(tmp_path):
    from test_images import write_dicom

    path = write_dicom(tmp_path / "x.dcm", np.zeros((4, 4), np.uint16), Rows=4, NumberOfFrames=60_000_000)
    with pytest.raises(decoding.UnreadableImage, match="960,000,000 pixels"):
        decoding.read(path)


@pytest.mark.parametrize(
    "read",
    [
        {"reader": "folder", "root": "../secret"},
        {"reader": "folder", "root": "{absolute}"},
        {"reader": "npz", "file": "../secret/x.npz"},
        {"reader": "csv", "root": ".", "tables": [{"file": "../secret/t.csv"}]},
        {"reader": "csv", "root": ".", "tables": [{"file": "t.csv", "images": "../secret/{image}.png"}]},
        {"reader": "csv", "root": ".", "tables": [{"file": "t.csv", "images": "{climbs}"}]},
    ],
)
def test_a_manifest_stays_in_the_data_folder(tmp_path, read):
    data, secret = tmp_path / "data", tmp_path / "secret" / "a"
    for folder in (data, secret):
        folder.mkdir(parents=True)
    Image.new("L", (8, 8)).save(secret / "x.png")
    (data / "t.csv").write_text(f"image,climbs\na/x,{secret}/x.png\n")
    (secret.parent / "t.csv").write_text("image\nx\n")
    np.savez(secret.parent / "x.npz", images=np.zeros((1, 8, 8), np.uint8))
    text = json.dumps(read).replace("{absolute}", str(secret.parent))

    def prepare(more):
        asked = {"name": "x", "title": "x", "read": {**json.loads(text), **more}}
        manifest = Manifest.model_validate(asked)
        return prepare(manifest, data, tmp_path / "cache", (8, 8), quiet=True)

    with pytest.raises(RequestError, match="outside the data folder"):
        prepare({})
    if read["reader"] != "csv" or "images" in read["tables"][0]:
        assert prepare({"outside": True}).facts["images"] >= 1


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "x\n", "a" * 100])
def test_a_name_cannot_lead_elsewhere(name, here, small_recipe):
    from pydantic import ValidationError

    with pytest.raises(ValidationError):
        Manifest.model_validate({"name": name, "title": "x", "read": {"reader": "phantom"}})
    from indomain.recipe.recipe import load_recipe

    text = small_recipe.read_text().replace("targets.wrist", f"targets.{json.dumps(name)}")
    small_recipe.write_text(text)
    with pytest.raises(RequestError):
        load_recipe("tiny.toml")


EVIL = "<script>alert(1)</script>\\input{/etc/passwd} $x^2_ [bold]&%#~"


@pytest.fixture(scope="module")
def evil_table():
    row = {"profile": "strict", "target": EVIL, "budget": "all labels", "backbone": "squeezenet", "method": "full"}
    row |= {"metric": "auroc", "ci_low": 0.4, "ci_high": 0.9, "n_runs": 1, "difference": 0.1, "p_value": 0.5}
    return pd.DataFrame(
        [{**row, "chain": chain, "mean": 0.7, "note": "", "level": "image"} for chain in (EVIL, "plain\n\nchain")]
    )


def test_names_are_text_in_latex(evil_table):
    text = latex.render(evil_table, EVIL + "\n\nsecond", [EVIL])
    assert "\\input{" not in text and "\\textbackslash{}input\\{" in text
    body = re.sub(
        r"\\(textbackslash|textasciitilde|textasciicircum|caption|begin|end|toprule|midrule|bottomrule)\b", "", text
    )
    unescaped = re.findall(r"(?<!\\)[&%#_$]", body.replace("$p$", "").replace("% Needs", "").replace(" & ", ""))
    assert not unescaped, unescaped
    assert "\n\n" not in text[text.index("\\caption") : text.index("\\begin{tabular}")]


def test_names_are_text_in_the_summary_and_the_figures(evil_table):
    import matplotlib

    params = {"options": {"metrics": ["auroc"]}, "recipe": {"title": EVIL}}
    assert "[bold]" in page.summary(params, evil_table, [])
    with matplotlib.rc_context({"text.parse_math": False}):
        svg = figures.as_svg(figures.intervals(evil_table, "auroc", EVIL, list(evil_table["chain"])))
    assert "<script>" not in svg and "&lt;script&gt;" in svg


def test_names_are_text_on_the_page(indomain, here, small_recipe):
    label = "<img src=x onerror=alert(1)>"
    folder = here / "data" / "own"
    rng = np.random.default_rng(0)
    for name in (label, "plain"):
        (folder / name).mkdir(parents=True)
        for number in range(24):
            picture = rng.integers(0, 256, (32, 32), np.uint8)
            Image.fromarray(picture).save(folder / name / f"<b>{number}&.png")
    (here / "own.toml").write_text(
        f'name = "own"\ntitle = {json.dumps("<i>own</i>" + EVIL)}\ncitation = {json.dumps(EVIL)}\n'
        '[read]\nreader = "folder"\nroot = "own"\n'
    )
    (here / "evil.toml").write_text(
        f'title = {json.dumps(EVIL)}\nnotes = {json.dumps(EVIL)}\nsize = 32\nbackbones = ["squeezenet"]\n'
        '[targets.own]\nset = "own.toml"\n[chains]\n'
        f'{json.dumps("<u>" + EVIL)} = ["imagenet"]\nrandom = ["random"]\n'
        "[finetune]\nepochs = 1\n[explain]\nimages = 2\nsamples = 20\nsegments = 8\n[report]\nsamples = 100\n"
    )
    status, _, err = indomain("run", "evil.toml", "--data-dir", "data")
    assert status == 0, err
    text = (here / "runs/evil/report.html").read_text()
    assert "<script>alert" not in text and "<img src=x" not in text and "<u>" not in text and "<i>own" not in text
    assert "&lt;script&gt;" in text
