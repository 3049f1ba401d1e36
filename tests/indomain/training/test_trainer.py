import numpy as np
import pandas as pd
import pytest

from indomain.errors import Diverged
from indomain.networks import architecture, inference, weights
from indomain.training import classifier as training_classifier
from indomain.training import model as training_model
from indomain.training import trainer as training_trainer
from indomain.training.batches import Batches
from indomain.training.options import TrainingOptions
from indomain.training.trainer import Trainer
from tests.small import SMALL, fit_small, problem, same, values_of

# A schedule would make epochs depend on their number.
OPTIONS = TrainingOptions(
    epochs=4, batch=8, learning_rate=1e-2, augment="basic", optimizer="adam", schedule="constant", warmup=0
)


class Killed(Exception):
    pass


def log_of(folder):
    return pd.read_csv(folder / "log.csv")


def without_seconds(log):
    return log.drop(columns="seconds")


def kill_after(epoch):
    """A callback of progress that ends the training as a signal would: at once, wherever it is."""

    def progress(text, share=None):
        if text.startswith(f"epoch {epoch + 1}/"):
            raise Killed

    return progress


def fit(
    folder,
    options=OPTIONS,
    seed=0,
    progress=lambda *given: None,
    after_epoch=None,
    shuffled=False,
    before=None,
    validated=True,
    by_epoch=None,
):
    """Fits the small network with every means of the trainer; returns its weights and facts.

    The weights at the end of each epoch are put into `by_epoch`, by the number of the epoch.
    """
    folder.mkdir(exist_ok=True)
    examples = problem()
    backbone = architecture.backbone(SMALL)
    weights.start(backbone, SMALL, "random", seed)
    model = training_classifier.classifier(backbone, 2, options, options.dropout)
    training_model.initialise_head(model, seed, ("logits",))
    training_model.reset(model, options.learning_rate, seed)
    rows, y = examples.part("train")
    y = np.random.default_rng(1).permutation(y) if shuffled else y
    train = Batches(examples.images, rows, y, None, options.batch, seed)
    validation = Batches(examples.images, *examples.part("val"), batch=inference.BATCH) if validated else None
    if by_epoch is not None:
        after_epoch = lambda: by_epoch.update({train.epoch + 1: values_of(model.network)}) or {}  # noqa: E731
    trainer = Trainer(options, seed, folder, progress, after_epoch)
    facts = trainer.fit(model, train, validation, before(train) if before else None)
    return values_of(model.network), facts


