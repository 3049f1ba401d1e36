"""Features of an exported set by a vision model of Hugging Face that has a class token, such as facebook/dinov2-base.

pip install transformers torch pillow pandas
python from_transformers.py EXPORT_FOLDER MODEL FEATURES.npz
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel

folder, name, output = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
images = pd.read_csv(folder / "images.csv", dtype=str)
processor, model = AutoImageProcessor.from_pretrained(name), AutoModel.from_pretrained(name).eval()
features = []
for start in range(0, len(images), 16):
    batch = [Image.open(folder / file).convert("RGB") for file in images["file"][start : start + 16]]
    with torch.inference_mode():
        outputs = model(**processor(batch, return_tensors="pt"))
    features.append(outputs.last_hidden_state[:, 0].numpy())  # the class token
card = {
    "model": name,
    "revision": str(model.config._commit_hash),
    "licence": "look it up on the model's card",
    "input": json.dumps(processor.to_dict(), default=str),
    "trained_on": "unknown",  # or a list of data sets: the table says whether your target is among them
}
names = {"ids": images["id"].to_numpy(str), "set": images["set"].to_numpy(str)}
np.savez(output, features=np.concatenate(features), **names, card=json.dumps(card))
