"""How published weights want their images. Imports no Keras, so that checking a recipe is fast."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scaling:
    """The channels in an order, each (value − mean) / deviation.

    Args:
        order: "rgb" or "bgr".
        mean: of the values 0–255, per channel in that order.
        deviation: likewise.
    """

    order: str
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, params: dict[str, Any]) -> "Scaling":
        """The scaling that `to_params` wrote.

        Args:
            params: the scaling in a task's parameters.
        """
        return cls(params["order"], tuple(params["mean"]), tuple(params["deviation"]))

    def to_params(self) -> dict[str, Any]:
        """The scaling as JSON, for a task's parameters."""
        return {"order": self.order, "mean": list(self.mean), "deviation": list(self.deviation)}


CAFFE = Scaling("bgr", (103.939, 116.779, 123.68), (1.0, 1.0, 1.0))
TF = Scaling("rgb", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
TORCH = Scaling("rgb", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
UNIT = Scaling("rgb", (0.0, 0.0, 0.0), (255.0, 255.0, 255.0))
# The names are those of `keras.applications.imagenet_utils.preprocess_input`.
SCALINGS = {"caffe": CAFFE, "tf": TF, "torch": TORCH, "unit": UNIT}
