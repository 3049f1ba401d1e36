import numpy as np

from pretrain import source_labels, supervised
from tests.pretrain.source import COUNT, source, step_of
from tests.small import same, values_of


def test_it_learns_what_supervised_learning_learns_where_classes_are_origins(tmp_path):
    # The network tells "dark" from "light" either way.
    without_labels = source(tmp_path / "no labels", np.zeros(COUNT, int))
    step = step_of("source-labels", tmp_path / "a", without_labels, epochs=3)
    source_labels.pretrain(step)
    of_origins = values_of(step.backbone)
    step = step_of("supervised", tmp_path / "b", source(tmp_path / "labels"), epochs=3)
    supervised.pretrain(step)
    assert same(of_origins, values_of(step.backbone))
