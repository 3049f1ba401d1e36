"""Prediction from files to a CSV, against the bare network on arrays of the same images: images a second, and memory.

1,000 files of 64 pixels by SqueezeNet at 128 pixels, and ten times as many for the memory. Decoding, digests and whether an image
is unlike the known ones may take a tenth of the time.
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.ratios import compare, write
from indomain.artifacts import exported
from indomain.models import predicting
from indomain.networks import architecture, inference, seen, weights
from indomain.networks.options import Architecture
from indomain.runs.memory import peak_memory_mb, reset_peak_memory

IMAGES, MORE = 1000, 10_000


def model_in(folder: Path) -> exported.ExportedModel:
    """An exported network that has learnt nothing."""
    spec = Architecture("squeezenet", 1.0, (64, 64, 3), 128)
    network = architecture.with_scores(architecture.with_head(architecture.backbone(spec), 2, 0.0))
    weights.initialise(network, 0)
    weights.save(network, folder / "network-0.keras")
    nothing = np.zeros((0, 32), np.uint8)
    features = np.random.default_rng(0).normal(size=(200, 512)).astype(np.float32)
    seen.write(folder / exported.SEEN, seen.describe(nothing, nothing, features, features))
    given = {"shape": [64, 64, 3], "grey": False, "fit": "pad", "contrast": "as it is"}
    networks = [{"file": "network-0.keras", "backbone": spec.to_params(), "layer": ""}]
    content = {"name": "bench", "title": "", "classes": ["a", "b"], "classifier": False, "networks": networks}
    exported.write(folder, {**content, "input": given, "temperature": None, "pooling": ["mean"]})
    return exported.read(folder)


def files_in(folder: Path, number: int) -> None:
    rng = np.random.default_rng(0)
    for place in range(number):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(folder / f"{place:05}.png")


def main() -> None:
    with tempfile.TemporaryDirectory() as top:
        folder, pictures = Path(top) / "model", Path(top) / "pictures"
        folder.mkdir(), pictures.mkdir()
        model = model_in(folder)
        files_in(pictures, IMAGES)
        predictor = predicting.Predictor(model)
        manifest, records = predicting.images_of(str(pictures), "", model, Path(top))
        images = np.stack([np.asarray(Image.open(record.file)) for record in records])
        network = weights.load(model.networks[0])
        # The network alone, in batches of the same size.
        parts = range(0, IMAGES, predicting.BATCH)

        def alone() -> None:
            for start in parts:
                inference.predict_arrays(network, images[start : start + predicting.BATCH])

        def ours() -> None:
            predicting.predict(predictor, manifest, records, Path(top) / "scores.csv", quiet=True)

        first, second, ratio = compare(ours, alone, 3)
        what = f"{IMAGES} images, from files to a CSV, against the network alone on arrays: images/s"
        rows = [
            {
                "what": what,
                "ours": round(IMAGES / first),
                "other": round(IMAGES / second),
                "ratio": round(ratio, 2),
                "limit": 0.9,
            }
        ]
        reset_peak_memory()
        ours()
        few = peak_memory_mb()
        reset_peak_memory()
        predicting.predict(predictor, manifest, records * (MORE // IMAGES), Path(top) / "scores.csv", quiet=True)
        what = f"peak memory of {MORE} images, against that of {IMAGES}: MB"
        rows.append(
            {"what": what, "ours": round(peak_memory_mb()), "other": round(few), "ratio": "", "limit": round(1.1 * few)}
        )
    write("predicting", rows)


if __name__ == "__main__":
    main()
