"""What a command does of a recipe's tasks: what is not done, each once, damaged ones anew."""

from dataclasses import replace

import pytest

from indomain.errors import RequestError
from indomain.runs import executor
from indomain.runs.folder import RunsFolder
from tests.indomain.runs.noting import note


def test_it_says_how_many_runs_it_did(chain, runs):
    assert executor.execute(chain, runs, quiet=True) == 4
    assert executor.execute(chain, RunsFolder(runs.path), quiet=True) == 0


def test_equal_tasks_are_one_run(chain, runs):
    assert executor.execute([*chain, *chain], runs, quiet=True) == 4


def test_pending_are_the_tasks_that_are_not_done(chain, runs):
    executor.execute(chain[:2], runs, quiet=True)
    assert executor.pending(chain, runs) == chain[2:]
    assert [executor.state(runs, task) for task in chain] == ["done", "done", "to do", "to do"]


def test_a_damaged_run_is_told_from_one_to_do(chain, runs):
    executor.execute(chain, runs, quiet=True)
    (runs.folder(chain[0]) / "text").unlink()
    assert executor.state(RunsFolder(runs.path), chain[0]).startswith("damaged: text")


def test_one_stage_alone_needs_the_earlier_ones(chain, runs):
    later = replace(note("e", chain[0]), stage="later")
    with pytest.raises(RequestError, match="needs a run that is not done; run first: python -m noting"):
        executor.execute([*chain, later], runs, only="later", quiet=True)
    assert not list(runs.work.glob("*/DONE"))


def test_one_stage_alone_leaves_the_others(chain, runs):
    later = replace(note("e", chain[0]), stage="later")
    assert executor.execute([*chain, later], runs, only="noting", quiet=True) == 4
    assert not runs.is_done(later)


def test_a_stage_refuses_before_any_work(runs):
    with pytest.raises(RequestError, match="this stage refuses it"):
        executor.execute([note("a"), note("refused")], runs, quiet=True)
    assert not list(runs.work.glob("*/DONE"))


def test_what_no_other_run_reads_is_verified_whole_every_time(chain, runs, capsys):
    executor.execute(chain, runs, quiet=True)
    last = runs.folder(chain[3]) / "text"
    last.write_text(last.read_text().replace("d", "x"))
    assert executor.execute(chain, RunsFolder(runs.path), quiet=True) == 1
    assert "Quarantined" in capsys.readouterr().err and last.read_text() == "abacd"


@pytest.mark.parametrize("damage", ["shorter", "gone", "DONE cut"])
def test_a_damaged_run_is_found_reported_quarantined_and_done_again(chain, runs, damage, capsys):
    executor.execute(chain, runs, quiet=True)
    folder = runs.folder(chain[0])
    if damage == "shorter":
        (folder / "text").write_bytes(b"")
    elif damage == "gone":
        (folder / "text").unlink()
    else:
        (folder / "DONE").write_text('{"sec')
    assert executor.execute(chain, RunsFolder(runs.path), quiet=True) == 1
    assert (folder / "text").read_text() == "a" and (runs.work / f"{folder.name}.damaged").is_dir()
    assert "Quarantined" in capsys.readouterr().err
