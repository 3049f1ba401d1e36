"""Scores of several images brought together, and reported numbers beside ours."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from indomain.errors import RequestError
from report import levels, registry

SCORES = np.array([[0.6, 0.4], [0.6, 0.4], [0.05, 0.95], [0.9, 0.1], [0.3, 0.7]])
UNIT = np.array([0, 0, 0, 1, 1])


def rows(**columns):
    base = {name: [""] * 5 for name in ("study", "patient")}
    base |= {"id": list("abcde"), "image": ["p", "p", "p", "q", "q"], "group": ["g", "g", "g", "h", "h"]}
    return pd.DataFrame({**base, **columns})


def test_the_rules_by_hand():
    np.testing.assert_allclose(levels.combined(UNIT, SCORES, "mean"), [[1.25 / 3, 1.75 / 3], [0.6, 0.4]])
    highest = levels.combined(UNIT, SCORES, "max")
    np.testing.assert_allclose(highest, [[0.6 / 1.55, 0.95 / 1.55], [0.9 / 1.6, 0.7 / 1.6]])
    votes = levels.combined(UNIT, SCORES, "majority")
    # Two of three say the first class; one of two each: the mean decides.
    assert votes[0].argmax() == 0 and votes[1].argmax() == 0
    np.testing.assert_allclose(votes.sum(axis=1), 1)


def test_units_keep_their_order_their_label_and_their_group():
    y = np.array([1, 1, 1, 0, 0])
    found_y, scores, groups, ids = levels.gathered(rows(), y, SCORES, "image", "mean", 1)
    assert found_y.tolist() == [1, 0] and groups.tolist() == ["g", "h"] and ids.tolist() == ["p", "q"]
    assert levels.gathered(rows(), y, SCORES, "patch", "mean", 1)[3].tolist() == list("abcde")
    # Images without a study are studies of their own.
    found = levels.gathered(rows(study=["s", "s", "", "", "t"]), y, SCORES, "study", "mean", 1)
    assert found[3].tolist() == ["s", "c", "d", "t"] and len(found[1]) == 4
    # Studies are numbered within a patient.
    numbered = rows(study=["1", "1", "2", "1", "1"], patient=["m", "m", "m", "n", "n"])
    assert levels.gathered(numbered, y, SCORES, "study", "mean", 1)[3].tolist() == ["m/1", "m/2", "n/1"]


def test_a_patient_is_positive_if_any_image_is():
    patients = rows(patient=["m", "m", "m", "n", "n"])
    y = np.array([0, 1, 0, 0, 0])
    assert levels.gathered(patients, y, SCORES, "patient", "mean", 1)[0].tolist() == [1, 0]
    with pytest.raises(RequestError, match="patient 'm' has images of different classes"):
        levels.gathered(patients, y, SCORES, "patient", "mean", None)
    with pytest.raises(RequestError, match=r"targets.t: patient 'm'"):
        levels.check(patients.assign(y=y), "patient", None, "t")
    levels.check(patients.assign(y=y), "patient", 1, "t")
    with pytest.raises(RequestError, match="the positive class among them"):
        levels.gathered(patients, np.array([0, 2, 0, 1, 1]), np.eye(3)[[0, 1, 2, 0, 1]], "patient", "mean", 1)


def test_every_reported_number_says_where_it_is_from():
    top = Path(__file__).resolve().parent.parent / "recipes"
    for path in sorted(top.rglob("reported.toml")):
        numbers = registry.load(path)
        for name, number in numbers.items():
            assert number.source and (number.value is None or 0 < number.value < 1), name
        assert any(number.value is None for number in numbers.values()), "what is not known is listed, too"
    paper = registry.load(top / "alzubaidi2021/reported.toml")
    abstract = {
        "skin-scratch": 0.8909, "skin-transfer": 0.9853, "breast-scratch": 0.8529, "breast-transfer": 0.9751,
        "foot-scratch": 0.860, "foot-transfer": 0.9625, "foot-double": 0.9925,
    }  # fmt: skip
    assert {name: paper[name].value for name in abstract} == abstract


def test_a_registry_that_is_wrong_is_refused(tmp_path):
    path = tmp_path / "reported.toml"
    path.write_text('[a]\ntask = "t"\nmetric = "f1"\nmark = "V"\nsource = "s"\n')
    with pytest.raises(RequestError, match=r"\[a\].*not found"):
        registry.load(path)
    path.write_text('[a]\ntask = "t"\nmetric = "f1"\nmark = "not found"\nsource = "s"\n')
    numbers = registry.load(path)
    with pytest.raises(RequestError, match="has no value"):
        registry.beside(numbers, {"a": registry.Beside()}, path)
    with pytest.raises(RequestError, match="unknown reported number 'b'"):
        registry.beside(numbers, {"b": registry.Beside()}, path)


def test_a_difference_only_where_data_and_split_are_the_papers(indomain, small_recipe, here):
    number = 'task = "wrist"\nmetric = "{}"\nvalue = {}\nmark = "V"\nsource = "A paper"\n'
    (here / "numbers.toml").write_text("[a]\n" + number.format("auroc", 0.9) + "[b]\n" + number.format("f1", 0.8))
    text = small_recipe.read_text() + 'registry = "numbers.toml"\n[report.beside]\n'
    text += 'a = { chain = "in-domain", method = "full" }\nb = { chain = "imagenet", same = true }\n'
    small_recipe.write_text(text.replace("images = 2", "images = 0").replace('classifiers = ["linear-svm"]', ""))
    status, _, err = indomain("run", "tiny.toml", "--set", "seeds=[0]", "--set", "finetune.epochs=1")
    assert status == 0, err
    table = pd.read_csv(here / "runs/tiny/table.csv")
    given = table[table["reported"].notna()]
    assert set(zip(given["chain"], given["metric"])) == {("in-domain", "auroc"), ("imagenet", "f1")}
    of_paper = given[given["metric"] == "f1"]
    np.testing.assert_allclose(of_paper["minus_reported"], of_paper["mean"] - 0.8, atol=1e-5)
    assert given[given["metric"] == "auroc"]["minus_reported"].isna().all()
    assert (given["reported_source"] == "A paper").all()
    page = (here / "runs/tiny/report.html").read_text()
    assert "What the paper and its neighbours report" in page and "ours − reported" in page
