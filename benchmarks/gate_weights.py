"""Fits the weights of `indomain.data.evidence`, and measures them on sets that they were not fitted to.

Copies: everything that `benchmarks.duplicates` does to pictures. Different pictures: the candidates of sets with
themselves, of different patients where patients are known; of other sets, pairs that a first fit takes for copies are left
out. Each set is then left out in turn: its recall and its false pairs are of weights and a threshold that never saw it.
Writes the weights of all sets together to indomain/data/evidence.json, with their threshold: at most one in a million pairs
of any known set reaches it, with these weights or with those that were fitted without that set. The first look is fitted to
the copies that reach the threshold, of which it may give up one in a thousand of any set. Reads the real images under
INDOMAIN_DATA; seven minutes.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.duplicates import CASES, letterbox, pictures, sign, squash
from benchmarks.ratios import write
from indomain.data import duplicates, evidence

COPIES, ORIGINALS = 40, 150
SIZES = {
    "knee_kl": (28, 64),
    "isic2017": (28, 64),
    "pneumoniamnist": (28, 64),
    "ph2": (28, 64, 224),
    "covid_ct": (28, 64, 224),
    "azh_wounds": (28, 224),
    "imagenette": (28, 64),
    "medical_mnist6": (28, 64),
}
DIFFERENT = {
    "knee_kl": 3000,
    "isic2017": 2150,
    "pneumoniamnist": 3000,
    "ph2": 200,
    "covid_ct": 800,
    "imagenette": 1100,
    "medical_mnist6": 2000,
}
# Of knees the patients are known; the others are said to hold no duplicates, or are a small sample of many more pictures.
KNOWN = ("knee_kl", "ph2", "imagenette", "medical_mnist6")
FALSE = 1.0  # pairs in a million that the threshold lets through
GIVEN_UP = 1e-3  # share of the copies of a set that the first look gives up
EVERY = -math.inf  # gives up no pair at the first look
TARGET = Path(evidence.__file__).with_suffix(".json")


def copies_of(name: str) -> list[dict]:
    """For each size and case: the features of the true pairs, which copy each is of, and how many copies there are."""
    images, _ = pictures(name, ORIGINALS)
    found = []
    for side in SIZES[name]:
        originals = {fit: sign([fit(image, side) for image in images]) for fit in (squash, letterbox)}
        for what, (change, fit) in CASES.items():
            rng = np.random.default_rng(2)
            copies = sign([change(image, side, rng) for image in images[:COPIES]])
            number_of = {
                int(place): number for number, members in enumerate(originals[fit].members) for place in members
            }
            source = np.array([number_of[int(members[0])] for members in copies.members])
            pairs, places, measured, _ = duplicates.registered(copies, originals[fit], EVERY)
            true = source[pairs.first[places]] == pairs.second[places]
            features = np.stack(list(measured.values()), 1) if measured else np.zeros((0, 0))
            same = np.isin(copies.digests, originals[fit].digests)
            candidates = np.unique(pairs.first[source[pairs.first] == pairs.second])
            found.append(
                {"set": name, "side": side, "case": what, "features": features[true], "copy": pairs.first[places][true],
                 "copies": len(source), "same": np.flatnonzero(same), "candidates": candidates}
            )  # fmt: skip
    return found


def different(name: str, side: int) -> dict:
    """The features of candidates of a set with itself, and the number of all pairs."""
    images, patients = pictures(name, DIFFERENT[name])
    signatures = sign([squash(image.convert("L"), side) for image in images])
    pairs, places, measured, maps = duplicates.registered(signatures, signatures, EVERY)
    of = np.array([patients[members[0]] for members in signatures.members])
    other = of[pairs.first[places]] != of[pairs.second[places]]
    number = len(signatures.members)
    return {"set": name, "side": side, "features": np.stack(list(measured.values()), 1)[other],
            "pairs": number * (number - 1) / 2, "names": list(measured), "signatures": signatures,
            "which": np.stack([pairs.first[places], pairs.second[places]], 1)[other], "maps": maps[places][other]}  # fmt: skip


@dataclass
class Line:
    """Weights of columns, an intercept, and the log odds that count."""

    weights: np.ndarray
    intercept: float
    threshold: float = 0.0

    def odds(self, columns: np.ndarray) -> np.ndarray:
        return columns @ self.weights + self.intercept


def line(columns: np.ndarray, labels: np.ndarray, sample_weight: np.ndarray) -> Line:
    """A logistic regression of standardised columns, in the columns' own units."""
    mean, deviation = columns.mean(0), columns.std(0) + 1e-9
    model = LogisticRegression(C=0.03, max_iter=3000).fit(
        (columns - mean) / deviation, labels, sample_weight=sample_weight
    )
    weights = model.coef_[0] / deviation
    return Line(weights, float(model.intercept_[0] - weights @ mean))


