"""The arithmetic of docs/scale.md: multiply-adds and rates from results/, all else from docs/assumptions.toml."""

import math
import re
from typing import Any

from benchmarks.pages.house import House, taken
from benchmarks.pages.markdown import about, markdown
from benchmarks.pages.values import benchmark


def works(house: House) -> str:
    """The arithmetic of large experiments: multiply-adds from results/bench-macs.csv, all else from docs/assumptions.toml."""
    lines = []
    for work in house.assumptions["work"]:
        hours = sum(_seconds_per_image(house, name) for name in work["backbones"]) * seen_images(work) / 3600
        bytes_each = house.assumptions["pixels"] ** 2 * (3 if work["colour"] else 1)
        lines.append(
            [
                work["what"],
                f"{about(seen_images(work) / 1e6)} million" + " for each network" * (len(work["backbones"]) > 1),
                f"{about(work['images'] * bytes_each / 1e9)} GB, {'colour' if work['colour'] else 'grey'}",
                f"{about(hours)} h",
                f"{about(hours / 8)} h",
            ]
        )
    return markdown(["work", "images seen in training", "prepared on disk", "one GPU", "eight GPUs, at best"], lines)


def seen_images(work: dict[str, Any]) -> float:
    return sum(math.prod(part) for part in work["seen"])


def _seconds_per_image(house: House, backbone: str) -> float:
    """Of training, at the assumed rate: three times the forward pass, two operations per multiply-add."""
    giga = taken({row["backbone"]: row["giga_multiply_adds"] for row in house.rows("bench-macs")}, backbone, "backbone")
    return float(giga) * 1e9 * 2 * 3 / (house.assumptions["tera_operations_per_second"] * 1e12)


def assumed(house: House, key: str) -> str:
    return f"{taken(house.assumptions, key, 'assumption'):,}"


def demand(house: House, backbone: str) -> str:
    """Images per second that a network takes in at the assumed rate."""
    return about(1 / _seconds_per_image(house, backbone))


def from_disk(house: House) -> str:
    """Colour images per second that the assumed disk can read."""
    return about(house.assumptions["disk_gigabytes_per_second"] * 1e9 / (house.assumptions["pixels"] ** 2 * 3))


def preparing(house: House, images: str, what: str) -> str:
    """Minutes of preparing so many images at the measured rate."""
    row = benchmark(house, "preparing", what)
    return about(int(images) * float(row["ours"]) / int(re.findall(r"\d+", row["what"])[0]) / 60)
