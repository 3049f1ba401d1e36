import pytest

from indomain.errors import RequestError
from indomain.training import registry


def test_every_augmentation_has_a_function_that_takes_a_seed():
    assert all(isinstance(registry.augmentation(name)(1), list) for name in registry.AUGMENTATIONS)


def test_hues_of_grey_images_cannot_change():
    registry.check("colour", 3, "finetune")
    registry.check("basic", 1, "finetune")
    with pytest.raises(RequestError, match='finetune: augment = "colour" changes hues, but the images are grey'):
        registry.check("colour", 1, "finetune")


@pytest.mark.parametrize("look_up", [registry.augmentation, lambda name: registry.check(name, 3, "finetune")])
def test_an_unknown_augmentation_is_answered_with_the_nearest(look_up):
    with pytest.raises(RequestError, match="unknown augmentation 'elastc'. Did you mean 'elastic'"):
        look_up("elastc")
