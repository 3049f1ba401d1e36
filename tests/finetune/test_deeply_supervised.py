import numpy as np
import pandas as pd
import pytest

import finetune.run
from finetune import deeply_supervised
from finetune.plan import Options, plan
from indomain.errors import RequestError
from indomain.networks import architecture, weights
from indomain.runs.task import find
from indomain.training.trainer import Trainer
from tests.small import SMALL, problem, study_of

AUXILIARY = {"stem2_relu": 0.5, "block1_concat": 0.3}
DEEP = 'finetune.strategies=["full","deeply-supervised"]'


def test_it_learns_and_leaves_a_plain_classifier(tmp_path):
    backbone = architecture.backbone(SMALL)
    weights.start(backbone, SMALL, "random", 0)
    options = Options(epochs=20, batch=8, learning_rate=1e-2, auxiliary=AUXILIARY, strategies=["deeply-supervised"])
    network, facts = deeply_supervised.fit(backbone, problem(), 2, Trainer(options, 0, tmp_path))
    log = pd.read_csv(tmp_path / "log.csv")
    assert network.layers[-1].name == "logits" and log["val_accuracy"].max() > 0.9
    assert facts["chosen_epoch"] == log["val_loss"].idxmin() + 1
    # From heads at zero the loss begins with that of chance, once for the network and by its weight for each head.
    assert log["val_loss"].max() < 3 * 1.8 * np.log(2)


def test_only_its_own_runs_depend_on_the_heads(tmp_path, cache_dir):
    found = []
    for weight in (0.3, 0.5):
        study = study_of(tmp_path, cache_dir, "seeds=[0]", DEEP, f"finetune.auxiliary={{ stem2_relu = {weight} }}")
        tasks = find(plan(study, []), "finetune", fold=0)
        found.append({str(task.tags.method): task for task in tasks})
    first, second = found
    assert first["full"].digest == second["full"].digest and "auxiliary" not in first["full"].params["options"]
    assert first["deeply-supervised"].digest != second["deeply-supervised"].digest


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("finetune.epochs=1", "finetune: deep supervision needs layers"),
        ("finetune.auxiliary={ stem3_relu = 0.3 }", "unknown layer with maps 'stem3_relu'"),
        ("finetune.auxiliary={ stem2_relu = 0.0 }", "greater than 0"),
    ],
)
def test_layers_that_can_have_no_head_are_refused_before_any_work(tmp_path, cache_dir, setting, message):
    with pytest.raises(RequestError, match=message):
        finetune.run.check(find(plan(study_of(tmp_path, cache_dir, DEEP, setting), []), "finetune"))
