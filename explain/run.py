"""A run of explanations: compute maps, draw a panel of them, measure them, or test robustness."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from explain import panel, robustness
from explain.registry import MEASURES, controls, measure
from explain.subject import Subject
from indomain import files
from indomain.artifacts import explanations
from indomain.errors import Diverged
from indomain.runs.task import Work


def run(work: Work) -> dict[str, Any]:
    """Executes a run of any kind; returns facts for the run's record."""
    kinds = {"maps": _maps, "panel": _panel, "measure": _measure, "robustness": robustness.run}
    return kinds[work.task.kind](work)


def _maps(work: Work) -> dict[str, Any]:
    """Writes `explanations.npz`."""
    subject = Subject(work)
    maps = {}
    for method in subject.methods:
        work.progress(f"{method}, {len(subject.images)} images")
        maps[method] = subject.maps(method)
    explanations.write_maps(
        work.folder,
        maps,
        id=subject.rows["id"].to_numpy().astype(str),
        images=subject.images,
        y=subject.y,
        explained=subject.chosen,
        scores=subject.scores,
        masks=subject.masks,
    )
    return {"images": len(subject.images)}


def _measure(work: Work) -> dict[str, Any]:
    """Writes `measures.csv`."""
    subject = Subject(work)
    measures = [name for name in MEASURES if name in work.params["measures"]]
    rows = explanations.MeasureRows(subject.rows["id"], subject.rows["group"])
    every = [True] * len(subject.images)
    with_finding = every if subject.masks is None else [bool(mask.any()) for mask in subject.masks]
    applies = {name: with_finding if MEASURES[name].of_findings else every for name in measures}
    for number, method in enumerate(subject.methods):
        work.progress(f"{method} of {len(subject.images)} images", number / len(subject.methods))
        heat = subject.maps(method)
        for name in measures:
            rows.add(method, name, measure(name)(subject, method, heat), applies[name])
    for name in measures:
        by_chance = controls(name)
        for control, values in ((by_chance(subject) if by_chance else None) or {}).items():
            rows.add(control, name, values, applies[name])
    rows.write(work.folder)
    return {"images": len(subject.images), "learnt": subject.num_learnt}


def _panel(work: Work) -> dict[str, Any]:
    """Writes `panel.png`, and `panel.npz` with the arrays that it shows."""
    params, maps = work.params, {}
    for folder, chain in zip(work.inputs["maps"], params["chains"]):
        # Networks that diverged have no maps.
        if (Path(folder) / explanations.MAPS).is_file():
            maps[chain] = explanations.read_maps(folder)
    if not maps:
        raise Diverged("no network to explain")
    # Names in recipes may contain a dollar sign, which Matplotlib would take for the start of a formula.
    with files.written(work.folder / "panel.png") as temporary, matplotlib.rc_context({"text.parse_math": False}):
        panel.draw(temporary, maps, params["methods"], params["classes"], params["note"])
    arrays: dict[str, np.ndarray] = {}
    for chain, chain_maps in maps.items():
        arrays |= {f"{chain}/{name}": value for name, value in chain_maps.items()}
    files.write_arrays(work.folder / "panel.npz", arrays)
    return {"chains": len(maps)}
