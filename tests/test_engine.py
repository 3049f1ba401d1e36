"""The run engine: identity, sharing of work, and what a person sees of it. Most tests run stages that do next to nothing."""

import io
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import joblib
import pandas as pd
import pytest

from indomain.commands import preview
from indomain.errors import RequestError
from indomain.recipe import study
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Plan, make_plan
from indomain.runs import executor, processes, worker
from indomain.runs.folder import RunsFolder
from indomain.runs.status import View, clock
from indomain.runs.task import Busy, Damaged, Task


class Quiet:
    """A view that remembers what was done here."""

    def __init__(self):
        self.did = []

    def begin(self, task, here):
        if here:
            self.did.append(task.params["name"])

    def note(self, text, share=None):
        pass

    def end(self, task):
        pass


class Stage:
    """A stage that writes its name and those of its inputs."""

    seconds = 0.0

    @staticmethod
    def run(task, folder, inputs, note):
        time.sleep(Stage.seconds)
        read = "".join((place / "text").read_text() for place in inputs.values())
        (folder / "text").write_text(read + task.params["name"])
        return {}


@pytest.fixture
def chain(monkeypatch):
    """Four tasks: b and c need a, d needs both."""
    monkeypatch.setattr(study, "stage_module", lambda stage: Stage)
    a = Task("stage", 1, {"name": "a"})
    b, c = (Task("stage", 1, {"name": name}, {"one": a}) for name in "bc")
    return [a, b, c, Task("stage", 1, {"name": "d"}, {"one": b, "two": c})]


def test_every_task_runs_once_and_after_its_inputs(chain, tmp_path):
    view, runs = Quiet(), RunsFolder(tmp_path)
    worker.walk(chain, runs, view, first=2)
    assert view.did[0] == "a" and view.did[-1] == "d" and sorted(view.did) == list("abcd")
    assert (runs.folder(chain[3]) / "text").read_text() == "abacd"
    worker.walk(chain, RunsFolder(tmp_path), view)
    assert len(view.did) == 4
    assert not list(runs.work.glob(".*.lock"))


def test_two_walkers_share_the_work(chain, tmp_path, monkeypatch):
    monkeypatch.setattr(Stage, "seconds", 0.3)
    monkeypatch.setattr(worker, "WAIT", 0.02)
    views = [Quiet(), Quiet()]
    walkers = [threading.Thread(target=worker.walk, args=(chain, RunsFolder(tmp_path), view)) for view in views]
    for walker in walkers:
        walker.start()
    for walker in walkers:
        walker.join()
    assert sorted(views[0].did + views[1].did) == list("abcd")
    assert all(views), "b and c can run at the same time"
    assert {"b", "c"} - set(views[0].did) and {"b", "c"} - set(views[1].did)


def test_a_run_that_another_process_works_on_is_left_to_it(chain, tmp_path):
    first, second = RunsFolder(tmp_path), RunsFolder(tmp_path)
    with first.working(chain[0]) as folder:
        assert folder is not None
        with pytest.raises(Busy), second.working(chain[0], wait=False):
            pass
        # Its lock file names it.
        assert str(os.getpid()) in next(first.work.glob(".*.lock")).read_text()


def _hold_and_die(path, task):
    with RunsFolder(path).working(task):
        os.kill(os.getpid(), 9)


def test_the_lock_of_a_dead_process_is_none(chain, tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(tmp_path, chain[0]))
    process.start()
    process.join()
    assert process.exitcode == -9 and list(RunsFolder(tmp_path).work.glob(".*.lock"))
    view = Quiet()
    worker.walk(chain[:1], RunsFolder(tmp_path), view)
    assert view.did == ["a"]


