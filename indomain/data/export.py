"""Writes the images of a set as PNG files in order, with their ids, for models that this package cannot run.

<folder>/images/000000.png ...      8 bits, grey or RGB
<folder>/images.csv                 file, set, id, sha256 of the pixels; labels stay behind: features need none
<folder>/unreadable.csv             files that were left out, each with the reason
"""

from pathlib import Path

from PIL import Image

from indomain.data import preparing
from indomain.data.manifest import Manifest, PhantomReader
from indomain.data.prepared import INDEX_COLUMNS, in_subset
from indomain.errors import RequestError
from indomain.files import written_folder


def write(
    manifest: Manifest,
    subset: str,
    data_dir: Path,
    size: tuple[int, int] | None,
    folder: Path,
    quiet: bool = False,
) -> int:
    """Writes the folder; it appears complete or not at all.

    Args:
        manifest: the data set.
        subset: as in `indomain.data.prepared.PreparedSet`; "" for the complete set.
        data_dir: the folder that holds the data sets.
        size: (rows, columns); with it, pixels and digests are those of a recipe of this size. None: as they are.
        folder: what to write; must not exist.
        quiet: show no progress.

    Returns:
        The number of images.

    Raises:
        RequestError: the folder exists, data are missing, the subset is unknown, or the set is drawn and has no size.
    """
    import pandas as pd

    if size is None and isinstance(manifest.read, PhantomReader):
        raise RequestError(f"{manifest.name} is drawn, at any size: state one, such as --size 64.")
    records = preparing.list_records(manifest, data_dir, size)
    channels = preparing.channels_of(manifest, records)
    rows: list[dict[str, str]] = []
    unreadable: list[list[str]] = []
    with written_folder(folder) as building:
        (building / "images").mkdir()
        for part in preparing.decoded(manifest, records, size, channels, f"exporting {manifest.name}", quiet):
            if part.image is None:
                unreadable.append([part.file, part.reason])
                continue
            words = dict(zip(INDEX_COLUMNS, part.words))
            words["exported"] = f"images/{len(rows):06}.png"
            rows.append(words)
            Image.fromarray(part.image[..., 0] if channels == 1 else part.image).save(building / words["exported"])
        index = pd.DataFrame(rows, columns=[*INDEX_COLUMNS, "exported"])
        chosen = in_subset(manifest, subset, index)
        for name in index.loc[~chosen, "exported"]:
            (building / name).unlink()
        index = index.loc[chosen, ["exported", "id", "sha256"]].rename(columns={"exported": "file"})
        index.insert(1, "set", manifest.name)
        if index.empty:
            raise RequestError(f"{manifest.name}: none of the {len(records)} files could be read.")
        index.to_csv(building / "images.csv", index=False)
        pd.DataFrame(unreadable, columns=["file", "reason"]).to_csv(building / "unreadable.csv", index=False)
    return len(index)
