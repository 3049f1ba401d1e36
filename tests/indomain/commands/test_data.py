"""`indomain data`: lists, what a manifest says, and the audit of a set."""

import argparse
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from indomain.commands import data
from indomain.errors import RequestError
from tests.studies import SMALL_STUDY


def test_the_list_says_what_is_there(indomain, here):
    (here / "data" / "MURA-v1.1").mkdir(parents=True)
    _, out, _ = indomain("data", "list", "--data-dir", "data")
    rows = {line.split()[0]: line.split()[1] for line in out.splitlines()}
    assert rows["phantom"] == "generated" and rows["mura"] == "present" and rows["ham10000"] == "absent"


def test_a_set_is_shown_with_where_to_get_it_and_what_is_expected(indomain):
    status, out, _ = indomain("data", "show", "mura/humerus")
    assert status == 0 and "citation:" in out and "licence:" in out and "get:" in out
    assert "expected, test: positive 140, negative 148" in out and "positive: abnormal" in out


def test_augmented_images_are_drawn_as_a_sheet(indomain, here, small_manifest, cache_dir):
    status, out, err = indomain(
        "data", "show", "small.toml:wrist", "--augment", "basic", "--size", "32", "--cache-dir", cache_dir
    )
    assert status == 0, err
    name = out.partition(":")[0]
    with Image.open(here / name) as sheet:
        assert sheet.size[0] > 8 * 32 and sheet.size[1] > 8 * 32


def test_a_set_is_prepared_once(indomain, small_manifest):
    first = indomain("data", "prepare", "small.toml", "--size", "32")
    status, out, _ = indomain("data", "prepare", "small.toml", "--size", "32")
    assert status == 0 and out == first[1] and " 0 unreadable, [32, 32], in " in out


@pytest.mark.parametrize("size", [["4"], ["5000"], ["32", "32", "32"]])
def test_a_size_is_a_side_or_two(indomain, small_manifest, size):
    status, _, err = indomain("data", "prepare", "small.toml", "--size", *size)
    assert status == 2 and "--size takes one number" in err


def test_the_audit_counts_images_patients_and_classes(indomain, here, small_manifest):
    status, out, _ = indomain("data", "check", "small.toml:wrist", "--size", "32")
    assert status == 0
    head, *counts = out.splitlines()
    assert head.startswith("small:wrist: ") or head.startswith("small/wrist: "), head
    assert "16 patients" in head and any("abnormal" in line for line in counts)
    path = next(here.glob("check-*.csv"))
    assert f"All {len(pd.read_csv(path))} findings: {path.name}" in out


def test_a_wrong_size_is_refused_before_anything_is_read(tmp_path):
    options = argparse.Namespace(name="no-such-set", size=[4], data_dir=tmp_path, cache_dir=tmp_path / "cache")
    with pytest.raises(RequestError, match="--size takes one number"):
        data.prepare(options)
    assert list(tmp_path.iterdir()) == []


def test_every_shipped_set_can_be_shown(capsys):
    data.listed(argparse.Namespace(data_dir=Path("none")))
    for line in capsys.readouterr().out.splitlines():
        name, _, title = line.split(maxsplit=2)
        data.show(argparse.Namespace(name=name, augment=None))
        assert capsys.readouterr().out.startswith(f"{name}: {title}\n")


def test_a_set_is_described_with_the_folds_that_a_recipe_draws(indomain, here, small_manifest, cache_dir):
    (here / "study.toml").write_text(SMALL_STUDY)
    command = ("data", "croissant", "small.toml", "--size", "32", "--cache-dir", cache_dir)
    status, out, err = indomain(*command, "--recipe", "study.toml", "--output", "described")
    assert status == 0 and "their folds" in out, err
    images = pd.read_csv(here / "described/images.csv", dtype=str)
    splits = pd.read_csv(here / "described/splits.csv", dtype=str)
    assert set(splits["image"]) <= set(images["id"]) and {"train", "val", "test"} <= set(splits["role"])
    tested = images.set_index("id").loc[splits.loc[splits["role"] == "test", "image"]]
    assert set(tested["split"]) == {"test"} and set(tested["body_part"]) == {"wrist"}
    status, _, err = indomain("data", "croissant", "ph2_64", "--recipe", "study.toml", "--output", "other")
    assert status == 2 and "none of its targets has ph2_64" in err and not (here / "other").exists()
