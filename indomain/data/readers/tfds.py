"""Reads classification sets of TensorFlow Datasets."""

from functools import partial
from pathlib import Path

import numpy as np

from indomain.data.images import decoding
from indomain.data.manifest import Manifest, TfdsReader
from indomain.data.readers import Record
from indomain.data.readers.paths import patient_in, split_of
from indomain.errors import RequestError, unknown


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    """Lists the examples of a set, split by split; downloads and prepares it first if the manifest allows that.

    Args:
        manifest: a data set with a `TfdsReader`.
        data_dir: the folder that holds the data sets; the set is in its subfolder `tensorflow_datasets`.
        size: ignored; every reader has the same parameters.

    Raises:
        RequestError: if TensorFlow Datasets cannot load the set, or a feature is missing.
    """
    import tensorflow_datasets as tfds

    options = manifest.read
    assert isinstance(options, TfdsReader)
    folder = data_dir / "tensorflow_datasets"
    try:
        # By default Google's storage is tried first, which takes minutes to fail on a machine without internet access.
        builder = tfds.builder(options.dataset, data_dir=folder, try_gcs=False)
        if options.download:
            builder.download_and_prepare()
        sources = {split: _source(builder, name) for split, name in options.splits.items()}
    except Exception as error:
        raise RequestError(
            f"{manifest.name}: TensorFlow Datasets could not load {options.dataset!r} "
            f"({type(error).__name__}: {str(error)[:300]}).\n  Put a prepared copy below {folder}, or run once with "
            "internet access."
        ) from None
    for key in (options.image, options.label, *([options.patient] if options.patient else [])):
        if key not in builder.info.features:
            raise unknown("feature", key, list(builder.info.features), manifest.name)
    label = builder.info.features[options.label]
    names = getattr(label, "names", None)
    records = []
    for split, source in sources.items():
        for number in range(len(source)):
            records.append(_record(manifest, source, number, split_of(split, manifest), names))
    return records


def _source(builder, split: str):
    """The examples by number, read one by one if the file format allows it, else all at once into memory."""
    try:
        return builder.as_data_source(split=split)
    except NotImplementedError:
        # Raised for TFRecord files, which have no random access.
        import tensorflow_datasets as tfds

        return list(tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False)))


def _record(manifest: Manifest, source, number: int, split: str, names: list[str] | None) -> Record:
    options = manifest.read
    assert isinstance(options, TfdsReader)
    example = source[number]
    label = example[options.label]
    where = f"tfds:{options.dataset}:{split}[{number}]"
    patient = _text(example[options.patient]) if options.patient else ""
    return Record(
        id=f"{split}/{number}",
        file=where,
        load=partial(_image, source, number, options.image),
        grey=partial(bool, example[options.image].shape[-1] == 1),
        # Images without a label, as in the test part of a competition, have -1.
        label="" if names and int(label) < 0 else names[int(label)] if names else _text(label),
        patient=patient_in(patient, options.patient_pattern, manifest, where) if options.patient else "",
        split=split,
    )


def _image(source, number: int, key: str) -> np.ndarray:
    image = np.asarray(source[number][key])
    if image.dtype != np.uint8:
        raise decoding.UnreadableImage(f"pixels are {image.dtype}, not uint8")
    return image[..., 0] if image.shape[-1] == 1 else image


def _text(value) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
