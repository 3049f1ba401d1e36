"""Generators of 500 grey images of 64 pixels: minutes that 3,000 steps take, from 60 steps after the first ones, by width."""

import numpy as np

from benchmarks.ratios import seconds_of, write
from indomain.training import model as training_model
from indomain.training.batches import Batches
from synthesis.adversarial import adversarial, initialise
from synthesis.options import GANOptions
from synthesis.registry import GENERATORS

STEPS, MEASURED, LIMIT = 3000, 60, 25


def main() -> None:
    images = np.random.default_rng(0).integers(0, 256, (500, 64, 64, 1), dtype=np.uint8)
    rows = []
    for name, width, batch in (("dcgan", 128, 64), ("dcgan", 256, 64), ("dcgan-sn", 128, 64), ("acgan", 128, 64)):
        options, kind = GANOptions(width=width, batch=batch), GENERATORS[name]
        model = adversarial(kind, options, (64, 64, 1), 0 if kind.of_class else 2)
        initialise(model, 0)
        training_model.reset(model, options.learning_rate, 0)
        training_model.set_schedule(model, options, STEPS)
        order = np.resize(np.arange(len(images)), MEASURED * batch)
        y = None if kind.of_class else order % 2
        batches = Batches(lambda chosen: images[chosen], order, y, None, batch, 0)
        model.fit(batches, epochs=1, steps_per_epoch=5, verbose=0, shuffle=False)
        seconds = seconds_of(
            lambda model=model, batches=batches: model.fit(batches, epochs=1, verbose=0, shuffle=False)
        )
        what = f"{name}, width {width}, batch {batch}: minutes for {STEPS} steps"
        minutes = round(seconds / MEASURED * STEPS / 60, 1)
        rows.append({"what": what, "ours": minutes, "other": "", "ratio": "", "limit": LIMIT})
    write("generating", rows)


if __name__ == "__main__":
    main()
