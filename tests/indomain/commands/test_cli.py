"""The command line: what it refuses, how it ends, and what it does without loading TensorFlow."""

import subprocess
import sys

import pytest

from indomain import __version__
from indomain.commands import cli, run
from indomain.errors import RequestError, WorkFailed


def test_without_a_command_it_says_what_there_is(capsys):
    assert cli.main([]) == 2
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("run", "plan", "data", "runs"))


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"indomain {__version__}\n"


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RequestError("no such set"), 2, "indomain: no such set"),
        (KeyboardInterrupt(), 1, "The same command continues from here"),
        (OSError(28, "No space left on device"), 1, "Finished work is kept"),
        (WorkFailed("a process was ended"), 1, "indomain: a process was ended"),
        (FloatingPointError("the loss became nan"), 1, "indomain: the loss became nan"),
        (BrokenPipeError(), 1, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_ends_a_command_is_one_line_and_a_status(monkeypatch, capsys, error, status, said):
    def ends(options):
        raise error

    monkeypatch.setattr(run, "run", ends)
    assert cli.main(["run", "quickstart"]) == status
    shown = capsys.readouterr().err
    assert said in shown and "Traceback" not in shown


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "1.5"])
def test_the_number_of_processes_is_a_whole_number(jobs, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["run", "quickstart", "--jobs", jobs])
    assert "a whole number of at least 1" in capsys.readouterr().err


def test_processes_here_or_machines_elsewhere_but_not_both(indomain):
    status, _, err = indomain("run", "quickstart", "--jobs", "2", "--cluster", "tcp://x:1")
    assert status == 2 and "give only one of them" in err


def test_folders_come_from_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("INDOMAIN_CACHE", "/somewhere/else")
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    assert "/somewhere/else" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["data", "list"], ["--help"], ["data", "show", "mura/humerus"]])
def test_help_and_lists_load_no_tensorflow(here, words):
    program = (
        "import sys; from indomain.commands.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "assert not {'tensorflow', 'keras', 'torch', 'pandas', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=here)
    assert done.returncode == 0, done.stderr


def test_one_stage_alone_needs_the_earlier_ones(small_recipe, cache_dir, capsys):
    assert cli.run_stage("finetune", ["tiny.toml", "--cache-dir", str(cache_dir)]) == 2
    assert "python -m pretrain" in capsys.readouterr().err


def test_one_stage_of_a_finished_recipe_has_nothing_to_do(finished_here, cache_dir, capsys):
    assert cli.run_stage("finetune", ["tiny.toml", "--cache-dir", str(cache_dir)]) == 0
    assert capsys.readouterr().out == "finetune: everything was done already.\n"
