import numpy as np

from indomain.networks import architecture
from indomain.networks.options import Architecture
from indomain.training.options import LearningOptions
from indomain.training.trainer import Trainer
from pretrain.step import PretrainingStep
from tests.pretrain.source import SMALL, images, source


def test_images_have_the_channels_that_the_backbone_takes(tmp_path):
    trainer = Trainer(LearningOptions(), 0, tmp_path)
    colour = Architecture("dcnn-light", 0.125, (24, 24, 3))
    for wanted in (SMALL, colour):
        step = PretrainingStep(architecture.backbone(wanted), source(tmp_path), trainer)
        expected = images()[[3, 1]].repeat(wanted.channels, axis=-1)
        assert np.array_equal(step.images()(np.array([3, 1])), expected)


def test_images_that_choose_are_not_learnt_from(tmp_path):
    step = PretrainingStep(
        architecture.backbone(SMALL), source(tmp_path, validation=True), Trainer(LearningOptions(), 0, tmp_path)
    )
    rows = step.training_rows()
    assert len(rows) == 36 and not set(rows) & {6, 7, 14, 15}


def test_the_options_are_the_trainers(tmp_path):
    options = LearningOptions(epochs=3)
    step = PretrainingStep(architecture.backbone(SMALL), source(tmp_path), Trainer(options, 0, tmp_path))
    assert step.options is options
