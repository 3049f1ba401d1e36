"""How networks are computed: on several devices, in 16 bits, on a backend; the same recipe each time."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from indomain import backend
from indomain.commands.cli import main
from indomain.errors import RequestError
from tests.whole.small import LESS, settings

# Two virtual devices have to be there before TensorFlow begins: each number of devices has a fork of its own.
TWO_DEVICES = """
import os, sys
import tensorflow as tf
import keras
from indomain.commands.cli import main
seen = []
train = keras.Model.fit
def fit(self, *given, **named):
    seen.append(self.distribute_strategy.num_replicas_in_sync)
    return train(self, *given, **named)
keras.Model.fit = fit
for devices, number in (("one", 1), ("all", 2)):
    if os.fork() == 0:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        status = main([*sys.argv[1:], "--set", f"compute.devices={devices}", "--runs-dir", devices])
        print(devices, set(seen), file=sys.stderr, flush=True)
        os._exit(status or seen == [] or set(seen) != {number})
status = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(2)]
sys.exit(max(status))
"""


def log_of(runs: Path, stage: str) -> pd.DataFrame:
    """The training log of a stage's only network."""
    (path,) = runs.glob(f"work/{stage}-*/log.csv")
    return pd.read_csv(path)


@pytest.fixture(scope="module")
def devices(finished, cache_dir, tmp_path_factory) -> Path:
    """A folder with the runs of the small recipe on one device (`one`) and on two (`all`)."""
    here = tmp_path_factory.mktemp("devices")
    for name in ("small.toml", "tiny.toml"):
        (here / name).write_bytes((finished / name).read_bytes())
    words = settings("fusion.classifiers=[]", 'chains={in-domain=["imagenet", "others:supervised"]}')
    for table in ("pretrain.supervised", "finetune"):
        words += settings(f"{table}.dropout=0.0", f"{table}.optimizer=sgd", f"{table}.learning_rate=1e-5")
    command = [sys.executable, "-c", TWO_DEVICES, "run", "tiny.toml", *LESS, *words, "--cache-dir", str(cache_dir)]
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return here


@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
def test_one_network_learns_on_two_devices_what_it_learns_on_one(devices, stage):
    # squeezenet has no batch normalisation: the share of a batch that a device sees makes no difference but rounding.
    one, two = (log_of(devices / runs, stage) for runs in ("one", "all"))
    for column in ("loss", "val_loss"):
        assert list(one[column]) == pytest.approx(list(two[column]), rel=0.02)


def test_the_devices_are_part_of_what_a_run_is_named_by(devices):
    names = [{path.name for path in (devices / runs / "work").glob("finetune-*")} for runs in ("one", "all")]
    assert names[0] and not names[0] & names[1]


@pytest.fixture(scope="module")
def sixteen_bits(finished, cache_dir, tmp_path_factory):
    """A network that was fine-tuned with 16-bit arithmetic."""
    import keras

    here = tmp_path_factory.mktemp("sixteen")
    for name in ("small.toml", "tiny.toml"):
        (here / name).write_bytes((finished / name).read_bytes())
    words = settings("fusion.classifiers=[]", "compute.precision=bfloat16", 'chains={imagenet=["imagenet"]}')
    with contextlib.chdir(here):
        assert main(["run", "tiny.toml", *LESS, *words, "--cache-dir", str(cache_dir)]) == 0
    yield keras.saving.load_model(next((here / "runs/work").glob("finetune-*/model.keras")))
    backend.configure({"backend": keras.config.backend(), "precision": "float32"})


def test_sixteen_bits_compute_and_thirty_two_are_kept(sixteen_bits):
    assert any(layer.compute_dtype == "bfloat16" for layer in sixteen_bits.layers)
    assert all(weight.dtype == "float32" for weight in sixteen_bits.weights)


def test_logits_are_computed_in_thirty_two_bits(sixteen_bits):
    assert sixteen_bits.get_layer("logits").compute_dtype == "float32"


def test_a_backend_that_is_not_loaded_is_named():
    with pytest.raises(RequestError, match="KERAS_BACKEND"):
        backend.configure({"backend": "jax", "precision": "float32"})
