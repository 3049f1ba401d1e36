"""What is learnt from where a generator has made images: always the same rows, so that no control can be forgotten.

Beside the classic training stand the training images repeated, synthetic images added in two amounts, and synthetic images alone.
All of these have as many images an epoch, those of the larger amount: what more steps give is not taken for what images give.
"""

from dataclasses import dataclass
from typing import Any

from indomain.runs.tags import OVERSAMPLED, Tags
from indomain.runs.task import Task, find


@dataclass(frozen=True)
class Mixture:
    """The training images of a row.

    Attributes:
        name: in the table: "oversampled", "dcgan 0.5", "dcgan only".
        times: images of an epoch, as a multiple of the training images.
        amount: synthetic images, as a share of the training images of each class; 0: none.
        real: whether the training images are among them.
        made: the run that makes the synthetic ones; None: there are none.
    """

    name: str
    times: float
    amount: float = 0.0
    real: bool = True
    made: Task | None = None

    def to_params(self) -> dict[str, Any]:
        """The mixture as JSON, for a task's parameters."""
        return {"times": self.times, "amount": self.amount, "real": self.real}

    def inputs(self) -> dict[str, Task]:
        """The run that a task reads the synthetic images of."""
        return {"synthetic": self.made} if self.made else {}


def of(earlier: list[Task], tags: Tags) -> list[Mixture]:
    """The mixtures of a row of fine-tuning.

    Args:
        earlier: tasks of earlier stages, among them those of synthesis.
        tags: the row's; only rows with the labels that the generators learnt from have mixtures.
    """
    places: dict[str, Any] = {"profile": tags.profile, "target": tags.target, "budget": tags.budget, "fold": tags.fold}
    runs = find(earlier, "synthesis", **places)
    found: list[Mixture] = []
    for name in dict.fromkeys(str(task.tags.source) for task in runs):
        of_name = [task for task in runs if task.tags.source == name]
        # Where all seeds share the generators, they are the first seed's.
        made = next((task for task in of_name if task.tags.seed == tags.seed), of_name[0])
        small, large = made.params["amounts"]
        times = 1 + large
        if not found:
            found.append(Mixture(OVERSAMPLED, times))
        found += [Mixture(f"{name} {amount:g}", times, amount, made=made) for amount in (small, large)]
        found.append(Mixture(f"{name} only", times, large, real=False, made=made))
    return found
