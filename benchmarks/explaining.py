"""LIME against the package `lime` as its tutorial uses it: `model.predict`, ten samples a batch."""

import keras
import numpy as np
from lime import lime_image

from benchmarks.ratios import compare, write
from explain.lime_maps import lime
from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.networks.scoring import of_network

SAMPLES = 1000


def main() -> None:
    backbone = architecture.backbone(Architecture("squeezenet", 1, (64, 64, 3)))
    weights.initialise(backbone, 0)
    model: keras.Model = architecture.with_scores(architecture.with_head(backbone, 2, 0.5))
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)

    def ours() -> None:
        lime(of_network(model), picture[None], np.array([1]), samples=SAMPLES, segments=60, seed=0)

    def tutorial() -> None:
        explainer = lime_image.LimeImageExplainer(random_state=0)
        explainer.explain_instance(
            picture.astype(np.float64), lambda batch: model.predict(batch, verbose=0), top_labels=2, num_samples=SAMPLES
        )

    seconds, other, ratio = compare(ours, tutorial)
    what = f"LIME, {SAMPLES} samples, one picture of 64 px, squeezenet; times as fast as lime with model.predict"
    write(
        "explaining",
        [{"what": what, "ours": round(seconds, 3), "other": round(other, 2), "ratio": round(ratio, 1), "limit": 15}],
    )


if __name__ == "__main__":
    main()
