"""The gate: the split of a target or source is found on disk, or drawn, checked for leaks and written.

A leak is anything that is on both sides of a target's split, or in a source and among a target's test images. Under the
strict profile a leak is refused, or removed from the training side with `drop_leaks`; under the paper profile leaks are
counted and kept.
"""

import os
import shutil
import tempfile
from pathlib import Path

from indomain import files
from indomain.data.request import ExternalRequest, SourceRequest, TargetRequest
from indomain.data.split import Split, info_of
from indomain.errors import RequestError


def find_or_draw(work: Path, request: TargetRequest | SourceRequest | ExternalRequest) -> Split:
    """Returns the split for a request; draws and writes it if it is not on disk yet.

    The folder of a split is written completely or not at all.

    Args:
        work: the folder that holds splits and runs.
        request: a target or source, and how it is split; or a set that is only tested on.

    Raises:
        RequestError: if the split cannot be drawn, or a leak was found that is not to be kept.
    """
    folder = work / f"split-{files.digest_of(request.key())}"
    record = files.read_record(folder, "info.json")
    if record is None:
        # pandas is slow to import; a recipe that is already finished does not need it.
        from indomain.data import drawing

        files.make_folder(work)
        building = Path(tempfile.mkdtemp(prefix=".split-", dir=work))
        try:
            if isinstance(request, TargetRequest):
                info = drawing.draw_target(request, building)
            elif isinstance(request, ExternalRequest):
                info = drawing.draw_external(request, building)
            else:
                info = drawing.draw_source(request, building)
            files.write_json(building / "info.json", {**info.to_params(), "files": files.contents(building)})
            try:
                os.rename(building, folder)
            except OSError:
                if not (folder / "info.json").is_file():
                    raise RequestError(f"{folder} is in the way: it is not a finished split. Remove it.") from None
        finally:
            shutil.rmtree(building, ignore_errors=True)
        record = files.read_json(folder / "info.json")
    return Split(folder, request.pool.folders, info_of(record))
