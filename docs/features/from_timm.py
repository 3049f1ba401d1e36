"""Features of an exported set by a model of timm, such as vit_small_patch14_dinov2.lvd142m or convnext_tiny.fb_in22k.

pip install timm pillow pandas
python from_timm.py EXPORT_FOLDER MODEL FEATURES.npz
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import timm
import torch
from PIL import Image

folder, name, output = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
images = pd.read_csv(folder / "images.csv", dtype=str)
model = timm.create_model(name, pretrained=True, num_classes=0).eval()
config = timm.data.resolve_model_data_config(model)
transform = timm.data.create_transform(**config, is_training=False)
features = []
for start in range(0, len(images), 16):
    batch = [transform(Image.open(folder / file).convert("RGB")) for file in images["file"][start : start + 16]]
    with torch.inference_mode():
        features.append(model(torch.stack(batch)).numpy())
card = {
    "model": name,
    "revision": f"timm {timm.__version__}",
    "licence": str(model.pretrained_cfg.get("license") or "look it up on the model's card"),
    "input": json.dumps(config, default=str),
    "trained_on": "unknown",  # or a list of data sets: the table says whether your target is among them
}
names = {"ids": images["id"].to_numpy(str), "set": images["set"].to_numpy(str)}
np.savez(output, features=np.concatenate(features), **names, card=json.dumps(card))
