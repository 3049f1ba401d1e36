"""Domain adaptation of networks: cross-entropy on the sources' labels, and a loss that aligns their features with the target's.

`coral`  means and covariances of the features become alike (Sun & Saenko 2016, arXiv:1607.01719; computed as by Gulrajani &
         Lopez-Paz 2021, arXiv:2007.01434, on the features before the head)
`mmd`    the maximum mean discrepancy becomes small, by Gaussian kernels of five widths (Long et al. 2015, arXiv:1502.02791)
`dann`   a second head cannot tell the sets apart: the gradient is reversed behind it, and grows as training goes on
         (Ganin et al. 2016, arXiv:1505.07818)

Under a translator's name a network learns from the sources' images as it has made them, by cross-entropy alone.

All of them take the classes for as frequent in the target as in the sources. A batch holds images of both, about as many of each;
the sources' labels stand in it, and −1 for each image of the target.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from indomain.artifacts import predictions, synthetic
from indomain.data import domains
from indomain.data.split import Split
from indomain.errors import Diverged
from indomain.networks import architecture, arithmetic, inference, weights
from indomain.networks.cache import cached_for
from indomain.runs.tags import TARGET_TRAINED
from indomain.runs.task import Work
from indomain.training import model as training_model
from indomain.training.batches import Batches, Examples
from indomain.training.classifier import class_weights, fit_classifier
from indomain.training.model import TrainingModel
from indomain.training.trainer import Trainer

WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the kernels of `mmd`, as multiples of the mean squared distance


def run(work: Work, backbone: keras.Model, trainer: Trainer) -> dict[str, Any]:
    """A run of adaptation or of one of its controls: predicts the target's test images.

    Args:
        work: the run's.
        backbone: images 0–255 to features (n, d), with the weights of the chain's last step; trained in place.
        trainer: as [finetune] says. The epoch is chosen by the sources' validation images, where there are any, since the
            target's have no labels here; target-trained chooses by the target's.

    Returns:
        Facts for the run's record, among them the share of each class in the sources and in the target. The labels behind the
        latter are read after the fit.

    Raises:
        Diverged: the loss or the scores are not finite.
    """
    params, split = work.params, Split.open(work.task.paths)
    classes, channels = len(params["classes"]), backbone.input_shape[-1]
    images, rows = split.images(channels), split.labelled(params)
    unseen, sources = domains.unlabelled(split, params["fold"]), domains.sources(work.task.paths, params)
    if params["adaptation"] == TARGET_TRAINED:
        rates = {"logits": trainer.options.head_lr_factor}
        network, learnt = fit_classifier(backbone, Examples(images, rows), classes, trainer, rates)
    else:
        labelled: list[tuple[Any, Any]] = [(source.images(channels), table) for source, table in sources]
        if "translated" in work.inputs:
            labelled = [_translated(work, labelled)]
        everything, table = domains.joined([*labelled, (images, unseen.drop(columns="y"))])
        is_target = np.arange(len(table)) >= len(table) - len(unseen)
        # Whatever label the target's images may have does not enter the table of both.
        table = table.assign(y=table["y"].fillna(-1).astype(int), split=np.where(is_target, "target", table["split"]))
        network, learnt = _fit(backbone, Examples(everything, table), classes, trainer, params)
        learnt["images_without_label"] = len(unseen)
    model = architecture.with_scores(network)
    weights.save(model, work.folder / "model.keras")
    test = rows[rows["split"] == "test"].reset_index(drop=True)
    scores = inference.predict(model, images, test["row"].to_numpy())
    if not np.isfinite(scores).all():
        raise Diverged("the network's scores are not finite")
    predictions.write(work.folder / "predictions.csv", test, scores, params["classes"])
    shares = {
        "source_shares": domains.shares(np.concatenate([table["y"].to_numpy() for _, table in sources]), classes),
        "target_shares": domains.shares(unseen["y"].to_numpy(), classes),
    }
    return {**learnt, **shares, **arithmetic.size(model)}


def _translated(work: Work, labelled: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The sources' images as a translator has made them, and their tables as one."""
    made, _ = synthetic.read(work.inputs["translated"])
    _, table = domains.joined(labelled)
    return lambda rows: made[rows], table.assign(row=np.arange(len(table)))


