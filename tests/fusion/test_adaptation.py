"""Domain adaptation on features: what each method mends, what it does not, and that no label of the target is seen."""

import os
import subprocess
import sys

import numpy as np
import pytest
import sklearn
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from fusion import adaptation
from fusion.adaptation import Adapted, run, scale_of, unadapted
from fusion.registry import ADAPTATIONS
from indomain.artifacts import predictions
from indomain.artifacts.features import write_features
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs.task import Work, find
from tests.fusion.conftest import ADAPTING
from tests.studies import small_study

ALIGNING = ("coral", "linear-ot")


def drawn(count: int, width: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features of unit variance, and classes that a direction through all of them tells."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(count, width))
    return X, (X @ np.ones(width) > 0).astype(int)


def stretched(width: int = 10) -> np.ndarray:
    """A symmetric map (width, width) that turns the direction of the classes and stretches what lies across it."""
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(width, width)))[0]
    return axes @ np.diag(np.geomspace(0.2, 5, width)) @ axes.T


def shifted() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """A source, a target that a linear map has moved, and images of the target to test on."""
    (X, y), (T, ty), (E, ey) = drawn(400, seed=0), drawn(400, seed=1), drawn(400, seed=2)
    return (X, y), (T @ stretched(), ty), (E @ stretched(), ey)


def auroc_of(fitted, X, y):
    return roc_auc_score(y, fitted.predict_proba(X)[:, 1])


@pytest.mark.parametrize("method", ALIGNING)
def test_a_linear_map_is_mended_without_a_label(method):
    (X, y), (T, _), (E, ey) = shifted()
    without = auroc_of(unadapted(X.shape[1]).fit(X, y), E, ey)
    fitted = Adapted(method, 0).fit(X, y, np.ones(400, int), T)
    assert without < 0.85 and auroc_of(fitted, E, ey) > 0.9


def test_class_shares_that_differ_are_not_mended_but_made_worse():
    # Two classes that are far apart; in the target nine of ten images are of one of them.
    rng = np.random.default_rng(0)

    def clinic(share, count):
        y = (np.arange(count) < share * count).astype(int)
        return rng.normal(size=(count, 4)) + 4 * y[:, None] * [1, 0, 0, 0], y

    (X, y), (T, ty) = clinic(0.5, 300), clinic(0.1, 300)
    without = balanced_accuracy_score(ty, unadapted(X.shape[1]).fit(X, y).predict(T))
    for method in ALIGNING:
        fitted = Adapted(method, 0).fit(X, y, np.ones(300, int), T)
        aligned = balanced_accuracy_score(ty, fitted.predict_proba(T).argmax(axis=1))
        assert without > 0.95 and aligned < without - 0.05, method


@pytest.mark.parametrize("method", ["kliep", "domain-classifier"])
def test_weights_go_to_the_sources_images_that_look_like_the_targets(method):
    # The rule of the classes changes sign with the first feature, and the target lies on one side.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2)) * [2.0, 1.0]
    y = (X[:, 1] * np.sign(X[:, 0] - 0.5) > 0).astype(int)
    T = rng.normal(size=(300, 2)) * [0.5, 1.0] + [2.5, 0.0]
    ty = (T[:, 1] > 0).astype(int)
    fitted = Adapted(method, 0).fit(X, y, np.ones(600, int), T)
    assert auroc_of(fitted, T, ty) > auroc_of(unadapted(X.shape[1]).fit(X, y), T, ty) + 0.1


def test_several_sources_are_several_domains():
    (X, y), (T, _), (E, ey) = shifted()
    (X2, y2), domains = drawn(300, seed=5), np.repeat([1, 2], [400, 300])
    fitted = Adapted("coral", 0).fit(np.r_[X, X2 + 3], np.r_[y, y2], domains, T)
    assert auroc_of(fitted, E, ey) > 0.8


@pytest.mark.parametrize("method", ADAPTATIONS)
def test_settings_are_fixed_or_chosen_by_certainty(method):
    (X, y), (T, _), (E, _) = shifted()
    fixed, chosen = (
        Adapted(method, 0, choose).fit(X, y, np.ones(400, int), T) for choose in ("nothing", "prediction-entropy")
    )
    assert fixed.settings == {}
    assert chosen.settings.keys() == ADAPTATIONS[method].grid.keys()

    def certainty(fitted):
        scores = fitted.predict_proba(T)
        return np.sum(scores * np.log(scores + 1e-12), axis=1).mean()

    assert certainty(chosen) >= certainty(fixed) - 1e-9
    assert np.isfinite(chosen.predict_proba(E)).all()


def test_a_feature_that_hardly_varies_in_the_source_does_not_tower_over_the_others():
    # On the source's images half of the features of a network are all but dead; on the target's they are not.
    (X, y), (T, ty) = drawn(400, width=20, seed=0), drawn(400, width=20, seed=1)
    X[:, 10:] *= 0.01
    y = (X[:, :10].sum(axis=1) > 0).astype(int)
    ty = (T[:, :10].sum(axis=1) > 0).astype(int)
    scale = scale_of(X)
    assert auroc_of(unadapted(20).fit(X / scale, y), T / scale, ty) > 0.95
    assert scale_of(1000 * X) == pytest.approx(1000 * scale) and scale_of(np.ones((3, 2))) == 1.0


