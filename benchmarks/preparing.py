"""Preparing a folder of JPEG files, against decoding and resizing them with Pillow on all cores; and its memory."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.ratios import compare, write
from indomain.data.manifest import Manifest
from indomain.data.preparing import prepare


def pictures(folder: Path, number: int, side: int = 400) -> None:
    """Smooth random pictures, so that JPEG files have the size of photographs."""
    rng = np.random.default_rng(0)
    for place in range(number):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
        path = folder / "ab"[place % 2] / f"{place}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse.resize((side, side), Image.Resampling.BICUBIC).save(path, quality=90)


def manifest(root: Path) -> Manifest:
    read = {"reader": "folder", "root": str(root), "outside": True}
    return Manifest.model_validate({"name": "bench", "title": "bench", "read": read})


def with_pillow(paths: list[Path], side: int) -> None:
    def one(path: Path) -> np.ndarray:
        with Image.open(path) as image:
            return np.asarray(ImageOps.pad(image.convert("RGB"), (side, side), Image.Resampling.LANCZOS))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        np.stack(list(pool.map(one, paths)))


def prepare_folder(root: Path, side: int) -> None:
    with tempfile.TemporaryDirectory() as cache:
        prepare(manifest(root), Path(), Path(cache), (side, side), quiet=True)


def peak_memory(root: Path) -> float:
    """MB of a process that prepares a folder and does nothing else."""
    program = (
        "import resource, sys; from pathlib import Path; from benchmarks import preparing;"
        "preparing.prepare_folder(Path(sys.argv[1]), 64);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number, side, wanted in ((400, 400, 64), (400, 400, 224), (150, 1000, 224)):
            folder_of = root / f"{side}-{wanted}"
            pictures(folder_of, number, side)
            paths = sorted(folder_of.rglob("*.jpg"))
            ours, theirs, ratio = compare(
                lambda f=folder_of, w=wanted: prepare_folder(f, w), lambda p=paths, w=wanted: with_pillow(p, w)
            )
            what = (
                f"prepare {number} JPEG of {side} px to {wanted} px, times as fast as decoding and resizing with Pillow"
            )
            rows.append(
                {"what": what, "ours": round(ours, 3), "other": round(theirs, 3), "ratio": round(ratio, 2), "limit": 1}
            )
        pictures(root / "few", 100, 128)
        pictures(root / "many", 6000, 128)
        few, many = peak_memory(root / "few"), peak_memory(root / "many")
        what = "memory of preparing 6000 pictures against 100, MB"
        rows.append(
            {"what": what, "ours": round(many), "other": round(few), "ratio": round(many / few, 2), "limit": ""}
        )
    write("preparing", rows)


if __name__ == "__main__":
    main()
