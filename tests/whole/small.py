"""What tests of whole recipes do with the finished small recipe."""

import shutil
from pathlib import Path

# One seed, one strategy, one classifier: seconds of work, every stage but the explanations.
LESS = ["--set", "explain.images=0", "--set", "seeds=[0]", "--set", 'finetune.strategies=["full"]']


def settings(*words: str) -> list[str]:
    """`key=value` words as arguments of a command."""
    return [argument for word in words for argument in ("--set", word)]


def same_table(first: Path, second: Path) -> bool:
    """Whether two runs folders hold the same table and predictions of the small recipe, to the byte."""
    names = ("table.csv", "predictions.csv")
    return all((first / "tiny" / name).read_bytes() == (second / "tiny" / name).read_bytes() for name in names)


def remove(here: Path, *stages: str) -> None:
    """Removes the runs of some stages, as if they were to be done yet."""
    for folder in [folder for stage in stages for folder in (here / "runs/work").glob(f"{stage}-*")]:
        shutil.rmtree(folder)
