"""The panel: the same test images, one row each; every chain of the recipe side by side."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from explain.registry import EXPLANATIONS


def draw(path: Path, maps: dict[str, dict[str, np.ndarray]], methods: list[str], classes: list[str], note: str) -> None:
    """Writes a PNG: picture, then for each chain its Grad-CAM and LIME maps over the picture, with the score given.

    Args:
        maps: chain -> arrays as saved by the `maps` run: images, y, explained, scores, one map a method, masks (optional).
        note: stands above the figure.
    """
    first = next(iter(maps.values()))
    rows, columns = len(first["images"]), 1 + len(maps) * len(methods)
    figure = Figure(figsize=(1.3 * columns + 0.4, 1.42 * rows + 0.9), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for row in range(rows):
        picture = first["images"][row]
        _show(axes[row, 0], picture)
        true = classes[int(first["y"][row])]
        axes[row, 0].set_ylabel(true, fontsize=7)
        for place, (chain, arrays) in enumerate(maps.items()):
            explained = int(arrays["explained"][row])
            score = float(arrays["scores"][row, explained])
            for number, method in enumerate(methods):
                axis = axes[row, 1 + place * len(methods) + number]
                _show(axis, picture)
                _overlay(axis, arrays[method][row], method)
                if "masks" in arrays and arrays["masks"][row].any():
                    axis.contour(arrays["masks"][row] > 0, levels=[0.5], colors="cyan", linewidths=0.7)
                if row == 0:
                    axis.set_title(f"{chain}\n{EXPLANATIONS[method].title}", fontsize=7)
                if number == 0:
                    axis.set_xlabel(f"{classes[explained]}: {score:.2f}", fontsize=6.5, labelpad=2)
    axes[0, 0].set_title("picture\n(true class left)", fontsize=7)
    figure.suptitle(textwrap.fill(note, int(12 * figure.get_figwidth())), fontsize=8)
    figure.savefig(path)


def _show(axis, picture: np.ndarray) -> None:
    grey = picture.shape[-1] == 1
    axis.imshow(picture[..., 0] if grey else picture, cmap="gray" if grey else None, vmin=0, vmax=255)
    axis.set_xticks([])
    axis.set_yticks([])


def _overlay(axis, heat: np.ndarray, method: str) -> None:
    """Grad-CAM from clear to red; LIME's weights red for the class and blue against it."""
    if EXPLANATIONS[method].colours == "signed":
        limit = float(np.abs(heat).max()) or 1.0
        axis.imshow(heat, cmap="seismic", vmin=-limit, vmax=limit, alpha=0.45)
    else:
        axis.imshow(heat, cmap="inferno", vmin=0, vmax=1, alpha=0.55 * np.clip(heat * 1.5, 0, 1))
