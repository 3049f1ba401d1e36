"""The metric under corruptions, and under each condition of a marker."""

import numpy as np
import pandas as pd
import pytest

from indomain.runs.tags import Method
from report.figures.robustness import draw
from tests.report.figures.made import material, words
from tests.report.made import row_key


def curves(points, **changes):
    """(chain, corruption, severity, mean) as the report keeps them."""
    rows = []
    for chain, corruption, severity, mean in points:
        known = {name: word for name, word in row_key(chain, **changes).words().items() if name != "level"}
        point = {
            "corruption": corruption,
            "severity": severity,
            "mean": mean,
            "ci_low": mean - 0.1,
            "ci_high": mean + 0.1,
        }
        rows.append({**known, **point})
    return pd.DataFrame(rows)


CORRUPTED = [
    *(("imagenet", *point) for point in [("none", 0, 0.9), ("blur", 1, 0.8), ("blur", 5, 0.6), ("noise", 5, 0.5)]),
    *(("other", *point) for point in [("none", 0, 0.85), ("blur", 1, 0.7), ("blur", 5, 0.55), ("noise", 5, 0.4)]),
]
MARKED = [
    ("imagenet", f"marker {name}", place, 0.9 - 0.3 * place)
    for place, name in enumerate(["as learnt", "absent", "reversed"])
]


def lines(axis):
    return [line for line in axis.lines if len(line.get_xdata())]


def test_each_corruption_is_a_panel_that_begins_at_images_as_they_are():
    drawing = next(draw(material(curves=curves(CORRUPTED))))
    panels = {axis.get_title(loc="left"): axis for axis in drawing.figure.axes if axis.get_visible()}
    assert drawing.name == "robustness-t-n" and list(panels) == ["blur", "noise"]
    np.testing.assert_allclose(lines(panels["blur"])[0].get_ydata(), [0.9, 0.8, 0.6])
    np.testing.assert_allclose(lines(panels["noise"])[1].get_ydata(), [0.85, 0.4])


def test_chains_stand_slightly_apart():
    figure = next(draw(material(curves=curves(CORRUPTED)))).figure
    first, second = (line.get_xdata() for line in lines(figure.axes[0]))
    assert (first < second).all() and (np.round(first) == np.round(second)).all()


def test_conditions_of_a_marker_are_named_in_their_order():
    drawing = next(draw(material(curves=curves(MARKED))))
    assert drawing.name == "robustness-marker-t-n"
    axis = drawing.figure.axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == [
        "marker as learnt",
        "marker absent",
        "marker reversed",
    ]
    np.testing.assert_allclose(lines(axis)[0].get_ydata(), [0.9, 0.6, 0.3])


def test_methods_are_told_apart_where_there_are_several():
    both = pd.concat([curves(CORRUPTED), curves(CORRUPTED, method=Method(strategy="off-the-shelf"))])
    assert [one.name for one in draw(material(curves=both))] == ["robustness-t-n-full", "robustness-t-n-off-the-shelf"]


@pytest.mark.parametrize("points", [[], [("imagenet", "none", 0, 0.9)]])
def test_without_corrupted_images_nothing_is_drawn(points):
    assert list(draw(material(curves=curves(points)))) == []


def test_title_and_legend_say_what_is_shown():
    figure = next(draw(material(curves=curves(CORRUPTED)))).figure
    assert {"t, n: AUROC under corruption", "imagenet", "other", "severity (0: uncorrupted)"} <= words(figure)