def _fit(
    backbone: keras.Model, examples: Examples, classes: int, trainer: Trainer, params: dict[str, Any]
) -> tuple[keras.Model, dict[str, Any]]:
    """Trains the backbone in place with a new head; returns the network up to `logits`, and facts for the run's record."""
    options, method = trainer.options, params["adaptation"]
    model = adapting(backbone, classes, options, method, params.get("weight", 1.0), params.get("hidden", 1))
    heads = [layer for layer in model.network.layers if layer.name in ("logits", "domain_hidden", "domain")]
    training_model.initialise_head(model, trainer.seed, tuple(layer.name for layer in heads))
    if options.head_init == "zeros":
        head = model.network.get_layer("logits")
        head.set_weights([np.zeros(weight.shape, np.float32) for weight in head.weights])
    training_model.reset(model, options.learning_rate, trainer.seed)
    table = examples.table
    rows, y = examples.part("train")
    others = table.loc[table["split"] == "target", "row"].to_numpy()
    of_class = class_weights(y, classes, options.class_weights)
    of_class = np.ones(len(y)) if of_class is None else of_class
    # An epoch has every image of the larger side once, and those of the other as often. Without a loss that aligns, it has the
    # same number of steps, and as many images of the sources in each.
    order = np.random.default_rng(trainer.seed)
    length = max(len(rows), len(others))
    first, second = (np.resize(order.permutation(size), length) for size in (len(rows), len(others)))
    if method not in (*LOSSES, "dann"):
        train = Batches(examples.images, rows[first], y[first], of_class[first], options.batch, trainer.seed)
    else:
        train = Batches(
            examples.images,
            np.concatenate([rows[first], others[second]]),
            np.concatenate([y[first], np.full(length, -1)]),
            np.concatenate([of_class[first], np.ones(length)]),
            2 * options.batch,
            trainer.seed,
        )
    model.start(options.epochs * len(train))
    rows, y = examples.part("val")
    validation = None
    if len(rows):
        of_class = class_weights(y, classes, options.class_weights)
        validation = Batches(examples.images, rows, y, of_class, max(options.batch, inference.BATCH))
    facts = trainer.fit(model, train, validation)
    return architecture.up_to(model.network, "logits"), facts


def adapting(
    backbone: keras.Model, classes: int, options: Any, method: str, weight: float, hidden: int
) -> "AdaptingModel":
    """A backbone with the heads of a method, built and compiled once.

    Args:
        backbone: images to features (n, d).
        classes: number of logits.
        options: `TrainingOptions`, with `head_lr_factor`.
        method: a key of `LOSSES` or "dann"; any other is cross-entropy alone.
        weight: of the loss that aligns.
        hidden: units of the hidden layer of "dann".
    """
    settings = options.model_dump_json(include={"optimizer", "momentum", "weight_decay", "clip", "augment"})
    key = ("adapting", classes, method, weight, hidden, options.dropout, options.head_lr_factor, settings)

    def make() -> TrainingModel:
        plain = architecture.with_head(backbone, classes, options.dropout, key)
        outputs = {"logits": plain.output, "features": plain.get_layer(architecture.last_features(plain)).output}
        if method == "dann":
            x = ReversedGradient(name="reversed")(outputs["features"])
            x = keras.layers.Dense(hidden, activation="relu", name="domain_hidden", dtype="float32")(x)
            outputs["domain"] = keras.layers.Dense(1, name="domain", dtype="float32")(x)
        network = keras.Model(plain.input, outputs, name=plain.name)
        rates = dict.fromkeys(("logits", "domain_hidden", "domain"), options.head_lr_factor)
        return training_model.compiled(AdaptingModel(network, options.augment, method, weight), options, rates)

    return cached_for(backbone, key, make)


