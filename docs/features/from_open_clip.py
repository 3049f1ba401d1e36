"""Features of an exported set by the image tower of an open_clip model, such as BiomedCLIP:

pip install open_clip_torch transformers pillow pandas
python from_open_clip.py FOLDER hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224 FEATURES.npz
"""

import json
import sys
from pathlib import Path

import numpy as np
import open_clip
import pandas as pd
import torch
from PIL import Image

folder, name, output = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
images = pd.read_csv(folder / "images.csv", dtype=str)
model, transform = open_clip.create_model_from_pretrained(name)
model.eval()
features = []
for start in range(0, len(images), 16):
    batch = [transform(Image.open(folder / file).convert("RGB")) for file in images["file"][start : start + 16]]
    with torch.inference_mode():
        features.append(model.encode_image(torch.stack(batch)).numpy())
card = {
    "model": name,
    "revision": f"open_clip {open_clip.__version__}",
    "licence": "look it up on the model's card",
    "input": str(transform),
    "trained_on": "unknown",  # or a list of data sets: the table says whether your target is among them
}
names = {"ids": images["id"].to_numpy(str), "set": images["set"].to_numpy(str)}
np.savez(output, features=np.concatenate(features), **names, card=json.dumps(card))
