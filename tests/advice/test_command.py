"""`indomain advise` from a folder to a recipe, and what it refuses with the way out."""

import numpy as np
import pytest
from PIL import Image

from advice import command
from indomain.recipe.recipe import load_recipe


def leave_images(folder, classes=("benign", "malignant"), patients=8, seed=0):
    """Two images a patient; the second class has a bright square."""
    rng = np.random.default_rng(seed)
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for patient in range(patients):
            for view in range(2):
                pixels = rng.integers(0, 120, (40, 40)).astype(np.uint8)
                if number:
                    pixels[10:25, 10:25] = 230
                Image.fromarray(pixels).save(folder / name / f"{name[0]}{patient:02}_{view}.png")


def test_a_folder_becomes_advice_and_a_recipe_and_a_second_call_computes_nothing(indomain, here, few, monkeypatch):
    leave_images(here / "lesions")
    status, out, err = indomain("advise", "lesions")
    assert status == 0, err
    for words in ("32 images of 16 patients: benign 16 (8 patients)", "grey; modality: the files do not say", "AUROC off the shelf",
                  "squeezenet after ImageNet", "takes about 7 minutes here", "is not foretold", "finalists.toml"):  # fmt: skip
        assert words in out, words
    _, recipe, base = load_recipe("advice-lesions/finalists.toml")
    assert recipe.targets["data"].set == "lesions.toml" and (base / "lesions.toml").is_file()
    assert (here / "advice-lesions/advice.txt").read_text().strip() in out
    monkeypatch.setattr("advice.beginnings._computed", lambda *arguments: pytest.fail("features are computed again"))
    monkeypatch.setattr("advice.screening.evaluated", lambda *arguments: pytest.fail("folds are fitted again"))
    status, again, _ = indomain("advise", "lesions")
    assert status == 0 and "as it is. If its assumptions are wrong" in again
    assert out.split("AUROC off the shelf")[1] == again.split("AUROC off the shelf")[1]


def test_a_large_set_is_drawn_from_and_that_is_said(indomain, here, few):
    leave_images(here / "many", patients=12)
    status, out, err = indomain("advise", "many", "--most", "30")
    assert status == 0, err
    assert "drawn at random from 48" in out and "30 images" in out


def test_fewer_patients_make_fewer_folds(indomain, here, few):
    leave_images(here / "rare", patients=5)
    for path in [*(here / "rare/malignant").glob("m0[3-4]*")]:
        path.unlink()
    (here / "rare.toml").write_text(
        'name = "rare"\ntitle = "Rare"\n[read]\nreader = "folder"\nroot = "rare"\noutside = true\n'
        'pattern = "{label}/{patient}_{view}.png"\n'
    )
    status, out, err = indomain("advise", "rare.toml", "--data-dir", here)
    said = f"3 folds instead of {command.FOLDS}: a class has 3 patients"
    assert status == 0 and said in err and "3 folds by patient" in out


@pytest.mark.parametrize(
    ("classes", "patients", "words"),
    [(("only",), 8, r"class"), (("a", "b"), 1, r"class has one patient. Nothing can be learnt")],
)
def test_what_cannot_be_judged_is_refused(indomain, here, few, classes, patients, words):
    import re

    leave_images(here / "set", classes, patients)
    (here / "set.toml").write_text(
        'name = "set"\ntitle = "Set"\n[read]\nreader = "folder"\nroot = "set"\noutside = true\n'
        'pattern = "{label}/{patient}_{view}.png"\n'
    )
    status, _, err = indomain("advise", "set.toml", "--data-dir", here)
    assert status == 2 and re.search(words, err), err


def test_images_without_labels_and_a_request_for_too_few_are_refused(indomain, here, few):
    leave_images(here / "flat", ("x",))
    for path in (here / "flat/x").glob("*.png"):
        path.rename(here / "flat" / path.name)
    (here / "flat/x").rmdir()
    status, _, err = indomain("advise", "flat")
    assert status == 2 and "have no labels" in err
    status, _, err = indomain("advise", "flat", "--most", "5")
    assert status == 2 and "fewer than 20 images tell nothing" in err
