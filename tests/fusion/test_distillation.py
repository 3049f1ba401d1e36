"""One network that learns what several say."""

import numpy as np
import pandas as pd
import pytest

from fusion import distillation
from fusion.options import Options
from indomain.artifacts import predictions
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.networks import weights
from indomain.recipe.plan import make_plan
from indomain.runs.task import Work, find
from indomain.training.trainer import Trainer
from tests.studies import SMALL_STUDY, leave_network, small_study

GROUPS = """
[fusion]
heads = ["score-mean"]
groups = { both = ["random/dcnn-light-w0.125", "in-domain/dcnn-light-w0.125"] }
[fusion.distil]
groups = ["both"]
"""
QUICK = ["fusion.distil.epochs=2", "fusion.distil.batch=8"]


@pytest.fixture
def planned(tmp_path, cache_dir):
    def plan(*settings):
        study = small_study(tmp_path, cache_dir, SMALL_STUDY + GROUPS, "seeds=[0]", *settings)
        return study, make_plan(study)

    return plan


def test_a_group_is_distilled_into_the_first_network_from_where_that_began(planned):
    _, tasks = planned()
    (distilled,) = find(tasks, "fusion", "distil")
    first, second = distilled.several("networks")
    assert (first.tags.chain, second.tags.chain) == ("random", "in-domain")
    assert distilled.params["backbone"] == first.params["backbone"] and distilled.params["start"] == "random"
    assert str(distilled.tags.method) == "fusion by distillation: one network" and distilled.tags.chain == "both"
    assert distilled in find(tasks, "report")[0].several("shown")
    # Turned round, the one network begins with what the chain in-domain has learnt.
    turned = 'fusion.groups={ both = ["in-domain/dcnn-light-w0.125", "random/dcnn-light-w0.125"] }'
    (other,) = find(planned(turned)[1], "fusion", "distil")
    assert other.input("pretrained").stage == "pretrain"
    (anew,) = find(planned(turned, 'fusion.distil.begin="random"')[1], "fusion", "distil")
    assert "pretrained" not in anew.inputs and anew.params["start"] == "random" and anew.paths["start"] == ""


def test_the_papers_profile_has_the_papers_way_to_learn(planned):
    (distilled,) = find(planned('profiles=["paper"]')[1], "fusion", "distil")
    assert distilled.params["options"]["optimizer"] == "adam" and distilled.params["options"]["head_init"] == "glorot"


def run(planned, folder, monkeypatch, *settings):
    """Runs a distillation; returns the probabilities that were learnt, what the members say, predictions and facts."""
    study, tasks = planned(*QUICK, *settings)
    (task,) = find(tasks, "fusion", "distil")
    folders = [leave_network(study, network, 7 + number) for number, network in enumerate(task.several("networks"))]
    given = []
    fit = Trainer.fit

    def look(self, model, train, validation=None, **more):
        given.append((train.y, validation.y, validation._rows))
        return fit(self, model, train, validation, **more)

    monkeypatch.setattr(Trainer, "fit", look)
    folder.mkdir()
    facts = distillation.distil(Work(task, folder, {"networks": folders}))
    rows = Split.open(task.paths).labelled(task.params)
    learnt = rows.loc[rows["split"] == "train", "row"].to_numpy()
    images = Split.open(task.paths).images(1)(learnt)
    said = []
    for path in folders:
        said.append(weights.load(path / "model.keras")(images.astype(np.float32)).numpy())
    return given[0], np.mean(said, axis=0), predictions.read(folder / "predictions.csv", task.params["classes"]), facts


def test_what_is_learnt_is_the_mean_of_what_the_networks_say_of_training_images(planned, tmp_path, monkeypatch):
    (learnt, validated, _), said, (rows, _, scores), facts = run(planned, tmp_path / "run", monkeypatch)
    assert np.allclose(learnt, said, atol=1e-5) and not np.allclose(learnt, np.eye(2)[learnt.argmax(1)], atol=0.05)
    # The epoch is chosen by the true classes.
    assert set(np.unique(validated)) == {0.0, 1.0}
    assert (
        set(rows["split"]) == {"test"} and np.allclose(scores.sum(1), 1, atol=1e-5) and facts["images"] == len(learnt)
    )
    assert (tmp_path / "run/model.keras").is_file() and "accuracy" in pd.read_csv(tmp_path / "run/log.csv")


def test_what_cannot_be_distilled_is_refused(planned):
    with pytest.raises((ValueError, RequestError), match="unknown group 'bth'"):
        Options(groups={"both": ["a/*", "b/*"]}, distil={"groups": ["bth"]})
    with pytest.raises(RequestError, match='fusion.distil: augment = "colour"'):
        planned('fusion.distil.augment="colour"')
