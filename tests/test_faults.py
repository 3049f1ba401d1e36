"""What may go wrong with a machine while a recipe runs: each time the same command goes on, and the table is the same."""

import ctypes
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import SMALL_MANIFEST, TINY

from indomain import files

PROGRAM = "import sys; from indomain.cli import main; sys.exit(main(sys.argv[1:]))"
# One chain, one seed, one classifier: seconds of work, every stage but the explanations.
SMALL = ["--set", "explain.images=0", "--set", "seeds=[0]", "--set", 'finetune.strategies=["full"]']
SMALL += [
    "--set",
    "finetune.epochs=4",
    "--set",
    'chains={imagenet=["imagenet"], more=["imagenet", "others:supervised"]}',
]


def command(here: Path, cache_dir: Path, *more: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, "run", "tiny.toml", *SMALL, "--cache-dir", str(cache_dir), *more]


def same_table(first: Path, second: Path) -> bool:
    names = ("table.csv", "predictions.csv")
    return all((first / "tiny" / name).read_bytes() == (second / "tiny" / name).read_bytes() for name in names)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, cache_dir):
    """The runs folder of an unbroken run, and the folder of its recipe; to be copied, not changed."""
    here = tmp_path_factory.mktemp("finished")
    (here / "small.toml").write_text(SMALL_MANIFEST)
    (here / "tiny.toml").write_text(TINY)
    done = subprocess.run(command(here, cache_dir), cwd=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return here


def test_killed_at_twenty_moments(small_recipe, here, cache_dir, finished):
    moments = random.Random(0)
    killed = 0
    while killed < 20:
        process = subprocess.Popen(
            command(here, cache_dir), cwd=here, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            process.wait(moments.uniform(0.2, 6))
            # It came to its end before that: the moments left are those of a new beginning.
            assert process.returncode == 0 and same_table(here / "runs", finished / "runs")
            shutil.rmtree(here / "runs")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
    subprocess.run(command(here, cache_dir), cwd=here, check=True, capture_output=True)
    assert same_table(here / "runs", finished / "runs")


def test_a_full_disk_loses_nothing(small_recipe, here, cache_dir, finished):
    def little_room():
        # No file may grow beyond a megabyte: the first network cannot be saved.
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))

    full = subprocess.run(
        command(here, cache_dir, "--set", 'chains={imagenet=["imagenet"]}'),
        cwd=here,
        capture_output=True,
        text=True,
        preexec_fn=little_room,
    )
    assert full.returncode == 1 and "Traceback" not in full.stderr, full.stderr[-3000:]
    assert "file too large" in full.stderr.lower() and "same command" in full.stderr
    assert not list((here / "runs/work").glob("finetune-*/DONE"))
    subprocess.run(command(here, cache_dir), cwd=here, check=True, capture_output=True)
    assert same_table(here / "runs", finished / "runs")
    assert not list((here / "runs").rglob(".model*"))


def obeying_permissions():
    # Root may write anywhere; without this capability it obeys like anybody else.
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