def test_more_axes_than_images_are_not_asked_for():
    X, y = drawn(12, width=30)
    fitted = Adapted("subspace-alignment", 0).fit(X, y, np.ones(12, int), X[:8] + 1)
    assert fitted.predict_proba(X).shape == (12, 2)


def test_skada_leaves_nothing_behind():
    code = (
        "import os, sys, sklearn\n"
        "from fusion.adaptation import routed\n"
        "with routed() as skada:\n"
        "    assert sklearn.get_config()['enable_metadata_routing']\n"
        "assert not sklearn.get_config()['enable_metadata_routing']\n"
        "assert not any(name.startswith('POT_') for name in os.environ)\n"
        "assert 'tensorflow' not in sys.modules and 'jax' not in sys.modules, 'POT has imported a backend'\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POT_")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert not sklearn.get_config()["enable_metadata_routing"]


def test_without_skada_there_is_one_line_and_no_work(monkeypatch):
    monkeypatch.setattr(adaptation.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match=r"needs skada.*pip install 'indomain-pretraining\[adaptation\]'"):
        adaptation.check()


# Runs: a target "wrist" that learns from the elbows, whose features are made by hand.


@pytest.fixture
def ran(adapting, tmp_path):
    """Runs a row of adaptation on made features; `spoilt` changes the target's labels outside the test part."""

    def of(row, spoilt=False, monkeypatch=None):
        _, tasks = adapting
        task = next(task for task in find(tasks, "fusion", "adapt", fold=0) if task.tags.method.adaptation == row)
        folder = tmp_path / f"{row}{spoilt}"
        folder.mkdir()
        inputs = {"features": [folder / "target"], "sources": [folder / "source"]}
        for name, prefix in (("target", ""), ("source", "source0_")):
            rows = Split.open(task.paths, prefix).rows()
            table = Split.open(task.paths, prefix).every_fold().drop_duplicates("row").set_index("row").loc[rows]
            features = np.random.default_rng(0).normal(size=(len(rows), 6)).astype(np.float32)
            features[:, 0] += 3 * table["y"].to_numpy()
            (folder / name).mkdir()
            write_features(folder / name, rows, features)
        if spoilt:
            whole = Split.table
            monkeypatch.setattr(
                Split,
                "table",
                # The source's labels are true.
                lambda split, fold=0: whole(split, fold).assign(
                    y=lambda table: table["y"].where(
                        (table["split"] == "test") | (split.info.name == "elbow"), 1 - table["y"]
                    )
                ),
            )
        facts = run(Work(task, folder, inputs))
        monkeypatch and monkeypatch.undo()
        return predictions.read(folder / "predictions.csv", task.params["classes"])[1:], facts

    return of


@pytest.mark.parametrize("row", ["source-only", *ADAPTATIONS])
def test_an_adaptation_does_not_see_the_targets_labels(ran, monkeypatch, row):
    (y, scores), facts = ran(row)
    (_, again), _ = ran(row, True, monkeypatch)
    np.testing.assert_array_equal(scores, again)
    assert roc_auc_score(y, scores[:, 1]) > 0.9
    assert sum(facts["source_shares"]) == pytest.approx(1, abs=1e-3) and len(facts["target_shares"]) == 2


def test_the_bound_and_the_oracle_do(ran, monkeypatch):
    (_, scores), _ = ran("target-trained")
    (_, again), _ = ran("target-trained", True, monkeypatch)
    assert np.corrcoef(scores[:, 1], again[:, 1])[0, 1] < 0
    worth = []
    for spoilt in (False, True):
        (_, scores), facts = ran("linear-ot (oracle)", spoilt, monkeypatch)
        worth.append(facts["settings"])
    assert worth[0].keys() == worth[1].keys() == {"reg"}


def test_a_label_budget_does_not_choose_the_images_without_labels(tmp_path, cache_dir):
    study = small_study(tmp_path, cache_dir, ADAPTING, "targets.wrist.shots=[2]")
    task = next(
        task for task in find(make_plan(study), "fusion", "adapt", fold=0) if task.tags.method.adaptation == "coral"
    )
    inputs = {"features": [tmp_path / "target"], "sources": [tmp_path / "source"]}
    for name, prefix in (("target", ""), ("source", "source0_")):
        rows = Split.open(task.paths, prefix).rows()
        (tmp_path / name).mkdir()
        write_features(tmp_path / name, rows, np.random.default_rng(0).normal(size=(len(rows), 6)).astype(np.float32))
    every = Split.open(task.paths).table(0)
    facts = run(Work(task, tmp_path, inputs))
    assert facts["images_without_label"] == int(every["split"].isin(["train", "val"]).sum()) > 4 + 2
