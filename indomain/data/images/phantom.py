"""Synthetic radiographs of limbs, simulated by ray attenuation, with a known abnormality and its mask.

There are seven body parts, named as in MURA, and patients with 1–2 studies of 1–3 views each. A study is normal, or shows a
displaced fracture, a hairline fracture, a plate with screws, or a lytic lesion. These are phantoms: useful to test a
pipeline and for demonstrations, but no evidence about patients.

The images have the same bytes on every machine: random bits come from PCG64's raw stream, and the arithmetic is restricted
to +, −, ×, ÷ and square roots, which IEEE 754 rounds correctly. Library functions such as exp and sin differ in the last
bit.

    python -m indomain.data.images.phantom FOLDER --patients 20       writes FOLDER/MURA-v1.1/ in MURA's own layout
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from indomain.data.images.phantom_atlas import BONES, PARTS, TISSUE
from indomain.errors import RequestError

VERSION = 1  # raise it whenever the images change, so that prepared sets are created again
ABNORMALITIES = ("displaced fracture", "hairline fracture", "plate", "lytic lesion")
LABELS = ("normal", "abnormal")
# Views, each with the share of the side-to-side distances that remains visible: anteroposterior, lateral, oblique.
_VIEWS = (("ap", 1.0), ("lateral", 0.35), ("oblique", 0.7))


class _Dice:
    """Random numbers from PCG64's raw 64-bit stream, which NumPy guarantees never to change."""

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(list(key)))

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * ((int(self._bits.random_raw()) >> 11) / 2.0**53)

    def below(self, number: int) -> int:
        return int(self._bits.random_raw()) % number

    def noise(self, rows: int, columns: int) -> np.ndarray:
        """Nearly Gaussian noise, the sum of four 16-bit uniforms, with mean 0 and variance 1: float32 (rows, columns)."""
        words = self._bits.random_raw(rows * columns).view(np.uint16).reshape(rows, columns, 4).astype(np.int64)
        total = words[..., 0] + words[..., 1] + words[..., 2] + words[..., 3]
        # The sum of four uniforms on 0 … 65535 has the mean 131070 and the variance 4 · (65536² − 1) / 12 = 37837.2².
        return ((total - 131070).astype(np.float32) / np.float32(37837.2)).astype(np.float32)


@dataclass(frozen=True)
class Scanner:
    """What a device and its operators do to every radiograph, whoever lies under it.

    Attributes:
        dose: relative to the usual one; the noise is divided by its square root.
        contrast: factor on the distance from mid-grey.
        collimation: share of the rows and columns that is dark at each side, 0 … 0.4.
    """

    dose: float = 1.0
    contrast: float = 1.0
    collimation: float = 0.0


@dataclass(frozen=True)
class Exposure:
    """One radiograph to be drawn. These fields determine every pixel.

    Attributes:
        seed: the seed of the set.
        part: the body part, one of `PARTS`.
        patient_number: unique over all body parts.
        study_number: from 1.
        view_number: 0 anteroposterior, 1 lateral, 2 oblique.
        abnormality: one of `ABNORMALITIES`, or "".
        split: "train" or "test".
        scanner: the device.
    """

    seed: int
    part: str
    patient_number: int
    study_number: int
    view_number: int
    abnormality: str
    split: str
    scanner: Scanner = Scanner()

    @property
    def label(self) -> str:
        """One of `LABELS`."""
        return LABELS[bool(self.abnormality)]

    @property
    def patient(self) -> str:
        """The patient: "patient00012"."""
        return f"patient{self.patient_number:05d}"

    @property
    def study(self) -> str:
        """The study, with the patient: "patient00012/study1"."""
        return f"{self.patient}/study{self.study_number}"

    @property
    def view(self) -> str:
        """The view: "ap", "lateral" or "oblique"."""
        return _VIEWS[self.view_number][0]

    @property
    def id(self) -> str:
        """A unique name: "hand/patient30012/study1_normal/ap"."""
        return f"{self.part}/{self.study}_{self.label}/{self.view}"


