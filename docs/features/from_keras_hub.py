"""Features of an exported set by a vision model of keras-hub, such as dinov2_base, or a local folder in Hugging Face's layout.

python from_keras_hub.py EXPORT_FOLDER PRESET_OR_FOLDER FEATURES.npz
"""

import json
import sys
from pathlib import Path

import keras_hub
import numpy as np
import pandas as pd
from PIL import Image

folder, preset, output = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
images = pd.read_csv(folder / "images.csv", dtype=str)
model = keras_hub.models.Backbone.from_preset(preset)
rows, columns = model.image_shape[:2]
# keras-hub leaves the scaling of many models to its users: these are ImageNet's, as DINOv2 expects.
mean, std = np.array([0.485, 0.456, 0.406]) * 255, np.array([0.229, 0.224, 0.225]) * 255


def pixels(name: str) -> np.ndarray:
    image = Image.open(folder / name).convert("RGB").resize((columns, rows), Image.Resampling.BICUBIC)
    return (np.asarray(image) - mean) / std


features = []
for start in range(0, len(images), 16):
    batch = np.stack([pixels(name) for name in images["file"][start : start + 16]]).astype("float32")
    features.append(np.asarray(model.predict_on_batch({"images": batch}))[:, 0])  # the class token
card = {
    "model": preset,
    "revision": f"keras-hub {keras_hub.__version__}",
    "licence": "look it up",
    "input": f"{rows}×{columns} pixels, bicubic, ImageNet's mean and deviation",
    "trained_on": "unknown",
}
names = {"ids": images["id"].to_numpy(str), "set": images["set"].to_numpy(str)}
np.savez(output, features=np.concatenate(features), **names, card=json.dumps(card))
