"""Why a metric stands in the table, and a warning where accuracy leads although one class is rare."""

from indomain.metrics import METRICS
from report import rationale
from tests.report.made import report_input, split_info


def test_every_metric_has_its_reason():
    assert set(rationale._WHY) == set(METRICS)


def test_accuracy_first_on_rare_positives_is_warned_of():
    rare = split_info(counts=[[0, "train", 0, 90], [0, "train", 1, 10]])
    said = rationale.sentences(report_input({"metrics": ["accuracy", "auroc"]}, info=rare))
    assert any(
        one.startswith("Beware, t: Accuracy leads the table, and b has 10% of the images") and "0.90" in one
        for one in said
    )
    even = split_info(counts=[[0, "train", 0, 50], [0, "train", 1, 50]])
    for given in (
        report_input({"metrics": ["accuracy"]}, info=even),
        report_input({"metrics": ["auroc", "accuracy"]}, info=rare),
    ):
        assert not any("Beware" in one for one in rationale.sentences(given))