def exposures(
    patients: int,
    seed: int = 0,
    parts: tuple[str, ...] = PARTS,
    scanner: Scanner = Scanner(),
    abnormal: float = 0.5,
) -> Iterator[Exposure]:
    """Yields every exposure of a phantom set, in a fixed order.

    A patient has one body part and 1–2 studies of 1–3 views each; half of the studies are abnormal, or another share. The
    images of a patient do not depend on the other patients and body parts.

    Args:
        patients: patients per body part; every fourth patient belongs to the test split.
        seed: seed of the set.
        parts: the body parts, from `PARTS`.
        scanner: the device that takes all of them.
        abnormal: share of the studies that are abnormal, 0 … 1.

    Raises:
        RequestError: if a body part is unknown.
    """
    for part in parts:
        if part not in BONES:
            raise RequestError(f"the phantom has no body part {part!r}; known: {', '.join(PARTS)}.")
        part_number = PARTS.index(part)
        for number in range(patients):
            dice = _Dice(seed, part_number, number)
            split = "test" if number % 4 == 3 else "train"
            for study in range(1 + (dice.below(4) == 0)):
                # A half is drawn as it always was, so that the usual set keeps its images.
                is_abnormal = dice.below(2) == 1 if abnormal == 0.5 else dice.uniform(0.0, 1.0) < abnormal
                kind = ABNORMALITIES[dice.below(len(ABNORMALITIES))] if is_abnormal else ""
                for view in range(1 + dice.below(3)):
                    yield Exposure(seed, part, part_number * 10_000 + number, study + 1, view, kind, split, scanner)


def render(exposure: Exposure, size: tuple[int, int] = (64, 64)) -> tuple[np.ndarray, np.ndarray]:
    """Draws one exposure.

    Args:
        exposure: what to draw.
        size: (rows, columns) of the image.

    Returns:
        The image, uint8 (rows, columns), 0–255, bright where much is absorbed; and the mask of the abnormality, uint8 (rows,
        columns), 0 or 255.
    """
    anatomy = _Dice(exposure.seed, exposure.patient_number, exposure.study_number, 1)
    shot = _Dice(exposure.seed, exposure.patient_number, exposure.study_number, 2, exposure.view_number)
    spread = _VIEWS[exposure.view_number][1]
    x, y, pixel = _grid(size, shot)
    thick = anatomy.uniform(0.85, 1.15)
    density = anatomy.uniform(0.8, 1.2)
    cortex = anatomy.uniform(0.28, 0.42)
    bones = [_own_bone(bone, anatomy, spread, thick) for bone in BONES[exposure.part]]
    # The abnormality is on one of the larger bones, well inside the frame, and at the same position in every view.
    middles = {i: max(abs(bone[0] + bone[2]), abs(bone[1] + bone[3])) / 2 for i, bone in enumerate(bones)}
    inside = [index for index, middle in middles.items() if middle < 0.8]
    large = [index for index in inside if bones[index][4] >= 0.6 * max(bones[other][4] for other in inside)]
    index = large[anatomy.below(len(large))]
    along = anatomy.uniform(0.30, 0.70)
    severity = anatomy.uniform(0.5, 1.0)
    side = 1.0 if anatomy.below(2) else -1.0

    bone = np.zeros(size, np.float32)
    metal = np.zeros(size, np.float32)
    mask = np.zeros(size, bool)
    for number, axis in enumerate(bones):
        if number == index and exposure.abnormality:
            layer, extra, where = _abnormal(exposure.abnormality, axis, along, severity, side, cortex, x, y, pixel)
            metal += extra
            mask |= where
        else:
            layer = _bone(axis, cortex, x, y)
        bone += layer
    tissue = _soft_tissue(bones, TISSUE[exposure.part] * thick, x, y)
    # Marrow and muscle have a texture of smooth noise, so that a small lesion must be told apart from the background.
    texture = _smooth(shot.noise(*size)) * np.float32(0.035)
    depth = bone * np.float32(2.4 * density) + tissue * np.float32(0.55) + metal * np.float32(6.0) + texture * tissue
    scanner = exposure.scanner
    image = _exposed(depth, shot)
    if scanner.contrast != 1:
        grey = np.float32(127.5)
        image = grey + (image - grey) * np.float32(scanner.contrast)
    image = _marker_and_collimation(image, shot, size)
    border = [int(scanner.collimation * length) for length in size]
    image[: border[0]] = image[size[0] - border[0] :] = 3
    image[:, : border[1]] = image[:, size[1] - border[1] :] = 3
    image += shot.noise(*size) * np.float32(shot.uniform(2.0, 5.0) / float(np.sqrt(scanner.dose)))
    return np.clip(np.floor(image + np.float32(0.5)), 0, 255).astype(np.uint8), mask.astype(np.uint8) * 255


