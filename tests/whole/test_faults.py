"""What may go wrong with a machine while a recipe runs: each time the same command continues, and the table is the same."""

import ctypes
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from indomain import files
from indomain.commands.cli import main
from tests.whole.small import LESS, remove, same_table

PROGRAM = "import sys; from indomain.commands.cli import main; sys.exit(main(sys.argv[1:]))"


def test_killed_at_twenty_moments(small_recipe, here, cache_dir, unbroken, forked):
    words = ["run", "tiny.toml", *LESS, "--cache-dir", cache_dir]
    moments = random.Random(0)
    killed = 0
    while killed < 20:
        command = forked.start(*words, here=here)
        status = command.wait(moments.uniform(0.05, 2))
        if status is None:
            command.kill()
            killed += 1
        else:
            # It came to its end before that: the moments left are those of a new beginning.
            assert status == 0 and same_table(here / "runs", unbroken), command.err
            shutil.rmtree(here / "runs")
    status, _, err = forked.run(*words, here=here)
    assert status == 0, err
    assert same_table(here / "runs", unbroken)


def test_a_full_disk_loses_nothing(finished_here, unbroken, indomain):
    remove(finished_here, "finetune", "fusion")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may grow beyond a megabyte: the first network cannot be saved.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
    try:
        status, _, err = indomain("run", "tiny.toml", *LESS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert status == 1 and "file too large" in err.lower() and "same command" in err
    assert not list((finished_here / "runs/work").glob("finetune-*/DONE"))
    assert indomain("run", "tiny.toml", *LESS)[0] == 0
    assert same_table(finished_here / "runs", unbroken)
    assert not list((finished_here / "runs").rglob(".model*"))


def obeying_permissions():
    # Root may write anywhere; without this capability it obeys like anybody else.
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


@pytest.fixture
def read_only(finished_here, cache_dir):
    """Runs a command where the runs folder cannot be written to, in a process that obeys permissions."""
    folders = [path for path in (finished_here / "runs").rglob("*") if path.is_dir()]
    folders.append(finished_here / "runs")

    def run(*more: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", PROGRAM, "run", "tiny.toml", "--cache-dir", str(cache_dir), *more]
        return subprocess.run(
            command, cwd=finished_here, capture_output=True, text=True, preexec_fn=obeying_permissions
        )

    for folder in folders:
        folder.chmod(0o555)
    yield run
    for folder in folders:
        folder.chmod(0o755)


def test_a_finished_recipe_is_read_from_a_folder_that_cannot_be_written_to(read_only):
    done = read_only()
    assert done.returncode == 0 and "done already" in done.stdout, done.stderr


@pytest.mark.parametrize("more", [["--set", "finetune.batch=8"], ["--runs-dir", "/proc/runs"]])
def test_work_in_a_folder_that_cannot_be_written_to_is_refused(read_only, more):
    done = read_only(*more)
    assert done.returncode == 2 and "--runs-dir" in done.stderr and "Traceback" not in done.stderr, done.stderr


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def turn_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "name", ["model.keras", "log.csv", "predictions.csv", "features.npz", "table.csv", "split.csv"]
)
def test_a_cut_file_is_found_reported_and_made_again(finished_here, finished, name, indomain):
    damaged = next((finished_here / "runs/work").glob(f"*/{name}"))
    before = damaged.read_bytes()
    cut(damaged)
    status, _, err = indomain("run", "tiny.toml")
    assert status == 0 and name in err and "bytes" in err and "it will be re" in err
    assert same_table(finished_here / "runs", finished / "runs")
    if name not in ("log.csv", "model.keras"):  # those hold seconds and the time of writing
        assert damaged.read_bytes() == before
    assert list((finished_here / "runs/work").glob("*.damaged"))


def test_a_turned_bit_is_found_when_the_file_is_needed(finished_here, finished, indomain):
    work = finished_here / "runs/work"
    for path in work.glob("finetune-*/model.keras"):
        turn_a_bit(path)
    networks = len(list(work.glob("finetune-*/model.keras")))
    status, out, _ = indomain("runs", "check", "--runs-dir", "runs")
    assert status == 1 and f"{networks} damaged files" in out
    for folder in work.glob("fusion-*"):
        shutil.rmtree(folder)
    status, _, err = indomain("run", "tiny.toml", *LESS)
    assert status == 0 and err.count("SHA-256 differs") == 2  # one network of each chain is read again
    assert indomain("runs", "prune", "--runs-dir", "runs")[1].startswith("2 unfinished or damaged")


@pytest.mark.parametrize("name", ["images.npy", "index.csv", "set.json"])
def test_a_cut_prepared_set_is_prepared_again(small_manifest, tmp_path, name, capsys):
    own = ["--cache-dir", str(tmp_path / "own")]
    assert main(["data", "prepare", "small.toml", *own]) == 0
    damaged = next((tmp_path / "own").glob(f"*/{name}"))
    before = damaged.read_bytes()
    cut(damaged)
    capsys.readouterr()
    assert main(["data", "prepare", "small.toml", *own]) == 0
    said = capsys.readouterr().err
    assert name in said
    if name != "set.json":  # it holds the seconds
        assert damaged.read_bytes() == before


def test_a_turned_bit_in_prepared_images_is_found_by_data_check(small_manifest, tmp_path, capsys):
    own = ["--cache-dir", str(tmp_path / "own")]
    assert main(["data", "prepare", "small.toml", *own]) == 0
    turn_a_bit(next((tmp_path / "own").glob("*/images.npy")))
    assert main(["data", "check", "small.toml", *own]) == 2
    assert "the pixels of 1 images have changed" in capsys.readouterr().err


def test_a_state_that_cannot_be_read_begins_the_training_anew(finished_here, finished, indomain):
    folder = next((finished_here / "runs/work").glob("pretrain-*"))
    partial = folder.with_name(f"{folder.name}.partial")
    folder.rename(partial)
    (partial / "DONE").unlink()
    (partial / "state.npz").write_bytes(b"PK\x03\x04 half a file")
    status, _, err = indomain("run", "tiny.toml")
    assert status == 0 and "begins anew" in err
    assert same_table(finished_here / "runs", finished / "runs")


def test_two_processes_share_a_recipe(finished_here, cache_dir, unbroken, forked, indomain):
    work = finished_here / "runs/work"
    remove(finished_here, "finetune", "fusion", "report")
    done_before = set(work.glob("*/DONE"))
    other = forked.start("run", "tiny.toml", *LESS, "--cache-dir", cache_dir, here=finished_here)
    while not list(work.glob(".finetune-*.lock")):
        time.sleep(0.01)
    status, _, err = indomain("run", "tiny.toml", *LESS)
    assert (status, other.wait(600)) == (0, 0), (err, other.err)
    begun = [[line.split("] ")[1] for line in said.splitlines() if line.startswith("[")] for said in (err, other.err)]
    assert not set(begun[0]) & set(begun[1]), "the same run twice"
    assert len(begun[0]) + len(begun[1]) == len(set(work.glob("*/DONE")) - done_before)
    assert min(map(len, begun)) > 0
    assert same_table(finished_here / "runs", unbroken)


def test_a_dask_cluster_gives_the_table_of_one_process(finished_here, unbroken, indomain):
    from distributed import LocalCluster

    remove(finished_here, "finetune", "fusion", "report")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with LocalCluster(**options, protocol="tcp://") as cluster:
        status, out, err = indomain("run", "tiny.toml", *LESS, "--cluster", cluster.scheduler_address)
    assert status == 0 and "7 runs completed" in out, err
    assert same_table(finished_here / "runs", unbroken)


def test_long_paths_in_any_script(finished_here, unbroken, indomain, monkeypatch):
    place = finished_here.joinpath(*["läufe und 実行 " + "x" * 60] * 8)
    place.mkdir(parents=True)
    for name in ("small.toml", "tiny.toml", "runs"):
        shutil.move(finished_here / name, place / name)
    remove(place, "split", "finetune", "fusion", "report")
    monkeypatch.chdir(place)
    status, _, err = indomain("run", "tiny.toml", *LESS)
    assert status == 0, err
    assert same_table(place / "runs", unbroken)


def test_what_is_written_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.json"
    files.write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), files.written(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert files.read_json(path) == {"a": 1} and list(tmp_path.iterdir()) == [path]