@pytest.mark.parametrize("damage", ["shorter", "gone", "another byte", "DONE cut"])
def test_a_damaged_run_is_found_said_put_aside_and_done_again(chain, tmp_path, damage, capsys):
    worker.walk(chain, RunsFolder(tmp_path), Quiet())
    runs = RunsFolder(tmp_path)
    folder = runs.folder(chain[0])
    if damage == "shorter":
        (folder / "text").write_bytes(b"")
    elif damage == "gone":
        (folder / "text").unlink()
    elif damage == "another byte":
        (folder / "text").write_text("x")
    else:
        (folder / "DONE").write_text('{"sec')
    if damage == "another byte":
        # The length is right: it is found by its digest, when a run needs it.
        (runs.folder(chain[1]) / "DONE").unlink()
        (runs.folder(chain[1])).rename(tmp_path / "removed")
    else:
        with pytest.raises(Damaged):
            runs.is_done(chain[0])
        executor._mend(runs, chain[0])
    view = Quiet()
    worker.walk(chain, runs, view)
    assert "a" in view.did and (folder / "text").read_text() == "a"
    assert (runs.work / f"{folder.name}.damaged").is_dir()
    assert "Put aside" in capsys.readouterr().err


def test_an_input_that_is_damaged_meanwhile_is_done_again(chain, tmp_path):
    worker.walk(chain, RunsFolder(tmp_path), Quiet())
    runs, view = RunsFolder(tmp_path), Quiet()
    runs.folder(chain[1]).rename(tmp_path / "removed")
    (runs.folder(chain[0]) / "text").unlink()
    worker.walk([chain[1]], runs, view)
    assert view.did == ["a", "b"] and (runs.folder(chain[1]) / "text").read_text() == "ab"


def test_a_clock_that_jumps_back_does_no_harm(chain, tmp_path, monkeypatch):
    moments = iter(range(10**9, 0, -(10**6)))
    monkeypatch.setattr(time, "time", lambda: float(next(moments)))
    runs = RunsFolder(tmp_path)
    worker.walk(chain, runs, Quiet())
    assert all(runs.is_done(task) and runs.record(task)["seconds"] >= 0 for task in chain)


def test_ten_thousand_finished_runs_are_listed_in_two_seconds(indomain, here):
    work = here / "runs" / "work"
    for number in range(10_000):
        folder = work / f"finetune-{number:016x}"
        folder.mkdir(parents=True)
        (folder / "task.json").write_text('{"stage": "finetune", "labels": {}, "params": {}}')
        (folder / "DONE").write_text(
            '{"title": "finetune: x", "started": "2026-01-01T00:00:00", "seconds": 1, "files": {}}'
        )
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        status, out, _ = indomain("runs", "list", "--runs-dir", "runs")
        spent.append(time.perf_counter() - began)
        assert status == 0 and len(out.splitlines()) == 10_000
    assert min(spent) < 2


def plan_of(text: str, here: Path, cache_dir: Path) -> Plan:
    (here / "plan.toml").write_text(text)
    name, recipe, base = load_recipe("plan.toml")
    return make_plan(Plan(name, recipe, base, RunsFolder(Path("runs")), Path(), cache_dir, quiet=True))


def digests(text: str, here: Path, cache_dir: Path, stage: str = "") -> set[str]:
    plan = plan_of(text, here, cache_dir)
    return {task.digest for task in plan.tasks if task.stage != "report" and stage in ("", task.stage)}


