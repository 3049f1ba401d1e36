import pandas as pd
import pytest

import pretrain.run
from indomain.artifacts import source_head
from indomain.errors import RequestError
from indomain.runs.task import find
from pretrain import deeply_supervised
from pretrain.plan import plan
from tests.pretrain.source import step_of
from tests.studies import SMALL_STUDY, small_study


def test_the_backbone_learns_the_classes_and_goes_on_without_any_head(tmp_path):
    step = step_of("deeply-supervised", tmp_path, epochs=6, learning_rate=1e-2, auxiliary={"stem2_relu": 0.5})
    deeply_supervised.pretrain(step)
    assert step.backbone.layers[-1].name == "fc1"
    assert pd.read_csv(tmp_path / "log.csv")["accuracy"].iloc[-1] > 0.8
    features = step.backbone.predict(step.images()(step.training_rows()), verbose=0)
    assert source_head.probabilities(tmp_path, features).shape == (len(features), 2)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("pretrain.seeds='each'", "pretrain.deeply-supervised: deep supervision needs layers"),
        ("pretrain.deeply-supervised={ auxiliary = { pool9 = 1.0 } }", "unknown layer with maps 'pool9'"),
    ],
)
def test_layers_that_can_have_no_head_are_refused_before_any_work(tmp_path, cache_dir, setting, message):
    text = SMALL_STUDY.replace("others:supervised", "others:deeply-supervised")
    tasks = plan(small_study(tmp_path, cache_dir, text, setting), [])
    with pytest.raises(RequestError, match=message):
        pretrain.run.check(find(tasks, "pretrain"))
