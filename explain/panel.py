"""The panel: one row per test image, with the maps of all chains of the recipe side by side."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from explain.registry import EXPLANATIONS


def draw(path: Path, maps: dict[str, dict[str, np.ndarray]], methods: list[str], classes: list[str], note: str) -> None:
    """Writes a PNG: each row has an image, then for each chain its maps laid over the image, with the score of the class.

    Args:
        path: the file to write.
        maps: chain -> the arrays that a `maps` run saved: images, y, explained, scores, one map per method, masks (optional).
        methods: names of the explanations, in the order of the columns.
        classes: class names by number.
        note: the text above the figure.
    """
    first = next(iter(maps.values()))
    rows, columns = len(first["images"]), 1 + len(maps) * len(methods)
    figure = Figure(figsize=(1.3 * columns + 0.4, 1.42 * rows + 0.9), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for row in range(rows):
        image = first["images"][row]
        _show(axes[row, 0], image)
        axes[row, 0].set_ylabel(classes[int(first["y"][row])], fontsize=7)
        for position, (chain, arrays) in enumerate(maps.items()):
            explained = int(arrays["explained"][row])
            score = float(arrays["scores"][row, explained])
            for number, method in enumerate(methods):
                axis = axes[row, 1 + position * len(methods) + number]
                _show(axis, image)
                _overlay(axis, arrays[method][row], method)
                if "masks" in arrays and arrays["masks"][row].any():
                    axis.contour(arrays["masks"][row] > 0, levels=[0.5], colors="cyan", linewidths=0.7)
                if row == 0:
                    axis.set_title(f"{chain}\n{EXPLANATIONS[method].title}", fontsize=7)
                if number == 0:
                    axis.set_xlabel(f"{classes[explained]}: {score:.2f}", fontsize=6.5, labelpad=2)
    axes[0, 0].set_title("image\n(true class left)", fontsize=7)
    figure.suptitle(textwrap.fill(note, int(12 * figure.get_figwidth())), fontsize=8)
    figure.savefig(path)


def _show(axis, image: np.ndarray) -> None:
    grey = image.shape[-1] == 1
    axis.imshow(image[..., 0] if grey else image, cmap="gray" if grey else None, vmin=0, vmax=255)
    axis.set_xticks([])
    axis.set_yticks([])


def _overlay(axis, heat: np.ndarray, method: str) -> None:
    """Draws a map over an image: sequential maps from transparent to bright, signed maps in red (for) and blue (against)."""
    if EXPLANATIONS[method].colours == "signed":
        limit = float(np.abs(heat).max()) or 1.0
        axis.imshow(heat, cmap="seismic", vmin=-limit, vmax=limit, alpha=0.45)
    else:
        axis.imshow(heat, cmap="inferno", vmin=0, vmax=1, alpha=0.55 * np.clip(heat * 1.5, 0, 1))
