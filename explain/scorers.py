"""The scorer of a fused classifier, from the folders of the runs that made it."""

from pathlib import Path

from indomain.artifacts import fitted_classifier
from indomain.artifacts.record import read_record
from indomain.networks import scoring
from indomain.networks.scoring import Scorer
from indomain.runs.stages import STAGES


def of_fusion(classifier: Path, members: list[tuple[Path, Path]], pooling: list[str], classes: int) -> Scorer:
    """The scorer of a saved classifier on the features of its networks.

    Args:
        classifier: folder of the run that saved it, with `classifier.skops`.
        members: for each of its networks, in order, the folder of the run that extracted its features and the folder of the
            run that fitted it.
        pooling: the statistics that reduced feature maps to features.
        classes: number of classes.
    """
    estimator = fitted_classifier.read(classifier / "classifier.skops", STAGES)
    layers = [read_record(extracted).facts.get("layer", "") for extracted, _ in members]
    networks = scoring.extractors([network / "model.keras" for _, network in members], layers, pooling)
    return scoring.of_fusion(estimator, networks, classes)
