"""Fits the weights of `indomain.data.evidence`, and measures them on sets that they were not fitted to.

Copies: everything that `benchmarks.duplicates` does to pictures. Different pictures: the candidates of sets with
themselves, of different patients where patients are known; of other sets, pairs that a first fit takes for copies are left
out. Each set is then left out in turn: its recall and its false pairs are of weights and a threshold that never saw it.
Writes the weights of all sets together to indomain/data/evidence.json, with their threshold: at most one in a million pairs
of any known set reaches it, with these weights or with those that were fitted without that set. Reads the real images under
INDOMAIN_DATA; five minutes.
"""

import json
import math
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
            pairs, places, measured, _ = duplicates.registered(copies, originals[fit])
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
    pairs, places, measured, maps = duplicates.registered(signatures, signatures)
    of = np.array([patients[members[0]] for members in signatures.members])
    other = of[pairs.first[places]] != of[pairs.second[places]]
    number = len(signatures.members)
    return {"set": name, "side": side, "features": np.stack(list(measured.values()), 1)[other],
            "pairs": number * (number - 1) / 2, "names": list(measured), "signatures": signatures,
            "which": np.stack([pairs.first[places], pairs.second[places]], 1)[other], "maps": maps[places][other]}  # fmt: skip


def fitted(copies: list[dict], others: list[dict]) -> tuple[np.ndarray, float, float]:
    """The weights, the intercept, and the log odds that at most `FALSE` of a million pairs of any known set reach."""
    hard = [
        one for one in copies if not one["case"].startswith(("mirrored", "turned", "inverted")) and len(one["features"])
    ]
    known = [one for one in others if one["set"] in KNOWN]
    used = [(one["set"], one["features"]) for one in known]
    weights, intercept, threshold = np.zeros(0), 0.0, 0.0
    for _ in range(2):
        positive, of_positive = _by_set([(one["set"], one["features"]) for one in hard])
        negative, of_negative = _by_set(used)
        stacked = np.concatenate([positive, negative])
        mean, deviation = stacked.mean(0), stacked.std(0) + 1e-9
        labels = np.r_[np.ones(len(positive)), np.zeros(len(negative))]
        model = LogisticRegression(C=0.3, max_iter=3000).fit(
            (stacked - mean) / deviation, labels, sample_weight=np.r_[of_positive, of_negative] * len(negative)
        )
        weights = model.coef_[0] / deviation
        intercept = float(model.intercept_[0] - weights @ mean)
        odds = [one["features"] @ weights + intercept for one in others]
        threshold = max(_exceeded(name, others, odds) for name in {one["set"] for one in known})
        # Where patients are unknown, what looks like a copy may be one.
        used = [
            (one["set"], one["features"][(values < threshold) | (one["set"] in KNOWN)])
            for one, values in zip(others, odds)
        ]
    return weights, intercept, threshold


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
    rows: list[dict[str, object]] = []
    unseen: list[float] = []
    for name in SIZES:
        weights, intercept, threshold = fitted(
            [one for one in copies if one["set"] != name], [one for one in others if one["set"] != name]
        )
        if name in KNOWN:
            unseen.append(_exceeded(name, others, [one["features"] @ weights + intercept for one in others]))
        for one in copies:
            if one["set"] == name:
                odds = one["features"] @ weights + intercept if len(one["features"]) else np.zeros(0)
                found = np.union1d(one["copy"][odds >= threshold], one["same"])
                reached = np.union1d(one["copy"], one["same"])
                rows.append(
                    {"what": f"recall, {one['case']}", "set": name, "pixels": one["side"], "of": one["copies"],
                     "candidates": round(len(np.union1d(one["candidates"], one["same"])) / one["copies"], 3),
                     "registered": round(len(reached) / one["copies"], 3), "value": round(len(found) / one["copies"], 3)}
                )  # fmt: skip
        for one in others:
            if one["set"] == name:
                odds = one["features"] @ weights + intercept
                # A pair can be there with several maps.
                pairs = len(np.unique(one["which"][odds >= threshold], axis=0))
                known = "" if name in KNOWN else ", copies among them"
                rows.append(
                    {"what": f"false pairs in a million{known}", "set": name, "pixels": one["side"], "of": int(one["pairs"]),
                     "candidates": "", "registered": len(odds), "value": round(pairs / one["pairs"] * 1e6, 2)}
                )  # fmt: skip
    weights, intercept, threshold = fitted(copies, others)
    print(f"thresholds: {threshold:.2f} of all; of the sets left out {', '.join(f'{value:.2f}' for value in unseen)}")
    content = {
        # Above what is exceeded: the pair that decides does not reach it.
        "min_log_odds": (math.floor(100 * max(threshold, *unseen)) + 1) / 100,
        "intercept": round(intercept, 4),
        "weights": {name: round(float(weight), 4) for name, weight in zip(others[0]["names"], weights)},
    }
    TARGET.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    write("gate_weights", rows)


if __name__ == "__main__":
    main()
