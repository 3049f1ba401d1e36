import pandas as pd

from indomain.runs.tags import Tags
from report import foretold, page, table
from tests.report.made import report_input
from tests.report.test_page import part, row


def test_the_judgement_is_shown_with_what_looks_at_no_image(tmp_path):
    line = {
        "backbone": "n",
        "outcome": "full",
        "measure": "logme",
        "looks_at_images": True,
        "tau": 0.41,
        "tau_low": 0.1,
        "tau_high": 0.6,
    }
    line |= {
        "null_band": 0.56,
        "tau_without_imagenet": 0.2,
        "kendall": 0.3,
        "pearson": 0.3,
        "regret": 0.012,
        "worst_regret": 0.05,
    }
    line |= {"in_top": 0.7, "sources": 10, "targets": 4}
    blind = {
        **dict.fromkeys(line),
        "backbone": "n",
        "outcome": "full",
        "measure": "ImageNet always",
        "looks_at_images": False,
        "regret": 0.005,
    }
    pd.DataFrame([line, blind]).to_csv(tmp_path / "transferability.csv", index=False)
    given = report_input(runs=[("transferability", "judge", Tags(profile="strict"), tmp_path)])
    judged = foretold.read(given)
    costs = pd.DataFrame(columns=["stage", "runs", "seconds", "peak_memory_mb", "images_per_second"])
    text = page.render(given, table.finished([row()], 0.02), costs, [], [], [], [], judged)
    shown = part(text, "foretold")
    assert (
        "logme" in shown and "0.10 – 0.60" in shown and "± 0.56" in shown and "no image" in shown and "0.005" in shown
    )


def test_a_sentence_sets_the_best_measure_beside_what_looks_at_no_image():
    lines = [
        ("logme", True, 0.31, -0.1, 0.6, 0.012),
        ("knn", True, 0.1, -0.3, 0.4, 0.02),
        ("leep", True, None, None, None, None),
        ("rank on other targets", False, 0.45, 0.2, 0.6, 0.006),
        ("ImageNet always", False, None, None, None, 0.004),
        ("random choice", False, None, None, None, 0.03),
    ]
    names = ["measure", "looks_at_images", "tau", "tau_low", "tau_high", "regret"]
    table = pd.DataFrame(lines, columns=names).assign(backbone="n", outcome="full", sources=10, targets=5)
    # A measure that sees three of the chains, and looks perfect on these.
    table.loc[table["measure"] == "leep", ["tau", "tau_low", "tau_high", "regret", "sources"]] = [0.9, 0.5, 1.0, 0.0, 3]
    (said,) = foretold.sentences({"transferability.csv": table})
    assert said == (
        "n, full, 10 chains: of 2 measures that look at images logme has the highest τ, 0.31 [−0.10, 0.60], picked afterwards; "
        "a chain's mean rank on the other targets, which looks at none, has 0.45 [0.20, 0.60]. Lost against the best chain: "
        "logme 0.012, a chain's mean rank on the other targets 0.006, ImageNet always 0.004, a random choice 0.030."
    )
    (said,) = foretold.sentences({"transferability.csv": table.assign(tau=None)})
    assert "with one target no order can be judged; of 2 measures logme loses least" in said
    assert foretold.sentences({}) == []


def test_without_measures_there_is_no_such_section():
    assert foretold.read(report_input()) == {}