@pytest.fixture
def always_saved(monkeypatch):
    """The state is saved after every epoch, however short it is."""
    monkeypatch.setattr(training_trainer, "SAVING", np.inf)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder, network and facts of a training."""
    folder = tmp_path_factory.mktemp("finished")
    network, facts = fit_small(folder, OPTIONS)
    return folder, values_of(network), facts


def test_it_learns(finished):
    folder, _, _ = finished
    log = log_of(folder)
    assert log["accuracy"].iloc[-1] > 0.8 and log["loss"].iloc[-1] < log["loss"].iloc[0]


def test_the_same_seed_learns_the_same_and_another_seed_something_else(finished, tmp_path):
    again, _ = fit_small(tmp_path / "again", OPTIONS)
    assert same(finished[1], values_of(again))
    other, _ = fit_small(tmp_path / "other", OPTIONS, seed=1)
    assert not same(finished[1], values_of(other))


def test_another_process_learns_the_same(finished, tmp_path):
    import subprocess
    import sys

    program = (
        "import sys; from pathlib import Path; import numpy as np; from tests.small import fit_small, values_of\n"
        "from tests.indomain.training.test_trainer import OPTIONS\n"
        "folder = Path(sys.argv[1]); np.savez(folder / 'w.npz', *values_of(fit_small(folder, OPTIONS)[0]))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True)
    with np.load(tmp_path / "w.npz") as saved:
        assert same(finished[1], [saved[name] for name in saved.files])


def test_the_record_counts_images_and_epochs(finished):
    folder, _, facts = finished
    log = log_of(folder)
    assert facts["images"] == 36 and facts["epochs"] == 4
    assert facts["chosen_epoch"] == log["epoch"][log["val_loss"].idxmin()]
    assert facts["images_per_second"] == pytest.approx(36 * 4 / log["seconds"].sum(), rel=0.01)


def test_a_finished_training_leaves_nothing_to_go_on_from(finished):
    assert sorted(path.name for path in finished[0].iterdir()) == ["log.csv", "tensorboard"]


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path, always_saved):
    unbroken, _ = fit(tmp_path / "unbroken")
    with pytest.raises(Killed):
        fit(tmp_path / "broken", progress=kill_after(2))
    assert (tmp_path / "broken" / "state.npz").is_file()
    resumed, _ = fit(tmp_path / "broken")
    assert same(unbroken, resumed)
    pd.testing.assert_frame_equal(
        without_seconds(log_of(tmp_path / "unbroken")), without_seconds(log_of(tmp_path / "broken"))
    )


@pytest.fixture(scope="module")
def early_best(tmp_path_factory):
    """Options, weights, facts and log of a training on classes by chance, whose best epoch is an early one."""
    options = OPTIONS.model_copy(update={"epochs": 6})
    folder = tmp_path_factory.mktemp("early")
    values, facts = fit(folder, options, shuffled=True)
    assert facts["chosen_epoch"] < 4
    return options, values, facts, log_of(folder)


def test_the_best_epoch_is_kept(tmp_path, early_best):
    options, best, facts, log = early_best
    assert facts["chosen_epoch"] == int(log["val_loss"].idxmin()) + 1
    stopped = options.model_copy(update={"epochs": facts["chosen_epoch"], "select": "last"})
    assert same(fit(tmp_path / "stopped", stopped, shuffled=True)[0], best)


def test_the_best_epoch_is_kept_even_if_it_was_before_the_kill(tmp_path, early_best, always_saved):
    options, best, facts, _ = early_best
    with pytest.raises(Killed):
        fit(tmp_path / "broken", options, shuffled=True, progress=kill_after(facts["chosen_epoch"] + 1))
    resumed, again = fit(tmp_path / "broken", options, shuffled=True)
    assert same(resumed, best) and again["chosen_epoch"] == facts["chosen_epoch"]


def test_the_last_epoch_is_kept_where_the_recipe_wants_it(tmp_path, early_best):
    options, best, _, _ = early_best
    last = options.model_copy(update={"select": "last"})
    assert not same(fit(tmp_path / "last", last, shuffled=True)[0], best)


def test_it_stops_when_the_validation_loss_has_not_fallen_for_so_many_epochs(tmp_path, early_best):
    options, best, facts, log = early_best
    patient = options.model_copy(update={"patience": 2})
    values, stopped = fit(tmp_path / "patient", patient, shuffled=True)
    lowest = [int(log["val_loss"][:number].idxmin()) + 1 for number in range(1, len(log) + 1)]
    expected = next(number for number, lowest_of in enumerate(lowest, 1) if number - lowest_of >= 2)
    assert stopped["epochs"] == len(log_of(tmp_path / "patient")) == expected < facts["epochs"]
    if stopped["chosen_epoch"] == facts["chosen_epoch"]:
        assert same(values, best)


def test_one_that_was_killed_after_it_had_stopped_trains_no_further(tmp_path, early_best, always_saved):
    options = early_best[0].model_copy(update={"patience": 2})
    whole = fit(tmp_path / "whole", options, shuffled=True)
    with pytest.raises(Killed):
        fit(tmp_path / "broken", options, shuffled=True, progress=kill_after(whole[1]["epochs"] - 1))
    again = fit(tmp_path / "broken", options, shuffled=True)
    assert same(again[0], whole[0]) and again[1]["epochs"] == whole[1]["epochs"]


def test_without_validation_images_it_never_stops_early(tmp_path):
    options = OPTIONS.model_copy(update={"epochs": 5, "patience": 1})
    assert fit(tmp_path, options, shuffled=True, validated=False)[1]["epochs"] == 5


def test_the_learning_rate_rises_and_falls_over_the_whole_run(tmp_path, monkeypatch):
    options = OPTIONS.model_copy(update={"schedule": "cosine", "warmup": 0.25, "learning_rate": 0.1, "epochs": 4})
    seen = []
    monkeypatch.setattr(
        training_trainer._Keeper,
        "on_train_batch_begin",
        lambda self, batch, logs=None: seen.append(float(self.model.optimizer.learning_rate)),
    )
    fit(tmp_path, options)
    steps, first = np.arange(len(seen)), round(0.25 * len(seen))
    falling = 0.05 * (1 + np.cos(np.pi * (steps - first) / (len(seen) - first)))
    expected = np.where(steps < first, 0.1 * (steps + 1) / first, falling)
    assert len(seen) == 20 and max(seen) <= 0.1 + 1e-6
    np.testing.assert_allclose(seen, expected, rtol=1e-5)


@pytest.mark.parametrize("killed", [None, 2, 4])
@pytest.mark.parametrize(("select", "validated"), [("best", True), ("best", False), ("last", True), ("last", False)])
def test_the_epoch_on_record_is_the_one_whose_weights_are_kept(tmp_path, always_saved, select, validated, killed):
    options = OPTIONS.model_copy(update={"epochs": 6, "select": select})
    given = {"options": options, "shuffled": True, "validated": validated, "by_epoch": {}}
    if killed:
        with pytest.raises(Killed):
            fit(tmp_path, progress=kill_after(killed), **given)
    kept, facts = fit(tmp_path, **given)
    assert sorted(given["by_epoch"]) == [1, 2, 3, 4, 5, 6]
    found = [epoch for epoch, values in given["by_epoch"].items() if same(values, kept)]
    assert found == [facts["chosen_epoch"]]
    assert (found == [6]) == (select == "last" or not validated)


def losing(monkeypatch, *losses):
    """The validation losses of the epochs become these."""
    plain, left = training_trainer._Keeper.on_epoch_end, list(losses)
    monkeypatch.setattr(
        training_trainer._Keeper,
        "on_epoch_end",
        lambda self, epoch, logs: plain(self, epoch, {**logs, "val_loss": left[epoch]}),
    )


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([0.5, 0.3, 0.3, 0.4], 3),  # of equal ones the latest, which has learnt longer
        ([NAN, 0.4, 0.3, 0.5], 3),
        ([0.4, NAN, 0.5, INF], 1),
        ([NAN, NAN, NAN, NAN], 4),  # nothing to choose by: the last
    ],
)
def test_a_loss_that_is_no_number_is_not_the_lowest(tmp_path, monkeypatch, losses, expected):
    losing(monkeypatch, *losses)
    by_epoch = {}
    kept, facts = fit(tmp_path, by_epoch=by_epoch)
    assert facts["chosen_epoch"] == expected and same(by_epoch[expected], kept)


def test_a_saved_state_that_cannot_be_read_begins_anew(tmp_path, finished, capsys):
    (tmp_path / "state.npz").write_bytes(b"half a file")
    network, _ = fit_small(tmp_path, OPTIONS)
    assert same(values_of(network), finished[1])
    assert "state.npz cannot be read" in capsys.readouterr().err


def test_short_epochs_are_not_all_saved(tmp_path, monkeypatch):
    saved = []
    original = training_trainer._Keeper.save
    monkeypatch.setattr(training_trainer._Keeper, "save", lambda self: (saved.append(len(self.log)), original(self)))
    fit(tmp_path)
    # An epoch takes milliseconds, as does its saving: after the first, 1 % of the time is used up.
    assert saved == [1]


def test_a_loss_that_is_not_finite_ends_the_training_and_is_logged(tmp_path):
    options = OPTIONS.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(Diverged, match=r"epoch \d \(learning_rate 1e\+30\)"):
        fit_small(tmp_path, options)
    assert not np.isfinite(log_of(tmp_path)["loss"].iloc[-1])
    assert not (tmp_path / "state.npz").exists()


def test_what_is_measured_after_an_epoch_is_logged_and_chooses_nothing(tmp_path):
    counted = iter(range(4))
    measured, facts = fit(tmp_path / "a", after_epoch=lambda: {"probe_knn": 0.5 - 0.1 * next(counted)})
    assert log_of(tmp_path / "a")["probe_knn"].tolist() == pytest.approx([0.5, 0.4, 0.3, 0.2])
    plain, without = fit(tmp_path / "b")
    assert same(measured, plain) and facts["chosen_epoch"] == without["chosen_epoch"]


def test_classes_given_before_an_epoch_come_back_after_a_kill(tmp_path, always_saved):
    def before(train):
        def reassign(epoch):
            # Only every third epoch: the second of them has to be learnt with the classes of the first.
            if epoch % 3 == 0:
                y = np.random.default_rng(epoch).permutation(train.y)
                train.give(y, np.ones(len(y)))
            return {"reassigned": float(epoch % 3 == 0)}

        return reassign

    unbroken, _ = fit(tmp_path / "unbroken", before=before)
    assert log_of(tmp_path / "unbroken")["reassigned"].tolist() == [1, 0, 0, 1]
    with pytest.raises(Killed):
        fit(tmp_path / "broken", before=before, progress=kill_after(2))
    assert same(unbroken, fit(tmp_path / "broken", before=before)[0])


def test_the_curves_for_tensorboard_are_those_of_the_log(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = finished[0]
    curves = EventAccumulator(str(folder / "tensorboard")).Reload()
    events = curves.Tensors("loss")
    from tensorboard.util.tensor_util import make_ndarray

    assert [event.step for event in events] == [1, 2, 3, 4]
    shown = [float(make_ndarray(event.tensor_proto)) for event in events]
    assert shown == pytest.approx(log_of(folder)["loss"].tolist(), rel=1e-6)
