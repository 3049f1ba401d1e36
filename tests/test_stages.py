"""The stages' own parts: classifiers, and that no stage leans on another."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from fusion import FeatureFusion
from fusion.classifiers import CLASSIFIERS
from indomain.errors import look_up


def test_a_wide_block_does_not_outweigh_a_narrow_one():
    features = np.random.default_rng(0).normal(size=(50, 110))
    fused = FeatureFusion([10, 100]).fit_transform(features)
    assert (fused[:, :10] ** 2).sum() == pytest.approx((fused[:, 10:] ** 2).sum())
    with pytest.raises(ValueError, match="blocks add up to 20 features, X has 110"):
        FeatureFusion([10, 10]).fit(features)


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_every_classifier_learns_and_gives_scores(name):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    features = rng.normal(size=(90, 6)) + 3 * np.eye(3, 6)[y]
    model = look_up(CLASSIFIERS, name, "classifier")(0)
    scores = make_pipeline(FeatureFusion([2, 4]), model).fit(features[:60], y[:60]).predict_proba(features[60:])
    assert scores.shape == (30, 3) and np.allclose(scores.sum(axis=1), 1)
    assert (scores.argmax(axis=1) == y[60:]).mean() > 0.7


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_every_classifier_takes_two_images_a_class(name):
    features, y = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 1, 0, 1])
    scores = look_up(CLASSIFIERS, name, "classifier")(0).fit(features, y).predict_proba(features)
    assert scores.shape == (4, 2) and np.isfinite(scores).all()


def test_stages_do_not_import_one_another():
    root = Path(__file__).resolve().parent.parent
    stages = ("pretrain", "finetune", "fusion", "explain", "report")
    for package in ("indomain", *stages):
        for path in (root / package).rglob("*.py"):
            lines = [line.strip() for line in path.read_text().splitlines()]
            for other in stages:
                if other != package:
                    bad = [line for line in lines if line.startswith((f"from {other}", f"import {other}"))]
                    assert not bad, f"{path}: {bad}"