def _own_bone(bone: tuple[float, ...], anatomy: _Dice, spread: float, thick: float) -> list[float]:
    """A bone of this patient, whose length, thickness and position vary around those in the atlas."""
    x0, y0, x1, y1, shaft, end = bone
    aside, along, stretch = anatomy.uniform(-0.04, 0.04), anatomy.uniform(-0.05, 0.05), anatomy.uniform(0.94, 1.06)
    width = thick * anatomy.uniform(0.85, 1.15)
    y0, y1 = y0 + along, y0 + along + (y1 - y0) * stretch
    return [
        (x0 + aside) * spread,
        y0,
        (x1 + aside) * spread,
        y1,
        shaft * width,
        end * width * anatomy.uniform(0.9, 1.1),
    ]


def _grid(size: tuple[int, int], shot: _Dice) -> tuple[np.ndarray, np.ndarray, float]:
    """The coordinates of each pixel in the limb's frame, and the size of a pixel.

    The limb lies rotated, shifted and scaled at random on the detector.
    """
    rows, columns = size
    scale = shot.uniform(0.9, 1.1) * 2.0 / max(rows, columns)
    down = ((np.arange(rows, dtype=np.float32) - np.float32((rows - 1) / 2)) * np.float32(scale))[:, None]
    right = ((np.arange(columns, dtype=np.float32) - np.float32((columns - 1) / 2)) * np.float32(scale))[None, :]
    # Rotation from the tangent t of half the angle, cos = (1 − t²) / (1 + t²) and sin = 2t / (1 + t²): rational functions,
    # which give the same bits on every machine.
    half = shot.uniform(-0.09, 0.09)
    cosine, sine = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    mirror = np.float32(-1.0 if shot.below(2) else 1.0)
    x = (right * np.float32(cosine) - down * np.float32(sine)) * mirror + np.float32(shot.uniform(-0.12, 0.12))
    y = right * np.float32(sine) + down * np.float32(cosine) + np.float32(shot.uniform(-0.10, 0.10))
    return x, y, scale


