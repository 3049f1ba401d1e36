"""Files that want to do harm: weights with code inside, archives that climb out, images that burst, names with markup."""

import json
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import keras
import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import ValidationError

from indomain.data.images import decoding
from indomain.data.manifest import Manifest
from indomain.data.preparing import prepare
from indomain.errors import RequestError
from indomain.networks import architecture, weights
from indomain.networks.backbones import squeezenet
from indomain.recipe.recipe import load_recipe
from indomain.runs.stages import STAGES
from report import latex, summary
from report.figures import intervals, style
from report.table import COLUMNS
from tests.report.made import report_input
from tests.small import SMALL, same, values_of

ROOT = Path(__file__).resolve().parents[2]


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
    backbone = architecture.backbone(SMALL)
    with pytest.raises(RequestError):
        weights.start(backbone, SMALL, str(tmp_path / "evil.keras"), 0)
    assert not trace.exists()


def test_a_class_named_in_a_model_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "evil_module.py").write_text("open('imported', 'w').close()\nclass Evil: pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    weights.save(architecture.backbone(SMALL), tmp_path / "good.keras")
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
    weights.save(architecture.backbone(SMALL), place / "model.keras")
    before = values_of(architecture.backbone(SMALL))
    with zipfile.ZipFile(place / "model.keras", "a") as archive:
        for name in ("../climbed.txt", "assets/../../climbed.txt", str(tmp_path / "climbed.txt")):
            archive.writestr(name, "x")
    try:
        loaded = weights.load(place / "model.keras")
        assert same(before, values_of(loaded))
    except (RequestError, ValueError, OSError):
        pass  # refused as a whole: as good
    assert not list(tmp_path.rglob("climbed*"))


def test_pickled_weights_are_checked_before_they_are_unpickled(tmp_path, monkeypatch):
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
    unsafe = re.compile(r"pickle\.load|allow_pickle=True|safe_mode=False|joblib\.(load|Memory)")
    files = [path for room in ("indomain", *STAGES) for path in (ROOT / room).rglob("*.py")]
    assert len(files) > 100
    found = {path.relative_to(ROOT).as_posix() for path in files if unsafe.search(path.read_text(encoding="utf-8"))}
    assert found <= {"indomain/networks/backbones/squeezenet.py"}


def bomb(path, side):
    """A PNG of a few kilobytes that unpacks to side × side pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row = zlib.compressobj(9)
    packed = b"".join(row.compress(bytes(1 + side // 8)) for _ in range(side)) + row.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


def test_an_image_that_bursts_is_refused_before_it_does(tmp_path):
    bomb(tmp_path / "bomb.png", 16_000)
    assert (tmp_path / "bomb.png").stat().st_size < 100_000
    program = (
        "import sys; from pathlib import Path\n"
        "from indomain.data.images import decoding; from indomain.runs import memory\n"
        "memory.reset_peak_memory()\n"
        "try: decoding.read(Path(sys.argv[1]))\n"
        "except decoding.UnreadableImage as error: print(error)\n"
        "print(memory.peak_memory_mb())"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "bomb.png"], capture_output=True, text=True)
    reason, memory = done.stdout.splitlines()
    assert "256,000,000 pixels; at most 200,000,000" in reason and float(memory) < 200


def test_an_image_that_bursts_beyond_the_decoders_own_limit_is_refused(tmp_path):
    bomb(tmp_path / "greater.png", 40_000)
    with pytest.raises(decoding.UnreadableImage):
        decoding.read(tmp_path / "greater.png")


def test_a_dicom_that_bursts_is_refused(tmp_path):
    import pydicom

    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    file = pydicom.dataset.FileDataset(str(tmp_path / "x.dcm"), {}, file_meta=meta, preamble=b"\0" * 128)
    file.Rows, file.Columns, file.NumberOfFrames, file.SamplesPerPixel = 4, 4, 60_000_000, 1
    file.PhotometricInterpretation, file.PixelRepresentation = "MONOCHROME2", 0
    file.BitsAllocated = file.BitsStored = 16
    file.HighBit, file.PixelData = 15, bytes(32)
    file.save_as(tmp_path / "x.dcm")
    with pytest.raises(decoding.UnreadableImage, match="960,000,000 pixels"):
        decoding.frames(tmp_path / "x.dcm", "all")
    # The first of them would be small, but the file is too short for what it claims.
    with pytest.raises(decoding.UnreadableImage, match="less than expected"):
        decoding.read(tmp_path / "x.dcm")


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

    def prepared(more):
        asked = {"name": "x", "title": "x", "read": {**json.loads(text), **more}}
        return prepare(Manifest.model_validate(asked), data, tmp_path / "cache", (8, 8), quiet=True)

    with pytest.raises(RequestError, match="outside the data folder"):
        prepared({})
    if read["reader"] != "csv" or "images" in read["tables"][0]:
        assert prepared({"outside": True}).info["images"] >= 1


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "x\n", "a" * 100])
def test_a_name_cannot_lead_elsewhere(name, here, small_recipe):
    with pytest.raises(ValidationError):
        Manifest.model_validate({"name": name, "title": "x", "read": {"reader": "phantom"}})
    text = small_recipe.read_text().replace("targets.wrist", f"targets.{json.dumps(name)}")
    small_recipe.write_text(text)
    with pytest.raises(RequestError):
        load_recipe("tiny.toml")


EVIL = "<script>alert(1)</script>\\input{/etc/passwd} $x^2_ [bold]&%#~"


@pytest.fixture(scope="module")
def evil_table():
    row = {"profile": "strict", "target": EVIL, "budget": "all labels", "backbone": "squeezenet", "method": "full"}
    row |= {"metric": "auroc", "ci_low": 0.4, "ci_high": 0.9, "n_runs": 1, "difference": 0.1, "p_value": 0.5}
    rows = [{**row, "chain": chain, "mean": 0.7, "level": "image"} for chain in (EVIL, "plain\n\nchain")]
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def test_names_are_text_in_latex(evil_table):
    text = latex.render(evil_table, EVIL + "\n\nsecond", [EVIL])
    assert "\\input{" not in text and "\\textbackslash{}input\\{" in text
    body = re.sub(
        r"\\(textbackslash|textasciitilde|textasciicircum|caption|begin|end|toprule|midrule|bottomrule)\b", "", text
    )
    unescaped = re.findall(r"(?<!\\)[&%#_$]", body.replace("$-$", "").replace("% Needs", "").replace(" & ", ""))
    assert not unescaped, unescaped
    assert "\n\n" not in text[text.index("\\caption") : text.index("\\toprule")]


def test_names_are_text_in_the_summary(evil_table):
    given = report_input(recipe={"title": EVIL}, options={"metrics": ["auroc"]})
    assert "[bold]" in summary.render(given, evil_table, [], [])


def test_names_are_text_in_the_figures(evil_table):
    with matplotlib.rc_context({"text.parse_math": False}):
        svg = style.as_svg(intervals.intervals(evil_table, "auroc", EVIL, list(evil_table["chain"])))
    assert "<script>" not in svg and "&lt;script&gt;" in svg


def test_names_are_text_on_the_page(indomain, here, small_recipe):
    label = "<img src=x onerror=alert(1)>"
    folder = here / "data" / "own"
    rng = np.random.default_rng(0)
    for name in (label, "plain"):
        (folder / name).mkdir(parents=True)
        for number in range(24):
            image = rng.integers(0, 256, (32, 32), np.uint8)
            Image.fromarray(image).save(folder / name / f"<b>{number}&.png")
    (here / "own.toml").write_text(
        f'name = "own"\ntitle = {json.dumps("<i>own</i>" + EVIL)}\ncitation = {json.dumps(EVIL)}\n'
        '[read]\nreader = "folder"\nroot = "own"\n'
    )
    (here / "evil.toml").write_text(
        f'title = {json.dumps(EVIL)}\nnotes = {json.dumps(EVIL)}\nsize = 32\nbackbones = ["squeezenet"]\n'
        '[targets.own]\nset = "own.toml"\n[chains]\n'
        f'{json.dumps("<u>" + EVIL)} = ["imagenet"]\nrandom = ["random"]\n'
        '[finetune]\nstrategies = ["off-the-shelf"]\n[explain]\nimages = 2\nsamples = 20\nsegments = 8\n[report]\n'
    )
    status, _, err = indomain("run", "evil.toml", "--data-dir", "data")
    assert status == 0, err
    text = (here / "runs/evil/report.html").read_text()
    assert "<script>alert" not in text and "<img src=x" not in text and "<u>" not in text and "<i>own" not in text
    assert "&lt;script&gt;" in text
