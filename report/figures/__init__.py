"""The figures of a report by name, in the order of the page, one file each.

    drawing       the material of figures, and a finished one
    style         what all figures share
    differences   the difference of each chain from the reference, with its interval
    intervals     a dot and an interval per chain
    ranks         how often each row has each rank
    critical_difference   mean ranks over the targets, and what the tests cannot tell apart
    gains         chains × targets: the gain over networks that learnt from no source
    label_curve   the metric over the label budgets
    robustness    the metric under corruptions and a marker
    decision_curve   the net benefit over the threshold
    reliability   the share of correct predictions over their confidence

Each entry is "module:function", called with a `Material`; it yields `Drawing`s, none where there is nothing to draw.
"""

FIGURES = {
    "differences": "report.figures.differences:draw",
    "intervals": "report.figures.intervals:draw",
    "ranks": "report.figures.ranks:draw",
    "critical-difference": "report.figures.critical_difference:draw",
    "gains": "report.figures.gains:draw",
    "label-curve": "report.figures.label_curve:draw",
    "robustness": "report.figures.robustness:draw",
    "decision-curve": "report.figures.decision_curve:draw",
    "reliability": "report.figures.reliability:draw",
}
