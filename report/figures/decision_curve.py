"""Decision curves: the net benefit of treating whom a network calls positive, over the threshold (Vickers & Elkin 2006)."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from report.arms import ArmResults
from report.comparison import RowKey
from report.figures import style
from report.figures.drawing import Drawing, Material

THRESHOLDS = np.linspace(0.01, 0.99, 99)


def draw(material: Material) -> Iterator[Drawing]:
    """One figure per target, profile, backbone and method with a positive class, where [report] asks for decision curves.

    Args:
        material: arms and recipe.
    """
    given = material.given
    groups: dict[RowKey, list[ArmResults]] = {}
    for arm in material.arms if given.options["decision_curves"] else []:
        key = arm.key
        first = key.level == given.levels_of(key)[0][1] and key.budget == given.largest_budget(key.target)
        if arm.runs and arm.positive is not None and first and key.method.strategy and not key.method.calibrated:
            groups.setdefault(replace(key, chain=""), []).append(arm)
    for key, arms in groups.items():
        labels = [key.target, key.backbone, str(key.method)]
        labels += [key.profile] if len(given.recipe["profiles"]) > 1 else []
        title = f"{', '.join(labels)}: net benefit"
        name = "-".join(label.replace("/", "_").replace(":", "") for label in labels)
        yield Drawing(f"decision-{name}", title, _figure(arms, title, given.chains))


def net_benefit(is_positive: np.ndarray, score: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The net benefit at each threshold t: true positives less t / (1 − t) false ones, per image.

    Args:
        is_positive: bool (n,).
        score: (n,), of the positive class.
        thresholds: above 0 and below 1.
    """
    above = score[:, None] >= thresholds
    hits, misses = (above & is_positive[:, None]).mean(axis=0), (above & ~is_positive[:, None]).mean(axis=0)
    return hits - misses * thresholds / (1 - thresholds)


def _figure(arms: list[ArmResults], title: str, every_chain: list[str]):
    figure = style.new_figure(figsize=(5.2, 3.9))
    axis = figure.subplots()
    chains = [chain for chain in every_chain if chain in {arm.key.chain for arm in arms}]
    share = 0.0
    for arm in arms:
        curves = [net_benefit(run.y == arm.positive, run.scores[:, arm.positive], THRESHOLDS) for run in arm.runs]
        share = float(np.mean([np.mean(run.y == arm.positive) for run in arm.runs]))
        axis.plot(THRESHOLDS, np.mean(curves, axis=0), color=style.colour_of(arm.key.chain, every_chain), lw=1.2)
    everybody = share - (1 - share) * THRESHOLDS / (1 - THRESHOLDS)
    axis.plot(THRESHOLDS, everybody, color="#999999", lw=0.9, ls="--")
    axis.axhline(0, color="#999999", lw=0.9, ls=":")
    axis.set_ylim(-0.05, max(share * 1.1, 0.1))
    axis.set_xlabel("threshold: how many false alarms a found case is worth, t / (1 − t)", fontsize=8)
    axis.set_ylabel("net benefit (dashed: everybody positive; dotted: nobody)", fontsize=8)
    style.plain_axis(axis)
    style.chain_legend(figure, axis, chains, every_chain, title)
    return figure