def test_a_runs_folder_that_cannot_be_written_to(small_recipe, here, cache_dir, finished):
    shutil.copytree(finished / "runs", here / "runs")
    folders = [here / "runs", *(path for path in (here / "runs").rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        options = {"cwd": here, "capture_output": True, "text": True, "preexec_fn": obeying_permissions}
        read = subprocess.run(command(here, cache_dir), **options)
        assert read.returncode == 0 and "done already" in read.stdout, read.stderr
        more = subprocess.run(command(here, cache_dir, "--set", "finetune.batch=8"), **options)
        assert more.returncode == 2 and "--runs-dir" in more.stderr and "Traceback" not in more.stderr, more.stderr
    finally:
        for folder in folders:
            folder.chmod(0o755)
    nowhere = subprocess.run(command(here, cache_dir, "--runs-dir", "/proc/runs"), **options)
    assert nowhere.returncode == 2 and "--runs-dir" in nowhere.stderr, nowhere.stderr


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def turn_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "name", ["model.keras", "log.csv", "predictions.csv", "features.npz", "table.csv", "split.csv"]
)
def test_a_cut_file_is_found_said_and_made_again(small_recipe, here, cache_dir, finished, name, indomain):
    shutil.copytree(finished / "runs", here / "runs")
    damaged = next((here / "runs/work").glob(f"*/{name}"))
    before = damaged.read_bytes()
    cut(damaged)
    status, _, err = indomain("run", "tiny.toml", *SMALL)
    assert status == 0 and name in err and "bytes" in err and "again" in err
    assert same_table(here / "runs", finished / "runs")
    if name not in ("log.csv", "model.keras"):  # those hold seconds and the time of writing
        assert damaged.read_bytes() == before
    assert list((here / "runs/work").glob("*.damaged"))


def test_a_turned_bit_is_found_when_the_file_is_needed(small_recipe, here, cache_dir, finished, indomain):
    shutil.copytree(finished / "runs", here / "runs")
    for path in (here / "runs/work").glob("finetune-*/model.keras"):
        turn_a_bit(path)
    assert indomain("runs", "check", "--runs-dir", "runs")[0] == 1
    for folder in (here / "runs/work").glob("fusion-*"):
        shutil.rmtree(folder)
    status, _, err = indomain("run", "tiny.toml", *SMALL)
    assert status == 0 and "SHA-256 differs" in err
    assert same_table(here / "runs", finished / "runs")
    assert indomain("runs", "check", "--runs-dir", "runs")[0] == 0
    assert "2 unfinished or damaged" in indomain("runs", "prune", "--runs-dir", "runs")[1]


@pytest.mark.parametrize("name", ["images.npy", "index.csv", "set.json"])
def test_a_cut_prepared_set_is_prepared_again(small_recipe, here, tmp_path, finished, name, indomain, capsys):
    from indomain.commands.cli import main

    own = ["--cache-dir", str(tmp_path / "own")]
    assert main(["data", "prepare", "small.toml", *own]) == 0
    damaged = next((tmp_path / "own").glob(f"*/{name}"))
    before = damaged.read_bytes()
    cut(damaged)
    capsys.readouterr()
    assert main(["data", "prepare", "small.toml", *own]) == 0
    assert name in capsys.readouterr().err and damaged.read_bytes() == before
    if name == "images.npy":
        # Of the same length: `data check` compares every picture with its digest.
        turn_a_bit(damaged)
        assert main(["data", "check", "small.toml", *own]) == 2
        assert "not what was written" in capsys.readouterr().err


def test_a_state_that_cannot_be_read_begins_the_training_anew(small_recipe, here, cache_dir, finished, indomain):
    shutil.copytree(finished / "runs", here / "runs")
    folder = next((here / "runs/work").glob("finetune-*"))
    partial = folder.with_name(f"{folder.name}.partial")
    folder.rename(partial)
    (partial / "DONE").unlink()
    (partial / "state.npz").write_bytes(b"PK\x03\x04 half a file")
    status, _, err = indomain("run", "tiny.toml", *SMALL)
    assert status == 0 and "begins anew" in err
    assert same_table(here / "runs", finished / "runs")


def test_two_processes_share_a_recipe(small_recipe, here, cache_dir, finished):
    options = {"cwd": here, "stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command(here, cache_dir), **options) for _ in range(2)]
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    begun = [[line.split("] ")[1] for line in err.splitlines() if line.startswith("[")] for _, err in said]
    assert not set(begun[0]) & set(begun[1]), "the same run twice"
    tasks = list((here / "runs/work").glob("*/DONE"))
    assert len(begun[0]) + len(begun[1]) == len(tasks) and min(map(len, begun)) > 0
    assert same_table(here / "runs", finished / "runs")


def test_a_lost_dask_worker_loses_nothing(small_recipe, here, cache_dir, finished):
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        more = ["--cluster", cluster.scheduler_address]
        process = subprocess.Popen(command(here, cache_dir, *more), cwd=here, stderr=subprocess.PIPE, text=True)
        for _ in range(600):
            locks = [path for path in (here / "runs/work").glob(".finetune-*.lock") if path.read_text()]
            if locks:
                break
            time.sleep(0.05)
        worker = int(locks[0].read_text().split()[0])
        assert worker in {nanny.pid for nanny in cluster.workers.values()}
        os.kill(worker, signal.SIGKILL)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-2000:]
    assert same_table(here / "runs", finished / "runs")


def test_nobody_at_the_address(small_recipe, here, cache_dir):
    patience = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
    wrong = command(here, cache_dir, "--cluster", "tcp://127.0.0.1:9")
    done = subprocess.run(wrong, cwd=here, capture_output=True, text=True, env=patience)
    assert done.returncode == 2 and "no dask scheduler answers" in done.stderr, done.stderr[-2000:]


def test_long_paths_in_any_script(finished, cache_dir, tmp_path):
    place = tmp_path.joinpath(*["läufe und 実行 " + "x" * 60] * 8)
    place.mkdir(parents=True)
    for name in ("small.toml", "tiny.toml"):
        shutil.copy(finished / name, place / name)
    done = subprocess.run(command(place, cache_dir), cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert same_table(place / "runs", finished / "runs")


def test_what_is_written_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.json"
    files.write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), files.written(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert files.read_json(path) == {"a": 1} and list(tmp_path.iterdir()) == [path]