def _along_axis(axis: list[float], x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Position along a bone (0 … 1), signed distance from its axis, and its length."""
    x0, y0, x1, y1 = axis[:4]
    dx, dy = x1 - x0, y1 - y0
    length = float(np.sqrt(dx * dx + dy * dy))
    right, down = x - np.float32(x0), y - np.float32(y0)
    position = (right * np.float32(dx) + down * np.float32(dy)) / np.float32(length * length)
    distance = (right * np.float32(dy) - down * np.float32(dx)) / np.float32(length)
    return position, distance, length


def _bone(axis: list[float], cortex: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Path length through cortical bone: a hollow cylinder, wider and thinner-walled at its ends."""
    # A ray at the distance d from the axis of a cylinder of radius r runs 2 √(r² − d²) inside it. The path through the bone
    # is that through its outer surface, less the part of the marrow cavity that absorbs nothing:
    #     2 (√(R² − d²) − 0.67 √(r² − d²))
    # With the position along the bone scaled to c = 0 in the middle and 1 at either end, radii grow as c⁴ towards the ends.
    shaft, end = axis[4], axis[5]
    position, distance, length = _along_axis(axis, x, y)
    centre = np.abs(position * np.float32(2) - np.float32(1))
    flare = centre * centre * centre * centre
    radius = np.float32(shaft) + np.float32(end - shaft) * np.minimum(flare, np.float32(1))
    # Beyond its ends the bone is closed by half an ellipsoid.
    beyond = np.maximum(centre - np.float32(1), np.float32(0)) * np.float32(length / 2)
    around = distance * distance + beyond * beyond
    outer = np.sqrt(np.maximum(radius * radius - around, np.float32(0)))
    inner_radius = radius * (np.float32(1 - cortex) + np.float32(0.6 * cortex) * np.minimum(flare, np.float32(1)))
    inner = np.sqrt(np.maximum(inner_radius * inner_radius - around, np.float32(0)))
    # Marrow is spongy and absorbs a third of what cortical bone does.
    return np.float32(2) * (outer - inner * np.float32(0.67))


def _soft_tissue(bones: list[list[float]], width: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Path length through muscle and skin: the thickest of the sleeves around the bones."""
    sleeve = np.zeros(x.shape, np.float32)
    for axis in bones:
        position, distance, length = _along_axis(axis, x, y)
        centre = np.abs(position * np.float32(2) - np.float32(1))
        beyond = np.maximum(centre - np.float32(1), np.float32(0)) * np.float32(length / 2)
        sleeve = np.maximum(sleeve, np.float32(width * width) - distance * distance - beyond * beyond)
    return np.float32(2) * np.sqrt(sleeve)


def _abnormal(
    kind: str,
    axis: list[float],
    along: float,
    severity: float,
    side: float,
    cortex: float,
    x: np.ndarray,
    y: np.ndarray,
    pixel: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A bone with its abnormality: the path lengths through bone and through metal, and the mask."""
    none = np.zeros(x.shape, np.float32)
    position, distance, length = _along_axis(axis, x, y)
    radius = np.float32(axis[4])
    offset = (position - np.float32(along)) * np.float32(length)  # from the abnormality's middle, along the bone
    if kind == "displaced fracture":
        x0, y0, x1, y1, shaft, end = axis
        # The distal fragment is displaced sideways and tilted; the fracture line is oblique.
        shift = side * severity * 1.1 * shaft
        across = ((y1 - y0) / length * shift, -(x1 - x0) / length * shift)
        far = [x0 + across[0] * 0.5, y0 + across[1] * 0.5, x1 + across[0] * 1.5, y1 + across[1] * 1.5, shaft, end]
        edge = offset + distance * np.float32(0.6 * side)
        gap = np.float32(0.10 * severity + pixel)
        layer = np.where(edge < -gap / 2, _bone(axis, cortex, x, y), none) + np.where(
            edge > gap / 2, _bone(far, cortex, x, y), none
        )
        reach = np.float32(2.2 * shaft)
        return layer, none, offset * offset + distance * distance < reach * reach
    layer = _bone(axis, cortex, x, y)
    if kind == "hairline fracture":
        edge = np.abs(offset + distance * np.float32(0.7 * side))
        width = np.float32(max(0.05, 1.6 * pixel) * (0.7 + 0.6 * severity))
        inside = np.abs(distance) < radius * np.float32(1.25)
        crack = np.where(inside, np.maximum(np.float32(1) - edge / width, np.float32(0)), none)
        return layer * (np.float32(1) - np.float32(0.95) * crack), none, inside & (edge < np.float32(3) * width)
    if kind == "plate":
        half = np.float32(min(0.34, 0.35 * length) * (0.7 + 0.6 * severity))
        strip = np.abs(distance - np.float32(side) * radius * np.float32(0.75))
        metal = np.where((np.abs(offset) < half) & (strip < np.float32(0.06)), np.float32(0.14), none)
        step = half / np.float32(2)
        for number in range(-2, 3):
            screw = np.abs(offset - step * np.float32(number * 0.85)) < np.float32(max(0.02, 0.6 * pixel))
            metal = np.maximum(metal, np.where(screw & (np.abs(distance) < radius), np.float32(0.10), none))
        return layer, metal, (np.abs(offset) < half) & (np.abs(distance) < radius * np.float32(1.3))
    if kind == "lytic lesion":
        long, wide = (
            np.float32(1.4 * radius * (0.6 + 0.7 * severity)),
            np.float32(0.85 * radius * (0.6 + 0.7 * severity)),
        )
        away = distance - np.float32(0.3 * side) * radius
        ellipse = (offset / long) * (offset / long) + (away / wide) * (away / wide)
        hole = np.minimum(np.maximum(np.float32(1.3) - ellipse, np.float32(0)), np.float32(1))
        return layer * (np.float32(1) - np.float32(0.95) * hole), none, ellipse < np.float32(1.3)
    raise RequestError(f"the phantom has no abnormality {kind!r}; known: {', '.join(ABNORMALITIES)}.")


def _exposed(depth: np.ndarray, shot: _Dice) -> np.ndarray:
    """The signal, 0 … 255, behind an absorber of this optical depth (Beer–Lambert law); exposure and contrast vary."""
    # exp(−d) ≈ (1 − d/256)^256 by eight squarings: products only, which give the same bits on every machine.
    base = np.maximum(np.float32(1) - depth / np.float32(256), np.float32(0))
    for _ in range(8):
        base = base * base
    absorbed = np.float32(1) - base
    contrast = np.float32(shot.uniform(0.0, 0.3))
    absorbed = absorbed * (np.float32(1) - contrast) + absorbed * absorbed * contrast
    return absorbed * np.float32(shot.uniform(200, 245)) + np.float32(shot.uniform(0, 22))


def _marker_and_collimation(image: np.ndarray, shot: _Dice, size: tuple[int, int]) -> np.ndarray:
    """Adds, in place, a side marker (L or R) in a corner, and the dark border that the collimator leaves."""
    rows, columns = size
    unit = max(1, max(rows, columns) // 48)
    glyph = ("1000", "1000", "1000", "1000", "1111") if shot.below(2) else ("1110", "1001", "1110", "1010", "1001")
    left = shot.below(2) == 1
    top = 2 * unit + shot.below(3 * unit)
    start = 2 * unit + shot.below(2 * unit) if left else columns - 7 * unit - shot.below(2 * unit)
    letter = np.array([[int(bit) for bit in line] for line in glyph], bool).repeat(unit, 0).repeat(unit, 1)
    # An image that is too small for the letter has no marker.
    if top + letter.shape[0] < rows and start >= 0 and start + letter.shape[1] < columns:
        image[top : top + letter.shape[0], start : start + letter.shape[1]][letter] = 250
    for border in range(4):
        width = int(shot.uniform(0, 0.07) * rows) if shot.below(4) == 0 else 0
        if width:
            edge = (slice(None, width), slice(-width, None))[border % 2]
            image[(edge, slice(None)) if border < 2 else (slice(None), edge)] = 3
    return image


def _smooth(noise: np.ndarray) -> np.ndarray:
    """Averages noise over 5 × 5 pixels and restores its variance of 1; wrapping at the edges is invisible in noise."""
    for axis in (0, 1):
        noise = (
            noise
            + np.roll(noise, 1, axis)
            + np.roll(noise, 2, axis)
            + np.roll(noise, -1, axis)
            + np.roll(noise, -2, axis)
        )
    return noise * np.float32(0.2)  # the sum of 25 pixels has the variance 25


def write_mura(folder: Path, patients: int, seed: int = 0, size: tuple[int, int] = (128, 128)) -> int:
    """Writes a phantom set in MURA's layout, `MURA-v1.1/{train,valid}/XR_PART/patientN/studyN_positive/imageN.png`.

    Args:
        folder: the folder to create `MURA-v1.1` in.
        patients: patients per body part.
        seed: seed of the set.
        size: (rows, columns) of the images.

    Returns:
        The number of images written.
    """
    split_names = {"train": "train", "test": "valid"}
    views: dict[str, int] = {}
    for exposure in exposures(patients, seed):
        outcome = "positive" if exposure.label == "abnormal" else "negative"
        study = f"{split_names[exposure.split]}/XR_{exposure.part.upper()}/{exposure.study}_{outcome}"
        views[study] = views.get(study, 0) + 1
        path = folder / "MURA-v1.1" / study / f"image{views[study]}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(render(exposure, size)[0]).save(path)
    return sum(views.values())


def main() -> None:
    """The command line: writes a phantom set."""
    parser = argparse.ArgumentParser(description="Write synthetic radiographs in MURA's folder layout.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int, default=20, help="patients per body part, of seven (default: 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=128, help="rows and columns of the images (default: 128)")
    arguments = parser.parse_args()
    size = (arguments.size, arguments.size)
    number = write_mura(arguments.folder, arguments.patients, arguments.seed, size)
    print(f"{number} synthetic radiographs written to {arguments.folder / 'MURA-v1.1'}")


if __name__ == "__main__":
    main()
