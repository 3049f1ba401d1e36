"""Memory that stays with the process: the preloaded allocator, glibc's settings, and what they must not change."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from indomain.commands import cli
from indomain.runs import allocator, processes

REPOSITORY = Path(__file__).resolve().parents[3]

# A library that is everywhere stands for an allocator: what is preloaded, and how often, is the same.
STARTED = """
import os
from indomain.runs import allocator
allocator.LIBRARIES = ("libnothere.so.1", "libm.so.6")
print("began", os.getpid(), flush=True)
allocator.preload()
print("went on", *(os.environ.get(name) for name in ("LD_PRELOAD", "MALLOC_CONF", allocator.AGAIN)))
"""
# The bytes of a short training's weights, and its page faults an image after the first epochs.
TRAINED = """
import hashlib, resource
from indomain import backend
from indomain.runs import allocator
allocator.tune_glibc()
backend.import_keras()
import keras, numpy as np
from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.training.batches import Batches
from indomain.training.model import TrainingModel, compiled
from indomain.training.options import TrainingOptions
backbone = architecture.backbone(Architecture("squeezenet", 1.0, (64, 64, 3)))
weights.initialise(backbone, 0)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model = compiled(TrainingModel(architecture.with_head(backbone, 2, 0.5), "none"), TrainingOptions(), loss=loss)
images = np.random.default_rng(0).integers(0, 256, (128, 64, 64, 3), np.uint8)
batches = Batches(lambda rows: images[rows], np.arange(128), np.arange(128) % 2, batch=32, seed=0)
model.fit(batches, epochs=2, verbose=0, shuffle=False)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
model.fit(batches, epochs=2, verbose=0, shuffle=False)
faults = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 256
values = b"".join(np.asarray(weight).tobytes() for weight in model.network.weights)
print(hashlib.sha256(values).hexdigest(), faults)
"""


@pytest.fixture(autouse=True)
def untouched(monkeypatch):
    """No setting of the user's."""
    for name in ("INDOMAIN_ALLOCATOR", "LD_PRELOAD", "MALLOC_CONF", allocator.AGAIN, *allocator.GLIBC_SET):
        monkeypatch.delenv(name, raising=False)
    find = allocator.find
    find.cache_clear()
    yield
    find.cache_clear()


@pytest.fixture
def found(monkeypatch) -> str:
    """An allocator that is there."""
    monkeypatch.setattr(allocator, "find", lambda: "libfound.so.2")
    return "libfound.so.2"


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300
    )


def test_a_command_starts_itself_again_once_in_the_same_process_and_leaves_no_trace():
    done = python("-c", STARTED)
    first, second, last = done.stdout.splitlines()
    assert first == second and first.startswith("began")
    assert last == "went on None None None"
    assert done.stderr == "" and done.returncode == 0


def test_the_environment_of_the_user_is_put_back():
    done = python("-c", STARTED, LD_PRELOAD="libc.so.6", MALLOC_CONF="narenas:1")
    assert done.stdout.splitlines()[-1] == "went on libc.so.6 narenas:1 None"


def test_the_command_keeps_its_form_its_exit_status_and_its_silence():
    done = python("-m", "indomain", "run", "no-such-recipe")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("indomain: unknown recipe 'no-such-recipe'") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "times"),
    [(["run", "no-such"], 1), (["plan", "no-such"], 0), (["data", "list"], 0), (["run", "--help"], 0), ([], 0)],
)
def test_only_run_starts_itself_again(words, times, here, monkeypatch, capsys):
    called = []
    monkeypatch.setattr(allocator, "preload", lambda: called.append(1))
    monkeypatch.setattr(sys, "argv", ["indomain", *words])
    try:
        cli.main()
    except SystemExit:
        assert "--help" in words
    assert len(called) == times


def test_a_call_with_arguments_never_starts_itself_again(here, monkeypatch, capsys):
    monkeypatch.setattr(allocator, "preload", lambda: pytest.fail("started again"))
    assert cli.main(["run", "no-such"]) == 2
    assert cli.run_stage("pretrain", ["no-such"]) == 2


def test_what_the_user_has_set_is_kept(found, monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "libmine.so")
    monkeypatch.setenv("MALLOC_CONF", "narenas:1")
    assert allocator.environment() == {"LD_PRELOAD": f"libmine.so:{found}", "MALLOC_CONF": "narenas:1"}
    # An allocator of the user's own stays the only one.
    monkeypatch.setenv("LD_PRELOAD", "/opt/libjemalloc.so.2")
    assert allocator.environment() == {}


def test_the_system_allocator_is_left_alone_on_request(found, monkeypatch):
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: pytest.fail("glibc was tuned"))
    monkeypatch.setattr(os, "execve", lambda *given: pytest.fail("started again"))
    monkeypatch.setenv("INDOMAIN_ALLOCATOR", "system")
    assert allocator.environment() == {}
    allocator.preload()
    allocator.tune_glibc()
    # Nor are settings of glibc that somebody made.
    monkeypatch.delenv("INDOMAIN_ALLOCATOR")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    allocator.tune_glibc()


def test_a_library_that_the_loader_refuses_is_not_preloaded(tmp_path, monkeypatch):
    broken = tmp_path / "libjemalloc.so.2"
    broken.write_bytes(b"\x7fELF and nothing more")
    monkeypatch.setattr(allocator, "LIBRARIES", (str(broken), "libnothere.so.1"))
    assert allocator.find() is None and allocator.environment() == {}


def test_processes_of_jobs_get_the_allocator(found):
    with processes.share_of(0, 2):
        assert os.environ["LD_PRELOAD"] == found and os.environ["MALLOC_CONF"] == allocator.JEMALLOC
    assert "LD_PRELOAD" not in os.environ and "MALLOC_CONF" not in os.environ


def test_memory_stays_with_the_process_and_no_digit_changes():
    """With glibc alone, and with the library that is installed here, if one is."""
    ways = [{"INDOMAIN_ALLOCATOR": "glibc"}, *filter(None, [allocator.environment()])]
    system, _ = python("-c", TRAINED, INDOMAIN_ALLOCATOR="system").stdout.split()
    for way in ways:
        # A machine that reclaims memory while it is busy adds faults of its own: the least of three counts.
        fewest = float("inf")
        for _ in range(3):
            weights, faults = python("-c", TRAINED, **way).stdout.split()
            assert weights == system
            fewest = min(fewest, float(faults))
            if fewest < 20:
                break
        assert fewest < 20
