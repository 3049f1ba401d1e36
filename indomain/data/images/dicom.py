"""DICOM files: transfer syntaxes, frames, rescaling, windows and inverted greys.

pydicom unpacks what is not compressed, deflated or run-length encoded, Pillow JPEG and JPEG 2000. JPEG Lossless, which most
radiographs of hospitals are, and JPEG-LS need GDCM (the extra `dicom`).
"""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from indomain.data.images.values import UnreadableImage, check_size, stretched

VERSION = 2  # raised when the same file gives other pixels; sets with DICOM files are then prepared anew


def is_dicom(path: Path) -> bool:
    """Whether a file is one, by its content or else by its name.

    Args:
        path: the file.
    """
    with open(path, "rb") as file:
        head = file.read(132)
    return head[128:132] == b"DICM" or path.suffix.lower() == ".dcm"


def header(path: Path) -> Any:
    """The header of a file, without its pixels.

    Args:
        path: the file.
    """
    import pydicom

    return pydicom.dcmread(path, stop_before_pixels=True, force=True)


def frames(path: Path, which: str) -> list[np.ndarray]:
    """Frames of a file, uint8 (H, W) for grey or (H, W, 3) for RGB.

    Args:
        path: the file.
        which: "first", "middle" or "all".

    Raises:
        UnreadableImage: the file has no pixels or too many, or pixels that are compressed in a way that nothing here unpacks.
    """
    import pydicom

    dataset = pydicom.dcmread(path, force=True)
    if "PixelData" not in dataset:
        raise UnreadableImage("a DICOM file without pixels")
    count = int(dataset.get("NumberOfFrames") or 1)
    chosen = {"first": [0], "middle": [count // 2]}.get(which, list(range(count)))
    check_size(int(dataset.Rows) * int(dataset.Columns) * len(chosen))
    if not hasattr(dataset.file_meta, "TransferSyntaxUID"):
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    return [_shown(dataset, _pixels(dataset, frame)) for frame in chosen]


def _pixels(dataset: Any, frame: int) -> np.ndarray:
    """The stored values of a frame; pydicom has already converted YBR to RGB."""
    from pydicom.pixels import pixel_array

    try:
        return pixel_array(dataset, index=frame)
    except Exception as error:
        syntax = dataset.file_meta.TransferSyntaxUID
        if not syntax.is_compressed:
            raise
        if importlib.util.find_spec("gdcm") is None:
            raise UnreadableImage(
                f"its pixels are compressed as {syntax.name} ({syntax}), which needs GDCM: pip install "
                "'indomain-pretraining[dicom]'"
            ) from error
        text = " ".join(str(error).split())[:200]
        raise UnreadableImage(
            f"its pixels are compressed as {syntax.name} ({syntax}), and cannot be unpacked: {text}"
        ) from error


def _shown(dataset: Any, pixels: np.ndarray) -> np.ndarray:
    """Stored values as they are shown: rescaled, windowed, bone bright."""
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if int(dataset.get("SamplesPerPixel", 1)) == 3:
        return pixels if pixels.dtype == np.uint8 else stretched(pixels.astype(np.float64))
    # Some files have empty window attributes, which means no window.
    centre, width = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    windowed = "VOILUTSequence" in dataset or (centre not in (None, "") and width not in (None, ""))
    # Many programs write a rescaling that changes nothing.
    slope, intercept = (
        float(dataset.get(name) or usual) for name, usual in (("RescaleSlope", 1), ("RescaleIntercept", 0))
    )
    rescaled = (slope, intercept) != (1.0, 0.0) or "ModalityLUTSequence" in dataset
    if photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        colours = apply_color_lut(pixels, dataset)
        return (colours >> (8 * (colours.dtype.itemsize - 1))).astype(np.uint8)
    if not windowed and not rescaled and pixels.dtype == np.uint8:
        image = pixels
    else:
        values = apply_modality_lut(pixels, dataset)
        if windowed:
            values = apply_voi_lut(values, dataset)
            low, high = _window_output_range(dataset, values)
            image = stretched(np.asarray(values, np.float64), low, high)
        else:
            image = stretched(np.asarray(values, np.float64))
    return 255 - image if photometric == "MONOCHROME1" else image


def _window_output_range(dataset, values: np.ndarray) -> tuple[float, float]:
    """The range that pydicom maps the window to: its limits become 0 and 255, rather than the image's own extremes."""
    from pydicom.pixels import apply_voi_lut

    if "VOILUTSequence" in dataset:
        bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        return 0.0, float(2**bits - 1)
    probe = np.array([-1e9, 1e9])
    low, high = apply_voi_lut(probe, dataset)
    return float(low), float(high)