def test_a_digest_holds_what_determines_a_result_and_nothing_else(here, small_recipe, cache_dir, monkeypatch):
    text = small_recipe.read_text()
    base = digests(text, here, cache_dir)
    assert digests(text.replace('title = "Tiny"', 'title = "Another"\nnotes = "more"'), here, cache_dir) == base
    tables = [f"[{part}" for part in text.split("\n[")[1:]]
    shuffled = "\n".join([text.split("\n[")[0], *sorted(tables)])
    assert shuffled != text and digests(shuffled, here, cache_dir) - base == {
        # The panel's columns stand in the order of the chains; nothing is trained for that.
        task.digest
        for task in plan_of(shuffled, here, cache_dir).tasks
        if task.params.get("do") == "panel" and task.digest not in base
    }
    more = text.replace("[chains]\n", '[chains]\nrandom = ["random"]\n')
    panels = {task.digest for task in plan_of(text, here, cache_dir).tasks if task.params.get("do") == "panel"}
    assert base - panels < digests(more, here, cache_dir)

    rate = text.replace("[finetune]\n", "[finetune]\nlearning_rate = 1e-4\n")
    assert digests(rate, here, cache_dir, "pretrain") == digests(text, here, cache_dir, "pretrain")
    before, after = plan_of(text, here, cache_dir), plan_of(rate, here, cache_dir)
    kept = {task.digest for task in after.find("finetune")} & {task.digest for task in before.find("finetune")}
    methods = {task.labels["method"] for task in before.find("finetune") if task.digest in kept}
    assert methods == {"off-the-shelf", "features"}, "a learning rate that a strategy has not redoes nothing of it"

    for change in ('[compute]\nprecision = "bfloat16"\n', "[compute]\ndeterministic = true\n"):
        other = digests(text + change, here, cache_dir)
        networks = {task.digest for task in plan_of(text, here, cache_dir).tasks if "compute" in task.params}
        assert networks and not networks & other
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert not digests(text, here, cache_dir, "pretrain") & base


def test_a_frozen_backbone_runs_over_a_set_once(here, small_recipe, cache_dir):
    text = small_recipe.read_text().replace('strategies = ["full", "off-the-shelf"]', 'strategies = ["off-the-shelf"]')
    text = text.replace('scheme = "official"', 'scheme = "kfold", folds = 3').replace(
        "[sources", "fractions = [0.5, 1.0]\n[sources", 1
    )
    text = text.replace("[fusion]\n", '[fusion]\nstrategy = "off-the-shelf"\n')
    tasks = executor.unique(plan_of(text, here, cache_dir).tasks)
    features = [task for task in tasks if task.params.get("do") == "features"]
    assert len(features) == 2, "one for each chain"
    assert len([task for task in tasks if task.labels.get("method") == "off-the-shelf"]) >= 2 * 3 * 2
    assert len([task for task in tasks if task.params.get("do") == "classify"]) == 2 * 3 * 2
    layered = text.replace("[fusion]\n", '[fusion]\nlayers = { squeezenet = "fire8_concat" }\n')
    tasks = executor.unique(plan_of(layered, here, cache_dir).tasks)
    assert len([task for task in tasks if task.params.get("do") == "features" and task.stage == "fusion"]) == 2


def test_the_outlook_says_what_and_why(indomain, small_recipe, here, cache_dir):
    options = ["--set", "explain.images=0", "--set", "seeds=[0]", "--set", "fusion.classifiers=[]"]
    status, out, err = indomain("plan", "tiny.toml", *options)
    assert status == 0 and "(new)" in out and "(needs pretrain-" in out and "of unknown length" in out, err
    assert indomain("run", "tiny.toml", *options)[0] == 0
    assert "0 runs to do: all done" in indomain("plan", "tiny.toml", *options)[1]
    status, out, _ = indomain("plan", "tiny.toml", *options, "--set", "finetune.batch=8")
    assert "options.batch was 32, is 8" in out and "about 0:" in out
    assert next(line for line in out.splitlines() if "pretrain:" in line).startswith("done")
    # Of a list only what was added; no reason is a list of all runs.
    out = indomain("plan", "tiny.toml", *options, "--set", "seeds=[0, 1]")[1]
    report = next(line for line in out.splitlines() if "report:" in line)
    assert "recipe.seeds has now 1" in report and "the runs in the table changed" in report and len(report) < 300
    out = indomain("plan", "tiny.toml", *options, "--set", "title=" + 300 * "x")[1]
    assert max(map(len, out.splitlines())) < 300
    out = indomain("plan", "tiny.toml", *options, "--set", "finetune.batch=8")[1]
    # What needs a run stands below it.
    below = out.splitlines()[1]
    assert "  finetune:" in below and "in-domain" in below


