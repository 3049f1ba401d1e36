import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from finetune import off_the_shelf
from finetune.plan import Options
from indomain.networks import architecture, inference, weights
from indomain.training.batches import Examples
from indomain.training.trainer import Trainer
from tests.small import SMALL, problem, same, values_of


@pytest.fixture
def backbone():
    model = architecture.backbone(SMALL)
    weights.initialise(model, 0)
    return model


def examples(num_classes):
    """The small problem with other numbers of classes, unequally frequent."""
    small = problem()
    y = np.where(np.arange(len(small.table)) % 7 == 0, num_classes - 1, small.table["y"])
    return Examples(small.images, small.table.assign(y=y))


def fitted(backbone, given, num_classes, folder, **options):
    trainer = Trainer(Options(**options), 0, folder)
    network, facts = off_the_shelf.fit(backbone, given, num_classes, trainer)
    return architecture.with_scores(network), facts


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("class_weights", ["balanced", "none"])
def test_the_network_answers_as_the_regression_on_its_features(backbone, tmp_path, num_classes, class_weights):
    given = examples(num_classes)
    model, _ = fitted(backbone, given, num_classes, tmp_path, class_weights=class_weights, C=0.5)
    rows, y = given.part("train")
    features = inference.predict(backbone, given.images, rows).astype(float)
    weight = "balanced" if class_weights == "balanced" else None
    regression = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.5, class_weight=weight, max_iter=5000, tol=1e-6)
    )
    expected = regression.fit(features, y).predict_proba(features)
    np.testing.assert_allclose(inference.predict(model, given.images, rows), expected, atol=1e-4)


def test_the_backbone_stays_as_it_is(backbone, tmp_path):
    before = values_of(backbone)
    fitted(backbone, problem(), 2, tmp_path)
    assert same(before, values_of(backbone))


def test_only_training_images_are_learnt_from(backbone, tmp_path):
    given = problem()
    first = values_of(fitted(backbone, given, 2, tmp_path)[0])
    wrong = given.table.assign(y=np.where(given.table["split"] == "train", given.table["y"], 1 - given.table["y"]))
    again, facts = fitted(backbone, Examples(given.images, wrong), 2, tmp_path)
    assert same(first, values_of(again)) and facts == {"images": 36}


def test_a_smaller_c_holds_the_weights_smaller(backbone, tmp_path):
    kernels = [
        np.array(fitted(backbone, problem(), 2, tmp_path, C=c)[0].get_layer("logits").kernel) for c in (0.01, 10.0)
    ]
    assert np.abs(kernels[0]).sum() < np.abs(kernels[1]).sum()


def test_it_says_of_how_many_images_it_makes_features(backbone, tmp_path):
    said = []
    trainer = Trainer(Options(), 0, tmp_path, lambda text, share=None: said.append(text))
    off_the_shelf.fit(backbone, problem(), 2, trainer)
    assert said == ["features of 36 images"]
