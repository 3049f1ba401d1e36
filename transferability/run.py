"""A run of transferability: measure a network's features, or judge all measures by what training gave."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain import metrics
from indomain.artifacts import predictions, source_head
from indomain.artifacts.features import read_features
from indomain.artifacts.record import read_record
from indomain.data.split import Split
from indomain.runs.tags import Method
from indomain.runs.task import Work
from transferability.evaluation import judged, null_band, regret_of, static_ranks
from transferability.registry import MEASURES, measure

STATIC, SIZE, IMAGENET, RANDOM = "rank on other targets", "log source size", "ImageNet always", "random choice"
MOST = 2000  # images of a source that distances look at: kernels grow with the square
COLUMNS = [
    "backbone", "outcome", "measure", "looks_at_images", "tau", "tau_low", "tau_high", "null_band", "tau_without_imagenet",
    "kendall", "pearson", "regret", "worst_regret", "in_top", "sources", "targets",
]  # fmt: skip


def run(work: Work) -> dict[str, Any]:
    """Executes a run of any kind; returns facts for the run's record."""
    return {"measure": _measure, "judge": _judge}[work.task.kind](work)


def _measure(work: Work) -> dict[str, Any]:
    """The measures of one network on one fold, as facts: no image of the test part is looked at.

    A measure that reads what a chain does not have, such as the head of one that has learnt no classes, is None.
    """
    rows = Split.open(work.task.paths).labelled(work.params)
    rows = rows[rows["split"] != "test"]
    given = _Given(work, rows)
    found: dict[str, float | None] = {}
    for name in work.params["measures"]:
        work.progress(f"{name} of {len(rows)} images")
        entry, arguments = MEASURES[name], given.read(MEASURES[name].reads)
        if arguments is None:
            found[name] = None
            continue
        value = measure(name)(*arguments, *([given.groups] if entry.of_patients else []))
        found[name] = -value if entry.is_distance else value
    return {"images": len(rows), "measures": found}


class _Given:
    """What measures read of one network and one fold, each read once.

    Args:
        work: the run's.
        rows: the images, one row each.
    """

    def __init__(self, work: Work, rows: pd.DataFrame) -> None:
        self.work, self.rows = work, rows["row"].to_numpy()
        # A budget may leave a class out of a set of several.
        self.y = np.unique(rows["y"].to_numpy(), return_inverse=True)[1]
        self.groups = pd.factorize(rows["group"])[0]
        self.features = self._of("features", self.rows)

    def _of(self, name: str, rows: np.ndarray) -> np.ndarray:
        return read_features(self.work.inputs[name])(rows).astype(np.float64)

    def read(self, what: str) -> tuple[np.ndarray, ...] | None:
        """The arguments of a measure, by `Measure.reads`; None: the chain has no such thing."""
        if what == "features":
            return self.features, self.y
        if what == "head":
            folder = self.work.inputs.get("pretrained")
            return (source_head.probabilities(folder, self.features), self.y) if folder else None
        extracted = self._of("extractor", self.rows)
        if what == "extractor":
            return self.features, extracted
        if "source" not in self.work.inputs:
            return None
        source, y = self._source
        if what == "source":
            return extracted, source
        return (extracted, self.y, source, y) if self.work.params["source"]["labelled"] else None

    @cached_property
    def _source(self) -> tuple[np.ndarray, np.ndarray]:
        """The extractor's features of the source's images and their classes, those of `MOST` images drawn from them."""
        table = Split.open(self.work.task.paths, "source_").table()
        table = table[table["split"] == "train"]
        if len(table) > MOST:
            table = table.iloc[np.sort(np.random.default_rng(0).permutation(len(table))[:MOST])]
        return self._of("source", table["row"].to_numpy()), np.unique(table["y"].to_numpy(), return_inverse=True)[1]


def _judge(work: Work) -> dict[str, Any]:
    """Writes `transferability.csv`, one row per measure, and `matrix.csv`, one row per network, target and outcome."""
    scores = _scores(work)
    gains = _gains(work)
    rows: list[dict[str, Any]] = []
    for (backbone, outcome), of_outcome in gains.groupby(["backbone", "outcome"], sort=False):
        table = of_outcome.pivot_table(index="chain", columns="target", values="auroc", aggfunc="mean")
        for target, chain in work.params["own"]:
            if chain in table.index and target in table.columns:
                table.loc[chain, target] = np.nan
        if len(table) < 3:
            continue
        rows += _rows(work, table, scores[scores["backbone"] == backbone], backbone, outcome)
    pd.DataFrame(rows, columns=COLUMNS).to_csv(work.folder / "transferability.csv", index=False, float_format="%.6g")
    _matrix(scores, gains).to_csv(work.folder / "matrix.csv", index=False, float_format="%.6g")
    return {"rows": len(rows)}


