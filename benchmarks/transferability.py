"""What the measures of transferability cost: 2,000 images of a target, 1,280 features, five classes, and 2,000 of a source.

All measures and distances together have a limit of 20 seconds on two cores. Features have a decaying spectrum, as networks' have.
"""

from collections.abc import Callable
from statistics import median

import numpy as np

from benchmarks.ratios import seconds_of, write
from transferability import distances, measures

IMAGES, FEATURES, CLASSES, LIMIT = 2000, 1280, 5, 20.0


def main() -> None:
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(FEATURES, FEATURES)) / np.arange(1, FEATURES + 1)[:, None] ** 0.5
    y = np.arange(IMAGES) % CLASSES
    target = (rng.normal(size=(IMAGES, FEATURES)) + 0.3 * np.eye(CLASSES, FEATURES)[y] * 10) @ mixed
    source = rng.normal(size=(IMAGES, FEATURES)) @ mixed
    groups = np.arange(IMAGES) // 2
    probabilities = np.exp(target[:, :10] - target[:, :10].max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    work: dict[str, Callable[[], object]] = {
        "knn": lambda: measures.knn(target, y, groups),
        "linear-probe": lambda: measures.linear_probe(target, y, groups),
        "h-score": lambda: measures.h_score(target, y),
        "logme": lambda: measures.log_me(target, y),
        "nleep": lambda: measures.nleep(target, y),
        "leep": lambda: measures.leep(probabilities, y),
        "nce": lambda: measures.nce(probabilities, y),
        "frechet": lambda: distances.frechet(target, source),
        "kid": lambda: distances.kid(target, source),
        "debiased-cka": lambda: distances.debiased_cka(target, source),
        "otdd": lambda: distances.otdd(target, y, source, y),
    }
    rows: list[dict[str, object]] = []
    for name, do in work.items():
        do()
        rows.append({"what": f"{name}, seconds", "seconds": round(median(seconds_of(do) for _ in range(3)), 2)})
    total = sum(float(str(row["seconds"])) for row in rows)
    rows.append({"what": "all of these, seconds", "seconds": round(total, 2), "limit": LIMIT})
    write(
        "transferability",
        [{"what": row["what"], "seconds": row["seconds"], "limit": row.get("limit", "")} for row in rows],
    )
