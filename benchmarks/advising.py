"""`indomain advise` for 500 images, four ImageNet networks and the floor, five folds drawn five times: seconds, and once more."""

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from advice import beginnings
from benchmarks.ratios import seconds_of, write
from indomain.commands.cli import main as indomain

PATIENTS, LIMIT, AGAIN, OF_FEATURES = 125, 360, 5, 240


def leave_images(folder: Path) -> None:
    """Two images of each of 250 patients, of two classes."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(("one", "two")):
        (folder / name).mkdir(parents=True)
        for patient in range(PATIENTS):
            for view in range(2):
                pixels = rng.integers(0, 200, (224, 224)).astype(np.uint8)
                pixels[40:90, 40:90] += np.uint8(25 * number)
                Image.fromarray(pixels).save(folder / name / f"{name}{patient:03}_{view}.png")


def main() -> None:
    spent = []
    plain = beginnings._computed

    def timed(*arguments):
        found = []
        spent.append(seconds_of(lambda: found.append(plain(*arguments))))
        return found[0]

    with tempfile.TemporaryDirectory() as top, contextlib.chdir(top):
        leave_images(Path("images"))
        beginnings._computed = timed
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                whole, again = (
                    seconds_of(lambda: indomain(["advise", "images", "--cache-dir", "cache"])) for _ in range(2)
                )
        finally:
            beginnings._computed = plain
    rows = [
        ("the first call: s", whole, LIMIT),
        ("of which features: s", sum(spent), OF_FEATURES),
        ("the second call: s", again, AGAIN),
    ]
    write(
        "advising",
        [
            {"what": what, "ours": round(value, 1), "other": "", "ratio": "", "limit": limit}
            for what, value, limit in rows
        ],
    )


if __name__ == "__main__":
    main()
