"""A run of explanations: maps, a panel of them, and measures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from explain.run import run
from explain.subject import Subject
from indomain.artifacts.explanations import read_maps
from indomain.errors import Diverged
from indomain.runs.task import Work, find


@pytest.fixture
def maps(work, tmp_path):
    """The arrays of a run of maps, and its work."""
    given = work("maps")
    assert run(given) == {"images": 2}
    return read_maps(tmp_path), given


def test_maps_are_those_of_the_subject(maps):
    found, given = maps
    subject = Subject(given)
    np.testing.assert_array_equal(found["grad-cam"], subject.maps("grad-cam"))
    np.testing.assert_array_equal(found["lime"], subject.maps("lime"))


def test_images_scores_and_masks_are_kept_beside_the_maps(maps):
    found, given = maps
    subject = Subject(given)
    expected = {"images": subject.images, "y": subject.y, "explained": subject.chosen, "scores": subject.scores}
    for name, array in {**expected, "masks": subject.masks}.items():
        np.testing.assert_array_equal(found[name], array)
    assert found["id"].tolist() == subject.rows["id"].tolist()


def test_a_run_of_measures_has_a_row_for_each_image_map_and_measure(work, tmp_path):
    assert run(work("measure")) == {"images": 4, "learnt": 25}
    table = pd.read_csv(tmp_path / "measures.csv")
    counts = table.groupby(["measure", "explanation"]).size().unstack()
    assert counts[["grad-cam", "lime"]].loc[["deletion", "insertion", "randomisation"]].eq(4).all(None)
    assert counts.loc["stability"].dropna().to_dict() == {"lime": 4}


def test_what_measures_findings_has_a_row_for_each_image_with_one(work, tmp_path):
    given = work("measure")
    run(given)
    subject = Subject(given)
    with_finding = subject.rows["id"][subject.masks.any(axis=(1, 2))].tolist()
    assert 0 < len(with_finding) < 4
    table = pd.read_csv(tmp_path / "measures.csv")
    for measure, controls in (("pointing", {"anywhere", "middle"}), ("overlap", set()), ("energy", set())):
        ids = table[table["measure"] == measure].groupby("explanation")["id"].agg(list).to_dict()
        assert ids == dict.fromkeys({"grad-cam", "lime"} | controls, with_finding)


@pytest.fixture
def panel(explained, networks, tmp_path):
    """The task of a panel, and the folders of its maps, of which the first is missing where its network diverged."""
    task = find(explained[1], "explain", "panel", target="wrist", backbone="dcnn-light-w0.125", explained="true")[0]
    folders = []
    for number, member in enumerate(task.inputs["maps"]):
        folders.append(tmp_path / str(number))
        folders[-1].mkdir()
        small = replace(
            member, params={**member.params, "options": {**member.params["options"], "methods": ["grad-cam"]}}
        )
        run(Work(small, folders[-1], {"network": networks[member.input("network").digest]}))
    return replace(task, params={**task.params, "methods": ["grad-cam"]}), folders


def test_a_panel_is_drawn_and_what_it_was_drawn_from_is_kept(panel, tmp_path):
    task, folders = panel
    assert run(Work(task, tmp_path, {"maps": folders})) == {"chains": 2}
    with Image.open(tmp_path / "panel.png") as image:
        assert image.width > 400
    with np.load(tmp_path / "panel.npz") as saved:
        np.testing.assert_array_equal(saved["in-domain/grad-cam"], read_maps(folders[1])["grad-cam"])


def test_a_network_that_diverged_is_left_out_of_the_panel(panel, tmp_path):
    task, folders = panel
    (folders[0] / "explanations.npz").unlink()
    assert run(Work(task, tmp_path, {"maps": folders})) == {"chains": 1}


def test_without_any_network_there_is_no_panel(panel, tmp_path):
    task, folders = panel
    for folder in folders:
        (folder / "explanations.npz").unlink()
    with pytest.raises(Diverged, match="no network to explain"):
        run(Work(task, tmp_path, {"maps": folders}))
