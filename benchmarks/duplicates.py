"""The gate: recall of copies by transformation, set and size; false pairs of different patients; seconds by number of images.

Reads the real images under INDOMAIN_DATA. Sets of 64 pixels are enlarged to 128, which adds nothing to see: such rows say so.
Copies are compared with `IMAGES` originals of their set, of which the first `COPIES` were copied. The weights of the gate were
fitted to other copies of the same sets: `benchmarks.gate_weights` has the recall on sets that they have not seen.
SECONDS_AGAIN=0 keeps the seconds that were measured before, which need a quiet machine.
"""

import csv
import io
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from benchmarks.ratios import RESULTS, seconds_of, write
from indomain.data import duplicates, evidence
from indomain.data.duplicates import Signatures
from indomain.data.images.hashing import pixel_sha256

DATA = Path(os.environ.get("INDOMAIN_DATA", "../shared/data"))
IMAGES, COPIES = 150, 40
SIZES = {
    "knee_kl": (28, 64, 128),
    "isic2017": (28, 64, 128),
    "pneumoniamnist": (28, 64),
    "ph2": (28, 64, 128, 224),
    "covid_ct": (28, 64, 128, 224, 512),
}
NATIVE = {"knee_kl": 64, "isic2017": 64, "pneumoniamnist": 28, "ph2": 224, "covid_ct": 224}
LANCZOS = Image.Resampling.LANCZOS


def squash(image: Image.Image, side: int) -> Image.Image:
    return image.resize((side, side), LANCZOS)


def letterbox(image: Image.Image, side: int) -> Image.Image:
    return ImageOps.pad(image, (side, side), LANCZOS, color=0)