def fitted(copies: list[dict], others: list[dict], looks: int) -> tuple[Line, Line]:
    """The regression of copies, whose threshold at most `FALSE` of a million pairs of any known set reach, and that of the
    first look, whose columns are the first `looks`."""
    hard = [
        one for one in copies if not one["case"].startswith(("mirrored", "turned", "inverted")) and len(one["features"])
    ]
    known = [one for one in others if one["set"] in KNOWN]
    positive, of_positive = _by_set([(one["set"], one["features"]) for one in hard])
    used = [(one["set"], one["features"]) for one in known]
    for _ in range(2):
        negative, of_negative = _by_set(used)
        labels = np.r_[np.ones(len(positive)), np.zeros(len(negative))]
        stacked, counts = np.concatenate([positive, negative]), np.r_[of_positive, of_negative] * len(negative)
        copy = line(stacked[:, looks:], labels, counts)
        odds = [copy.odds(one["features"][:, looks:]) for one in others]
        copy.threshold = max(_exceeded(name, others, odds) for name in {one["set"] for one in known})
        # Where patients are unknown, what looks like a copy may be one.
        used = [
            (one["set"], one["features"][(values < copy.threshold) | (one["set"] in KNOWN)])
            for one, values in zip(others, odds)
        ]
    seen = [
        (one["set"], one["features"][copy.odds(one["features"][:, looks:]) >= copy.threshold, :looks]) for one in hard
    ]
    positive, of_positive = _by_set(seen)
    negative, of_negative = _by_set([(name, columns[:, :looks]) for name, columns in used])
    labels = np.r_[np.ones(len(positive)), np.zeros(len(negative))]
    look = line(np.concatenate([positive, negative]), labels, np.r_[of_positive, of_negative] * len(negative))
    look.threshold = min(
        float(np.quantile(np.concatenate([look.odds(columns) for other, columns in seen if other == name]), GIVEN_UP))
        for name in {name for name, _ in seen}
    )
    return copy, look


def _by_set(parts: list[tuple[str, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """All features, and weights with which all sets count alike and add up to 1."""
    number = {name: sum(len(part) for other, part in parts if other == name) for name, _ in parts}
    weights = [np.full(len(part), 1 / number[name] / len(number)) for name, part in parts if len(part)]
    return np.concatenate([part for _, part in parts if len(part)]), np.concatenate(weights)


def _exceeded(name: str, others: list[dict], odds: list[np.ndarray]) -> float:
    """The log odds that `FALSE` of a million pairs of a set exceed."""
    mine = np.concatenate([values for one, values in zip(others, odds) if one["set"] == name])
    allowed = int(FALSE * sum(one["pairs"] for one in others if one["set"] == name) / 1e6)
    return float(np.sort(mine)[::-1][allowed])


def main() -> None:
    copies = [one for name in SIZES for one in copies_of(name)]
    others = [different(name, side) for name in DIFFERENT for side in (28, 64)]
    names = others[0]["names"]
    looks = sum(name.startswith("first look") for name in names)
    rows: list[dict[str, object]] = []
    unseen: list[float] = []
    for name in SIZES:
        copy, look = fitted(
            [one for one in copies if one["set"] != name], [one for one in others if one["set"] != name], looks
        )
        if name in KNOWN:
            unseen.append(_exceeded(name, others, [copy.odds(one["features"][:, looks:]) for one in others]))

        def taken(features: np.ndarray, copy: Line = copy, look: Line = look) -> np.ndarray:
            hopeful = look.odds(features[:, :looks]) >= look.threshold
            return hopeful & (copy.odds(features[:, looks:]) >= copy.threshold)

        for one in copies:
            if one["set"] == name:
                features = one["features"] if len(one["features"]) else np.zeros((0, len(names)))
                found = np.union1d(one["copy"][taken(features)], one["same"])
                reached = np.union1d(one["copy"], one["same"])
                rows.append(
                    {"what": f"recall, {one['case']}", "set": name, "pixels": one["side"], "of": one["copies"],
                     "candidates": round(len(np.union1d(one["candidates"], one["same"])) / one["copies"], 3),
                     "registered": round(len(reached) / one["copies"], 3), "value": round(len(found) / one["copies"], 3)}
                )  # fmt: skip
        for one in others:
            if one["set"] == name:
                # A pair can be there with several maps.
                pairs = len(np.unique(one["which"][taken(one["features"])], axis=0))
                known = "" if name in KNOWN else ", copies among them"
                rows.append(
                    {"what": f"false pairs in a million{known}", "set": name, "pixels": one["side"], "of": int(one["pairs"]),
                     "candidates": "", "registered": len(one["features"]), "value": round(pairs / one["pairs"] * 1e6, 2)}
                )  # fmt: skip
                left = (look.odds(one["features"][:, :looks]) >= look.threshold).mean()
                rows.append(
                    {"what": "share left after the first look", "set": name, "pixels": one["side"], "of": len(one["features"]),
                     "candidates": "", "registered": "", "value": round(float(left), 3)}
                )  # fmt: skip
    copy, look = fitted(copies, others, looks)
    print(
        f"thresholds: {copy.threshold:.2f} of all; of the sets left out {', '.join(f'{value:.2f}' for value in unseen)}"
    )
    # Above what is exceeded: the pair that decides does not reach it.
    copy.threshold = (math.floor(100 * max(copy.threshold, *unseen)) + 1) / 100
    look.threshold = math.floor(100 * look.threshold) / 100

    def stored(one: Line, of: list[str]) -> dict[str, object]:
        weights = {name: round(float(weight), 4) for name, weight in zip(of, one.weights)}
        return {"min_log_odds": one.threshold, "intercept": round(one.intercept, 4), "weights": weights}

    content = {"copy": stored(copy, names[looks:]), "first look": stored(look, names[:looks])}
    TARGET.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    write("gate_weights", rows)


if __name__ == "__main__":
    main()