def test_the_curves_are_those_of_the_log(indomain, small_recipe, here):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    options = ["--set", "explain.images=0", "--set", "seeds=[0]", "--set", "fusion.classifiers=[]"]
    assert indomain("run", "tiny.toml", *options)[0] == 0
    logs = list((here / "runs/work").glob("*/log.csv"))
    assert len(logs) == 3
    for path in logs:
        events = EventAccumulator(str(path.parent / "tensorboard")).Reload()
        log = pd.read_csv(path)
        drawn = events.Tensors("loss")
        assert [event.step for event in drawn] == list(log["epoch"])
        assert [make_ndarray(event.tensor_proto).item() for event in drawn] == pytest.approx(list(log["loss"]))
    stages = pd.read_csv(here / "runs/tiny/stages.csv").set_index("stage")
    assert (stages.loc[["pretrain", "finetune"], "images_per_second"] > 0).all()
    assert (stages["peak_memory_mb"] > 50).all() and (stages["seconds"] > 0).all()


def test_several_processes_give_the_table_of_one(indomain, small_recipe, here):
    assert indomain("run", "tiny.toml", "--runs-dir", "one")[0] == 0
    status, out, err = indomain("run", "tiny.toml", "--runs-dir", "two", "--jobs", "2")
    assert status == 0, err
    for name in ("table.csv", "predictions.csv"):
        assert (here / "one/tiny" / name).read_bytes() == (here / "two/tiny" / name).read_bytes()
    # What ends one process ends them all, and is said: here, that no training has numbers.
    words = ["finetune.optimizer=sgd", "finetune.learning_rate=3e38", "finetune.strategies=['full']", "seeds=[0]"]
    status, _, err = indomain("run", "tiny.toml", "--jobs", "2", *(part for word in words for part in ("--set", word)))
    assert status == 1 and "every training diverged" in err


TWO_DEVICES = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
seen = []
train = keras.Model.fit
def fit(self, *given, **named):
    seen.append(self.distribute_strategy.num_replicas_in_sync)
    return train(self, *given, **named)