def crop(image: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """60 % of either side, anywhere."""
    left, top = rng.uniform(0, 0.4, 2) * image.size
    box = (left, top, left + 0.6 * image.width, top + 0.6 * image.height)
    return image.resize((side, side), LANCZOS, box=box)


def shifted(image: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """By 10 % in both directions; what comes in is black."""
    down, right = rng.choice([-0.1, 0.1], 2) * side
    return squash(image, side).transform((side, side), Image.Transform.AFFINE, (1, 0, right, 0, 1, down))


def marked(image: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """A white square of 15 % of the side with a black letter, near the upper or lower edge."""
    picture = squash(image, side)
    x, y, size = rng.uniform(0, 0.85) * side, rng.choice([0.02, 0.83]) * side, 0.15 * side
    draw = ImageDraw.Draw(picture)
    draw.rectangle([x, y, x + size, y + size], fill="white")
    draw.line([x + size / 3, y + size / 5, x + size / 3, y + size * 0.8, x + size * 0.75, y + size * 0.8], fill="black")
    return picture


def as_jpeg(image: Image.Image, side: int) -> Image.Image:
    buffer = io.BytesIO()
    squash(image, side).save(buffer, "JPEG", quality=30)
    return Image.open(buffer)


def on_squashed(change: Callable[[Image.Image], Image.Image]) -> Callable:
    return lambda image, side, rng: change(squash(image, side))


def power(gamma: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.point(
        [round(255 * (value / 255) ** gamma) for value in range(256)] * len(image.getbands())
    )


# What was done to the copy, and to the original.
CASES: dict[str, tuple[Callable, Callable]] = {
    "crop to 60 % against squash": (crop, squash),
    "crop to 60 % against letterbox": (crop, letterbox),
    "squash against letterbox": (lambda image, side, rng: squash(image, side), letterbox),
    "mirrored": (on_squashed(ImageOps.mirror), squash),
    "turned by 90°": (on_squashed(lambda image: image.rotate(90)), squash),
    "turned by 180°": (on_squashed(lambda image: image.rotate(180)), squash),
    "turned by 270°": (on_squashed(lambda image: image.rotate(270)), squash),
    "inverted": (on_squashed(ImageOps.invert), squash),
    "shifted by 10 %": (shifted, squash),
    "rotated by 5°": (on_squashed(lambda image: image.rotate(5, Image.Resampling.BICUBIC)), squash),
    "equalised": (on_squashed(ImageOps.equalize), squash),
    "gamma 0.5": (on_squashed(power(0.5)), squash),
    "gamma 2": (on_squashed(power(2.0)), squash),
    "JPEG 30": (lambda image, side, rng: as_jpeg(image, side), squash),
    "burnt-in mark": (marked, squash),
}


def pictures(name: str, most: int | None = None) -> tuple[list[Image.Image], np.ndarray]:
    """Pictures of a set in random order, one a patient where patients are known, and their patients."""
    tree = DATA / "trees" / name
    if tree.is_dir():
        paths = sorted(tree.rglob("*.jpg"))
        order = np.random.default_rng(0).permutation(len(paths))[:most]
        mode = "L" if name == "covid_ct" else "RGB"
        return [Image.open(paths[number]).convert(mode) for number in order], order
    with np.load(DATA / f"{name}.npz") as archive:
        parts = [key.removesuffix("images") for key in archive.files if key.endswith("images")]
        images = np.concatenate([archive[f"{part}images"] for part in parts])
        groups = [archive[f"{part}groups"] for part in parts if f"{part}groups" in archive.files]
        if name == "medical_mnist6":
            # Of the others, neighbouring slices of one patient may be there.
            images = images[archive["labels"] == list(archive["class_names"]).index("Hand")]
    order = np.random.default_rng(0).permutation(len(images))
    patients = np.concatenate(groups) if groups else np.arange(len(images))
    order = order[np.sort(np.unique(patients[order], return_index=True)[1])][:most]
    return [Image.fromarray(images[number]) for number in order], patients[order]


def sign(images: list[Image.Image] | np.ndarray) -> Signatures:
    grey = np.stack([np.asarray(image.convert("L") if isinstance(image, Image.Image) else image) for image in images])
    return duplicates.sign(lambda rows: grey[rows], np.array([pixel_sha256(image) for image in grey]))


def recall(copies: Signatures, originals: Signatures) -> float:
    """The share of copies that are found; the copies are of the first originals, in order."""
    number_of = {int(place): number for number, members in enumerate(originals.members) for place in members}
    found, log_odds, _ = duplicates.near(copies, originals)
    alike = log_odds >= evidence.COPY.min_log_odds
    near = set(zip(found.first[alike], found.second[alike]))
    right = 0
    for number, members in enumerate(copies.members):
        same_pixels = copies.digests[number] in set(originals.digests)
        right += sum(same_pixels or (number, number_of[int(place)]) in near for place in members)
    return right / sum(map(len, copies.members))


def measure_recall(rows: list[dict[str, object]]) -> None:
    for name, sizes in SIZES.items():
        images, _ = pictures(name, IMAGES)
        for side in sizes:
            originals = {fit: sign([fit(image, side) for image in images]) for fit in (squash, letterbox)}
            for what, (change, fit) in CASES.items():
                rng = np.random.default_rng(1)
                copies = sign([change(image, side, rng) for image in images[:COPIES]])
                enlarged = ", enlarged" if side > NATIVE[name] else ""
                row = {"what": f"recall, {what}", "set": name, "pixels": f"{side}{enlarged}", "images": COPIES}
                rows.append({**row, "value": round(recall(copies, originals[fit]), 3), "limit": 0.95})


def measure_recall_among_many(rows: list[dict[str, object]]) -> None:
    """The more images there are, the more of them look like a part of a picture."""
    for name in ("knee_kl", "isic2017", "pneumoniamnist"):
        images, _ = pictures(name, 2000)
        originals = sign([squash(image, 64) for image in images])
        for what in ("crop to 60 % against squash", "JPEG 30"):
            rng = np.random.default_rng(1)
            copies = sign([CASES[what][0](image, 64, rng) for image in images[:COPIES]])
            row = {
                "what": f"recall, {what}, among {len(images):,} images of 64 pixels",
                "set": name,
                "pixels": 64,
                "images": COPIES,
            }
            rows.append({**row, "value": round(recall(copies, originals), 3), "limit": 0.95})


def measure_crop_of_a_public_set(rows: list[dict[str, object]]) -> None:
    """Radiographs of two sets: one cropped to the short side at 28 pixels, one squashed at 64; made from CT of any shape."""
    images, _ = pictures("covid_ct")
    wide = [image for image in images if 1.2 <= image.width / image.height <= 1.7]
    for side in (28, 64):
        cropped = [ImageOps.fit(image, (28, 28), LANCZOS).resize((side, side), LANCZOS) for image in wide]
        squashed = [squash(squash(image, 64), side) for image in wide]
        row = {"what": "recall, cropped at 28 against squashed at 64 pixels", "set": "covid_ct", "pixels": side}
        rows.append(
            {**row, "images": len(wide), "value": round(recall(sign(cropped), sign(squashed)), 3), "limit": 0.95}
        )


def measure_false_pairs(rows: list[dict[str, object]]) -> None:
    """One picture a patient; skin of two sets that share none."""
    for name, most in (("knee_kl", 4000), ("medical_mnist6", 700)):
        images, _ = pictures(name, most)
        for side in (28, 64):
            signatures = sign([squash(image, side) for image in images])
            number = len(signatures.members)
            rows.append(_false(name, side, len(images), signatures, signatures, number * (number - 1) / 2))
    for side in (28, 64):
        first, second = (sign([squash(image, side) for image in pictures(name)[0]]) for name in ("isic2017", "ph2"))
        of = len(first.members) * len(second.members)
        rows.append(_false("isic2017 against ph2", side, len(first.members), first, second, of))


def _false(name: str, side: int, images: int, first: Signatures, second: Signatures, of: float) -> dict[str, object]:
    found = int((duplicates.near(first, second)[1] >= evidence.COPY.min_log_odds).sum())
    row = {"what": f"false pairs in a million, {found} of {of:,.0f}", "set": name, "pixels": side, "images": images}
    return {**row, "value": round(found / of * 1e6, 2), "limit": 1}


def measure_seconds(rows: list[dict[str, object]], numbers: tuple[int, ...] = (10_000, 20_000, 40_561)) -> None:
    """Upper and lower halves of real images, 64 × 64: no two show the same."""
    halves = []
    for name in ("knee_kl", "pneumoniamnist", "isic2017", "medical_mnist6", "sarscov2_ct", "dtd10", "imagenette",
                 "glas_tiles"):  # fmt: skip
        with np.load(DATA / f"{name}.npz") as archive:
            for key in archive.files:
                if key.endswith("images"):
                    for image in archive[key]:
                        picture = Image.fromarray(image).convert("L")
                        middle = picture.height / 2
                        for top in (0, middle):
                            halves.append(
                                np.asarray(picture.resize((64, 64), LANCZOS, (0, top, picture.width, top + middle)))
                            )
    order = np.random.default_rng(0).permutation(len(halves))
    images = np.stack([halves[number] for number in order])
    seconds = []
    for number in numbers:

        def whole(number: int = number) -> None:
            signatures = sign(images[:number])
            duplicates.near(signatures, signatures)

        seconds.append(seconds_of(whole))
        row = {"what": "seconds, a set with itself", "set": "halves of eight sets", "pixels": 64, "images": number}
        rows.append({**row, "value": round(seconds[-1], 1), "limit": 180 if number == numbers[-1] else ""})
        print(rows[-1], flush=True)
    exponent, constant = np.polyfit(np.log(numbers), np.log(seconds), 1)
    row = {"set": "halves of eight sets", "pixels": 64, "limit": ""}
    rows.append({"what": "exponent of the number of images", "images": "", "value": round(float(exponent), 2), **row})
    hours = float(np.exp(constant) * 1_350_000**exponent / 3600)
    rows.append({"what": "hours, extrapolated", "images": 1_350_000, "value": round(hours, 1), **row})


def main() -> None:
    began, rows = time.perf_counter(), list[dict[str, object]]()
    measure_recall(rows)
    measure_recall_among_many(rows)
    measure_crop_of_a_public_set(rows)
    measure_false_pairs(rows)
    if os.environ.get("SECONDS_AGAIN", "1") == "1":
        measure_seconds(rows)
    else:
        with open(RESULTS / "bench-duplicates.csv", newline="", encoding="utf-8") as file:
            rows += [row for row in csv.DictReader(file) if not row["what"].startswith(("recall", "false"))]
    columns = ("what", "set", "pixels", "images", "value", "limit")
    # Rows that are kept say when and where they were measured.
    kept, here = ("processor", "date", "cores", "python"), {"processor": _processor()}
    write(
        "duplicates",
        [
            {**{key: row[key] for key in columns}, **here, **{key: row[key] for key in kept if key in row}}
            for row in rows
        ],
    )
    print(f"{time.perf_counter() - began:.0f} s")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
