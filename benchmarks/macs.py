"""Multiply-adds and weights of every backbone at 224 pixels: the arithmetic behind docs/scale.md. Nothing is timed."""

import keras

from benchmarks.ratios import write
from indomain.networks import backbones
from indomain.networks.arithmetic import multiply_adds


def main() -> None:
    rows: list[dict[str, object]] = []
    for name in sorted(backbones.BACKBONES):
        model = backbones.build(name, (224, 224, 3))
        total = multiply_adds(model)
        rows.append({"backbone": name, "giga_multiply_adds": round(total / 1e9, 2), "weights": model.count_params()})
        keras.backend.clear_session()
    write("macs", rows)


if __name__ == "__main__":
    main()