keras.Model.fit = fit
from indomain.cli import main
status = main(sys.argv[2:])
assert set(seen) == {int(sys.argv[1])}, seen
sys.exit(status)
"""


def test_one_network_learns_on_two_devices(small_recipe, here, cache_dir):
    options = ["tiny.toml", "--set", "explain.images=0", "--set", "seeds=[0]", "--set", "fusion.classifiers=[]"]
    options += [
        "--set",
        'finetune.strategies=["full"]',
        "--set",
        "finetune.dropout=0.0",
        "--set",
        "finetune.optimizer=sgd",
        "--set",
        "finetune.learning_rate=1e-5",
        "--cache-dir",
        str(cache_dir),
    ]
    for devices, runs in (("one", "one"), ("all", "two")):
        number = {"one": "1", "all": "2"}[devices]
        command = [sys.executable, "-c", TWO_DEVICES, number, "run", *options, "--set", f"compute.devices={devices}"]
        environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
        command += ["--runs-dir", runs]
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr[-2000:]
    # squeezenet has no batch normalisation: the share of a batch that a device sees makes no difference but rounding.
    logs = []
    for runs in ("one", "two"):
        asked = {
            json.loads(path.read_text())["labels"]["chain"]: path for path in (here / runs).glob("work/fine*/task.json")
        }
        logs.append(pd.read_csv(asked["imagenet"].with_name("log.csv")))
    for column in ("loss", "val_loss"):
        assert list(logs[0][column]) == pytest.approx(list(logs[1][column]), rel=0.02), (logs[0], logs[1])


def test_sixteen_bits_are_another_run_and_learn_too(indomain, small_recipe, here):
    options = ["--set", "explain.images=0", "--set", "seeds=[0]", "--set", "fusion.classifiers=[]"]
    options += ["--set", "compute.precision=bfloat16", "--set", "finetune.strategies=full"]
    status, _, err = indomain("run", "tiny.toml", *options, "--set", 'finetune.strategies=["full"]')
    assert status == 0, err
    import keras

    from indomain import backend

    saved = next((here / "runs/work").glob("finetune-*/model.keras"))
    model = keras.saving.load_model(saved)
    assert model.get_layer("logits").compute_dtype == "float32"
    assert any(layer.compute_dtype == "bfloat16" for layer in model.layers)
    assert all(weight.dtype == "float32" for weight in model.weights)
    backend.configure({"backend": keras.config.backend(), "precision": "float32"})


def test_a_gpu_for_each_process(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 6")
    assert [processes.gpu_for(number) for number in range(3)] == ["4", "6", "4"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert processes.gpu_for(0) == ""


def test_processes_share_the_cores(monkeypatch):
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    for jobs, share in ((1, "8"), (3, "2"), (20, "1")):
        with processes.share_of(0, jobs):
            assert os.environ["LOKY_MAX_CPU_COUNT"] == share
    assert "LOKY_MAX_CPU_COUNT" not in os.environ
    monkeypatch.undo()
    with processes.share_of(0, joblib.cpu_count()):
        assert joblib.cpu_count() == 1


def test_the_view_says_what_is_left(capsys):
    tasks = [Task("finetune", 1, {"n": n}, labels={"chain": "[red]x", "seed": n}) for n in range(4)]
    with View(tasks, {task.digest: 10.0 for task in tasks}, quiet=False, workers=2) as view:
        assert view.left() == "about 0:20 left"
        view.begin(tasks[0])
        view.note("epoch 1/2 loss 0.5 · 800 images/s", 0.5)
        view.end(tasks[0])
        view.begin(tasks[1])
        from rich.console import Console

        console = Console(file=io.StringIO(), width=100, record=True)
        console.print(view.drawn())
        shown = console.export_text()
    assert "finetune" in shown and "1/4" in shown and "[red]x · seed 1" in shown and "left" in shown
    assert "[1/4, about 0:20 left] finetune: [red]x · seed 0" in capsys.readouterr().err
    assert (clock(42), clock(725), clock(11230)) == ("0:42", "12:05", "3:07:10")


def test_the_time_left_counts_what_others_spent(capsys):
    tasks = [Task("finetune", 1, {"n": n}) for n in range(6)]
    view = View(tasks, dict.fromkeys(task.digest for task in tasks), quiet=True, workers=2)
    for task in tasks[:4]:
        view.begin(task)
        view.end(task, seconds=30.0)
    assert view.left() == "about 0:30 left" and view.ours == 4


def test_of_a_stage_that_has_not_begun_nothing_is_guessed(capsys):
    tasks = [Task("pretrain", 1, {"n": n}) for n in range(3)] + [Task("finetune", 1, {"n": n}) for n in range(500)]
    view = View(tasks, dict.fromkeys(task.digest for task in tasks), quiet=True)
    assert view.left() == ""
    for task in tasks[:2]:
        view.begin(task)
        view.end(task, seconds=100.0)
    assert view.left() == "more than 1:40 left"
    view.begin(tasks[2])
    view.end(tasks[2], seconds=100.0)
    view.begin(tasks[3])
    view.end(tasks[3], seconds=2.0)
    assert view.left() == "about 16:38 left"


def test_a_backend_that_is_not_loaded_is_named(monkeypatch):
    from indomain import backend

    with pytest.raises(RequestError, match="KERAS_BACKEND"):
        backend.configure({"backend": "jax", "precision": "float32"})


def test_the_outlook_is_made_of_finished_runs_only(here, small_recipe, cache_dir):
    plan = plan_of(small_recipe.read_text(), here, cache_dir)
    assert all(line.startswith("to do") for line in preview.lines(plan))