class AdaptingModel(TrainingModel):
    """A network that learns classes from images with labels, and is aligned on those without.

    Args:
        network: images to `logits`, `features`, and to `domain` under "dann".
        augmentation: as for `TrainingModel`.
        method: a key of `LOSSES` or "dann"; any other is cross-entropy alone.
        weight: of the loss that aligns.
    """

    def __init__(self, network: keras.Model, augmentation: str, method: str, weight: float) -> None:
        super().__init__(network, augmentation)
        self.method, self.weight = method, weight
        self.right = keras.metrics.Mean(name="accuracy")

    def start(self, steps: int) -> None:
        """Tells the reversed gradient how long the training is.

        Args:
            steps: of the whole run.
        """
        for layer in self.network.layers:
            if isinstance(layer, ReversedGradient):
                layer.done.assign(0.0)
                layer.steps.assign(float(steps))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Cross-entropy of the images with labels and, in training, the loss that aligns; `y` is −1 for those without."""
        y = ops.cast(ops.reshape(y, (-1,)), "int32")
        weight = ops.ones_like(y, "float32") if sample_weight is None else ops.reshape(sample_weight, (-1,))
        # What pads a batch for several devices has a weight of 0.
        is_used = ops.cast(weight > 0, "float32")
        source, target = (ops.cast(part, "float32") * is_used for part in (y >= 0, y < 0))
        logits, known = y_pred["logits"], ops.maximum(y, 0)
        losses = keras.losses.sparse_categorical_crossentropy(known, logits, from_logits=True)
        loss = ops.sum(losses * weight * source) / ops.maximum(ops.sum(source), 1.0)
        hits = ops.cast(ops.argmax(logits, axis=-1) == known, "float32")
        self.right.update_state(hits, sample_weight=source)
        if not training or self.method not in (*LOSSES, "dann"):
            return loss
        if self.method == "dann":
            return loss + self.weight * told_apart(y_pred["domain"], source, target)
        return loss + self.weight * LOSSES[self.method](y_pred["features"], source, target)


@keras.saving.register_keras_serializable("indomain")
class ReversedGradient(keras.layers.Layer):
    """Passes features on, and their gradient back with the opposite sign: what is learnt behind it is unlearnt before it.

    The gradient's factor grows from 0 to 1 as training goes on: 2 / (1 + exp(−10 p)) − 1, p the part done (Ganin et al. 2016,
    section 5.2.2).
    """

    def build(self, input_shape: Any) -> None:
        """Adds the numbers of steps, which are saved with the network so that a resumed run goes on with them."""
        self.done, self.steps = (
            self.add_weight(shape=(), initializer=value, trainable=False, name=name)
            for name, value in (("done", "zeros"), ("steps", "ones"))
        )

    def call(self, x: Any, training: bool | None = None) -> Any:
        """The features unchanged.

        Args:
            x: (n, d).
            training: whether this is a step.
        """
        part = self.done / ops.maximum(self.steps, 1.0)
        if training:
            self.done.assign(self.done + 1.0)
        factor = ops.cast(2.0 / (1.0 + ops.exp(-10.0 * part)) - 1.0, x.dtype)
        return ops.stop_gradient(x * (1.0 + factor)) - factor * x


def told_apart(logits: Any, source: Any, target: Any) -> Any:
    """The cross-entropy of telling sources from target, as much for the one as for the other.

    Args:
        logits: (n, 1), above 0 for the target.
        source: (n,), 1 for an image of the sources.
        target: (n,), 1 for one of the target.
    """
    losses = ops.binary_crossentropy(target, ops.reshape(logits, (-1,)), from_logits=True)
    return (_mean(losses, source) + _mean(losses, target)) / 2


def coral(features: Any, source: Any, target: Any) -> Any:
    """The mean squared difference of the features' means, and that of their covariances.

    Args:
        features: (n, d), divided by one number first, so that a weight means the same for every network.
        source: (n,), 1 for an image of the sources.
        target: (n,), 1 for one of the target.
    """
    features = _scaled(features, source, target)

    def moments(of: Any) -> tuple[Any, Any]:
        mean = ops.sum(of[:, None] * features, axis=0) / ops.maximum(ops.sum(of), 1.0)
        centred = of[:, None] * (features - mean)
        return mean, ops.matmul(ops.transpose(centred), centred) / ops.maximum(ops.sum(of) - 1.0, 1.0)

    (mean, covariance), (other_mean, other_covariance) = moments(source), moments(target)
    loss = ops.mean(ops.square(mean - other_mean)) + ops.mean(ops.square(covariance - other_covariance))
    return _of_both(loss, source, target)


def mmd(features: Any, source: Any, target: Any) -> Any:
    """The squared maximum mean discrepancy, the mean over kernels of five widths.

    Args:
        features: (n, d).
        source: (n,), 1 for an image of the sources.
        target: (n,), 1 for one of the target.
    """
    features = _scaled(features, source, target)
    squares = ops.sum(ops.square(features), axis=1)
    distances = ops.maximum(squares[:, None] + squares[None] - 2 * ops.matmul(features, ops.transpose(features)), 0.0)
    used = source + target
    pairs = used[:, None] * used[None]
    width = ops.stop_gradient(ops.sum(distances * pairs) / ops.maximum(ops.sum(pairs), 1.0))
    kernel = sum(ops.exp(-distances / (factor * width + 1e-12)) for factor in WIDTHS) / len(WIDTHS)
    side = source / ops.maximum(ops.sum(source), 1.0) - target / ops.maximum(ops.sum(target), 1.0)
    return _of_both(ops.sum(kernel * side[:, None] * side[None]), source, target)


# The losses on features; "dann" has a head of its own.
LOSSES = {"coral": coral, "mmd": mmd}


def _mean(values: Any, of: Any) -> Any:
    """The mean of some values; 0 where there are none."""
    return ops.sum(values * of) / ops.maximum(ops.sum(of), 1.0)


def _scaled(features: Any, source: Any, target: Any) -> Any:
    """The features in float32, divided by the root of the mean of their variances in the batch."""
    features, used = ops.cast(features, "float32"), (source + target)[:, None]
    count = ops.maximum(ops.sum(used), 1.0)
    centred = used * (features - ops.sum(used * features, axis=0) / count)
    return features / ops.stop_gradient(ops.sqrt(ops.mean(ops.sum(ops.square(centred), axis=0) / count) + 1e-12))


def _of_both(loss: Any, source: Any, target: Any) -> Any:
    """The loss where the batch has two images of each side at least; a batch at the end of an epoch may not."""
    return loss * ops.cast(ops.minimum(ops.sum(source), ops.sum(target)) > 1.5, "float32")
