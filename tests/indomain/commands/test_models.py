"""`indomain models`: a model goes out as a folder or one file, and comes in under a name."""

import pytest

from indomain.artifacts import exported
from indomain.commands import models
from tests.indomain.models.conftest import command, network, ran  # noqa: F401 - fixtures


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of models of one's own."""
    monkeypatch.setenv("INDOMAIN_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_one_file_is_written_imported_listed_and_shown(ran, command, home, tmp_path):  # noqa: F811
    words = ["--chain", "imagenet", "--method", "full", "--zip", "--output", tmp_path / "lent.zip", "--name", "lent"]
    assert command(ran, "models", "export", "kept.toml", *words)[0] == 0
    assert "No models in" in command(ran, "models", "list")[1]
    status, out, err = command(ran, "models", "import", tmp_path / "lent.zip", "--name", "theirs")
    assert status == 0 and '["model:theirs"]' in out, err
    assert "theirs" in command(ran, "models", "list")[1]
    assert "## Limits" in command(ran, "models", "show", "theirs")[1]
    status, _, err = command(ran, "models", "import", tmp_path / "lent.zip", "--name", "theirs")
    assert status == 2 and "there is a model 'theirs' already" in err


def test_without_a_place_a_model_is_kept_under_its_coordinates(ran, command, home):  # noqa: F811
    assert command(ran, "models", "export", "kept.toml", "--chain", "imagenet", "--method", "full")[0] == 0
    assert exported.names() == ["kept-wrist-imagenet-squeezenet"]


def test_a_model_that_was_changed_is_listed_as_damaged_and_not_shown(ran, network, command, home):  # noqa: F811
    assert command(ran, "models", "import", network)[0] == 0
    path = home / "net" / "README.md"
    path.write_text(path.read_text().replace("research", "everything"))
    assert "damaged" in command(ran, "models", "list")[1]
    status, _, err = command(ran, "models", "show", "net")
    assert status == 2 and "README.md" in err and "not the model that was exported" in err


@pytest.mark.parametrize("name", ["../up", ".hidden", "a b", ""])
def test_a_name_is_no_path(name):
    with pytest.raises(models.RequestError, match="cannot be a model's name"):
        models._check_name(name)


def test_a_zip_is_a_file(ran, command):  # noqa: F811
    words = ["--chain", "imagenet", "--method", "full", "--zip", "--output", "folder"]
    status, _, err = command(ran, "models", "export", "kept.toml", *words)
    assert status == 2 and "should end in .zip" in err
