"""Seven networks' features for 1,000 pictures of 64 px, then every rule of fusion with every classifier; Grad-CAM; LIME.

Seconds, not ratios: nobody else's program does the same. Settings are the defaults, nothing tuned. All in one process, as a
recipe does it: what rules share (the classifiers of each network, their scores on held-out folds, the span of the images) is
made once, and its time stands with the rule that asks first.
"""

from statistics import median
from typing import Any

import numpy as np

from benchmarks.ratios import seconds_of, write
from explain.grad_cam import grad_cam
from explain.lime_maps import lime
from fusion.fitting import fit
from fusion.registry import CLASSIFIERS, RULES, classifier, rule
from indomain.networks import architecture, features, inference, weights
from indomain.networks.options import Architecture
from indomain.networks.scoring import of_network

NETWORKS = ("densenet201", "efficientnetb0", "mobilenetv2", "resnet50", "vgg16", "squeezenet", "dcnn")
IMAGES, LEARNT = 1000, 800


def main() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(IMAGES) % 2
    coarse = rng.integers(0, 256, (IMAGES, 8, 8, 3), dtype=np.uint8)
    pictures = coarse.repeat(8, axis=1).repeat(8, axis=2) // 2 + (40 * y[:, None, None, None]).astype(np.uint8)
    blocks: list[np.ndarray] = []

    def extract() -> None:
        for name in NETWORKS:
            backbone = architecture.backbone(Architecture(name, 1, (64, 64, 3)))
            weights.initialise(backbone, 0)
            part, _ = features.extractor(architecture.with_head(backbone, 2, 0.0), "", ["mean"])
            blocks.append(inference.predict(part, lambda rows: pictures[rows], np.arange(IMAGES)))

    rows: list[dict[str, Any]] = []

    def say(what: str, seconds: float, limit: float) -> None:
        rows.append({"what": what, "ours": round(seconds, 2), "other": "", "ratio": "", "limit": limit})

    say(f"features of seven networks, {IMAGES} pictures of 64 px, building included", seconds_of(extract), 240)
    X, widths = np.concatenate(blocks, axis=1), [block.shape[1] for block in blocks]
    groups = np.arange(LEARNT)
    slowest, total = (0.0, ""), 0.0
    for rule_name in RULES:
        spent = 0.0
        for name in CLASSIFIERS:

            def one(rule_name: str = rule_name, name: str = name) -> None:
                learner = classifier(name, 0)
                whole = rule(rule_name)(widths, learner, None)
                fit(whole, learner, None, X[:LEARNT], y[:LEARNT], groups)[0].predict_proba(X[LEARNT:])

            seconds = seconds_of(one)
            spent, slowest = spent + seconds, max(slowest, (seconds, f"{rule_name}, {name}"))
        total += spent
        say(f"ten classifiers, {sum(widths)} features by {rule_name}", spent, 60)
    say(f"the slowest of {len(RULES) * len(CLASSIFIERS)} fits: {slowest[1]}", slowest[0], 60)
    say("all rules with all classifiers", total, 60)

    backbone = architecture.backbone(Architecture("squeezenet", 1, (64, 64, 3)))
    model = architecture.with_scores(architecture.with_head(backbone, 2, 0.0))
    weights.initialise(model, 0)
    chosen = y[:100]
    grad_cam(model, pictures[:100], chosen)
    say(
        "Grad-CAM of 100 pictures, squeezenet",
        median(seconds_of(lambda: grad_cam(model, pictures[:100], chosen)) for _ in range(5)),
        10,
    )
    score = of_network(model)
    explained = lambda: lime(score, pictures[:1], y[:1], samples=1000, segments=60, seed=0)  # noqa: E731
    explained()
    say("LIME, 1,000 samples, a picture of 64 px, squeezenet", median(seconds_of(explained) for _ in range(5)), 3)
    write("fusing", rows)


if __name__ == "__main__":
    main()