def _rows(work: Work, gains: pd.DataFrame, scores: pd.DataFrame, backbone: Any, outcome: Any) -> list[dict[str, Any]]:
    """The rows of one backbone and outcome: the measures, then the rankings that look at no image."""
    imagenet = [name for name in work.params["imagenet"] if name in gains.index]
    candidates = {
        name: scores.pivot_table(index="chain", columns="target", values=name, aggfunc="mean").reindex(gains.index)
        for name in work.params["measures"]
    }
    blind: dict[str, pd.DataFrame] = {}
    if gains.shape[1] > 1:
        blind[STATIC] = static_ranks(gains)
    sizes = gains.index.map(work.params["sizes"]).to_numpy(float)
    blind[SIZE] = pd.DataFrame({target: sizes for target in gains.columns}, gains.index)
    rows = []
    for name, table in {**candidates, **blind}.items():
        try:
            found = judged(table, gains, work.params["top"])
        except ValueError:
            # It reads what fewer than three of the chains have.
            rows.append({"measure": name, "looks_at_images": name in candidates, "sources": 0})
            continue
        without = gains.drop(index=imagenet)
        without_scores = static_ranks(without) if name == STATIC else table.drop(index=imagenet)
        try:
            tau_without = judged(without_scores, without, work.params["top"], draws=2).tau if imagenet else np.nan
        except ValueError:
            tau_without = np.nan
        row = {
            "measure": name,
            "looks_at_images": name in candidates,
            "regret": found.regret,
            "worst_regret": found.worst_regret,
            "in_top": found.in_top,
            "sources": found.sources,
        }
        if len(found.per_target) > 1 or found.speaks_of_single_targets:
            row |= {
                "tau": found.tau,
                "tau_low": found.low,
                "tau_high": found.high,
                "null_band": null_band(found.sources),
            }
            row |= {"tau_without_imagenet": tau_without, "kendall": found.kendall, "pearson": found.pearson}
        rows.append(row)
    counted = {"sources": len(gains), "looks_at_images": False}
    if imagenet:
        rows.append({"measure": IMAGENET, "regret": _regret_of_chain(gains, imagenet[0]), **counted})
    rows.append({"measure": RANDOM, "regret": regret_of(np.mean, gains), **counted})
    return [{"backbone": backbone, "outcome": outcome, "targets": gains.shape[1], **row} for row in rows]


def _regret_of_chain(gains: pd.DataFrame, chain: str) -> float:
    with_it = gains.loc[:, gains.loc[chain].notna()]
    return regret_of(lambda values: values[chain], with_it)


def _scores(work: Work) -> pd.DataFrame:
    """One row per run of measures, with its coordinates."""
    rows = []
    for tags, folder in zip(work.params["measured"], work.inputs["measured"]):
        record = read_record(folder)
        if record.diverged is None:
            rows.append({**_coordinates(tags), **record.facts["measures"]})
    names = work.params["measures"]
    table = pd.DataFrame(rows, columns=["backbone", "target", "chain", "fold", "seed", *names])
    return table.astype({name: float for name in names})


def _gains(work: Work) -> pd.DataFrame:
    """One row per fitted network, with the AUROC of its test images under the largest label budget of its target."""
    rows = []
    for tags, folder in zip(work.params["outcomes"], work.inputs["outcomes"]):
        path = Path(folder) / "predictions.csv"
        if not path.is_file():
            continue
        table, y, scores = predictions.read(path, tags["classes"])
        tested = (table["split"] == "test").to_numpy()
        auroc = float(metrics.evaluate(["auroc"], y[tested], scores[tested])["auroc"][0])
        rows.append({**_coordinates(tags), "outcome": str(Method(**tags["method"])), "auroc": auroc})
    return pd.DataFrame(rows, columns=["backbone", "target", "chain", "fold", "seed", "budget", "outcome", "auroc"])


def _coordinates(tags: dict[str, Any]) -> dict[str, Any]:
    return {key: tags.get(key) for key in ("backbone", "target", "chain", "fold", "seed", "budget")}


def _matrix(scores: pd.DataFrame, gains: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation of each outcome over folds and seeds, beside the mean of each measure."""
    keys = ["backbone", "target", "chain"]
    outcome = gains.groupby([*keys, "outcome"], sort=False)["auroc"].agg(["mean", "std", "size"]).reset_index()
    outcome = outcome.rename(columns={"mean": "auroc", "std": "sd_runs", "size": "n_runs"})
    names = [name for name in scores.columns if name not in (*keys, "fold", "seed")]
    return outcome.merge(scores.groupby(keys, sort=False)[names].mean().reset_index(), on=keys, how="left")
