"""The generators: the paper's, and the honest companion."""

from synthesis.registry import GENERATORS


def test_the_papers_generators_are_as_they_were_and_the_companion_has_what_came_later():
    assert {
        name for name, kind in GENERATORS.items() if not (kind.spectral or kind.differentiable or kind.averaged)
    } == {
        "dcgan",
        "acgan",
    }
    companion = GENERATORS["dcgan-sn"]
    assert companion.spectral and companion.differentiable and companion.averaged and companion.of_class
    assert not GENERATORS["acgan"].of_class and GENERATORS["acgan"].doubts_classes
