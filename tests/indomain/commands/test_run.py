"""`indomain run` and `indomain plan`: what is decoded, what is done, and what is left in the results folder."""

import argparse
import json

import pytest

from indomain.commands import run as commands
from indomain.commands.cli import main
from indomain.errors import RequestError


@pytest.fixture
def own_cache(small_recipe, tmp_path, capsys):
    """Runs a command on the small recipe with a cache in which nothing is prepared; returns status and output."""
    cache = tmp_path / "own-cache"

    def run(*words: str):
        status = main([*words, "--cache-dir", str(cache)])
        return status, capsys.readouterr().out, cache

    return run


def test_a_plan_names_the_sets_to_prepare_and_decodes_nothing(own_cache, here):
    status, out, cache = own_cache("plan", "tiny.toml")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].startswith("to prepare  small: ") and "images at 32×32 pixels, about 0:0" in lines[0]
    count = int(lines[0].split(": ")[1].split()[0].replace(",", ""))
    assert count > 100 and f"{count:,} images to prepare first, about 0:0" in lines[-1]
    assert "--prepare" in lines[-1] and "rule of thumb" in lines[-1]
    assert not cache.exists() and not (here / "runs").exists()


def test_a_set_that_several_targets_and_sources_name_is_prepared_once_and_counted_once(own_cache):
    _, out, _ = own_cache("plan", "tiny.toml")
    assert [line.split()[2] for line in out.splitlines() if line.startswith("to prepare")] == ["small:"]


def test_a_plan_goes_on_with_prepare(own_cache):
    status, out, cache = own_cache("plan", "tiny.toml", "--prepare")
    assert status == 0 and "runs to do" in out and "to prepare" not in out
    assert len(list(cache.glob("*/set.json"))) == 1
    # The next plan needs it no more.
    assert "runs to do" in own_cache("plan", "tiny.toml")[1]


def test_the_time_to_prepare_is_known_from_the_sets_prepared_so_far(own_cache):
    _, _, cache = own_cache("plan", "tiny.toml", "--prepare")
    path = next(cache.glob("*/set.json"))
    slow = json.loads(path.read_text()) | {"images": 100, "seconds": 50.0}
    path.write_text(json.dumps(slow))
    _, out, _ = own_cache("plan", "tiny.toml", "--set", "size=48")
    count = int(out.split("small: ")[1].split()[0])
    minutes, seconds = divmod(round(count / 2), 60)
    assert (
        f"{count} images at 48×48 pixels, about {minutes}:{seconds:02}" in out and "by the sets prepared so far" in out
    )


def test_a_plan_without_data_is_refused_with_where_they_should_be(indomain, small_recipe):
    small_recipe.write_text(small_recipe.read_text().replace('set = "small.toml:wrist"', 'set = "ph2"'))
    status, _, err = indomain("plan", "tiny.toml")
    assert status == 2 and "--data-dir" in err


def test_another_title_redoes_the_report_only(indomain, finished_here):
    _, out, _ = indomain("run", "tiny.toml", "--set", "title=Other")
    assert "\n1 runs completed. Results: runs/tiny\n" in out and "\nOther: AUROC" in out


def test_what_the_last_report_had_and_this_one_has_not_is_removed_from_the_results(indomain, finished_here):
    results = finished_here / "runs/tiny"
    (results / "notes.txt").write_text("mine")
    before = {path.name for path in results.iterdir()}
    assert len([name for name in before if name.startswith("panel-")]) == 2
    assert indomain("run", "tiny.toml", "--set", "explain.images=0")[0] == 0
    after = {path.name for path in results.iterdir()}
    assert {name for name in before - after} == {name for name in before if name.startswith("panel-")}
    assert (results / "notes.txt").read_text() == "mine" and "table.csv" in after


def test_a_stage_alone_says_how_many_runs_it_did(indomain, finished_here):
    for folder in (finished_here / "runs/work").glob("explain-*"):
        folder.rename(finished_here / folder.name)
    status, out, _ = indomain("run", "tiny.toml", "--only", "explain")
    assert (status, out) == (0, "explain: 6 runs completed.\n")


def test_processes_here_and_on_a_cluster_are_not_mixed():
    with pytest.raises(RequestError, match="give only one of them"):
        commands.run(argparse.Namespace(cluster="tcp://head:8786", jobs=2))
