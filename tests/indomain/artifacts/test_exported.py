"""An exported model as a folder or one file: a change of it is seen, and an archive cannot write where it should not."""

import zipfile

import pytest

from indomain import files
from indomain.artifacts import exported
from indomain.errors import RequestError

CONTENT = {
    "name": "made", "title": "By hand", "classes": ["a", "b"], "classifier": False, "networks": [{"file": "network-0.keras"}],
    "input": {"shape": [8, 8, 1], "grey": True},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    (made / "network-0.keras").write_bytes(b"weights")
    (made / exported.CARD).write_text("# made")
    exported.write(made, CONTENT)
    return made


def test_a_model_is_read_as_it_was_written(folder):
    model = exported.read(folder)
    assert (model.name, model.classes, model.shape, model.learnt_channels) == ("made", ["a", "b"], (8, 8, 1), 1)
    assert model.networks == [folder / "network-0.keras"] and model.classifier is None


def test_a_file_that_was_changed_is_seen(folder):
    (folder / "network-0.keras").write_bytes(b"Weights")
    with pytest.raises(RequestError, match=r"network-0.keras.*not the model that was exported"):
        exported.read(folder)


def test_a_file_that_is_missing_a_later_format_and_no_model_are_told_apart(folder, tmp_path):
    with pytest.raises(RequestError, match="holds no exported model: there is no model.json"):
        exported.read(tmp_path)
    content = files.read_json(folder / exported.CONTENT)
    files.write_json(folder / exported.CONTENT, {**content, "format": 9})
    with pytest.raises(RequestError, match=r"has format 9, and this version of indomain reads 1"):
        exported.read(folder)
    (folder / exported.CONTENT).write_text("{")
    with pytest.raises(RequestError, match="model.json cannot be read"):
        exported.read(folder)


def test_one_file_holds_the_same(folder, tmp_path):
    exported.packed(folder, tmp_path / "made.zip")
    model = exported.opened(str(tmp_path / "made.zip"))
    assert (
        model.content == exported.read(folder).content and (model.folder / "network-0.keras").read_bytes() == b"weights"
    )


def test_an_archive_cannot_write_outside_its_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(exported.CONTENT, "{}")
        archive.writestr("../outside.txt", "here I am")
    with pytest.raises(RequestError, match="holds folders.*was not unpacked"):
        exported.opened(str(tmp_path / "bad.zip"))
    assert not list(tmp_path.parent.glob("outside.txt"))
    (tmp_path / "no.zip").write_bytes(b"no archive")
    with pytest.raises(RequestError, match=r"no.zip is not a .zip file"):
        exported.opened(str(tmp_path / "no.zip"))


def test_an_archive_that_would_fill_the_disk_is_not_unpacked(folder, tmp_path, monkeypatch):
    exported.packed(folder, tmp_path / "made.zip")
    monkeypatch.setattr(exported, "MOST_BYTES", 10)
    with pytest.raises(RequestError, match="would unpack to more than"):
        exported.unpacked(tmp_path / "made.zip", tmp_path)


def test_names_are_looked_up_among_the_users_models(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("INDOMAIN_MODELS", str(tmp_path))
    assert exported.names() == ["made"] and exported.opened("made").name == "made"
    with pytest.raises(RequestError, match=r"unknown model 'mad'. Did you mean 'made'"):
        exported.opened("mad")
    with pytest.raises(RequestError, match="there is no exported model at some/where"):
        exported.opened("some/where")
