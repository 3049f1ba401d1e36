"""`indomain predict`: what the command says; what it writes is tested with the models."""

from argparse import Namespace
from pathlib import Path

import pytest

from indomain.commands import predict
from indomain.errors import RequestError
from indomain.models import predicting


def options(**changed):
    return Namespace(**{"model": "m", "images": "i", "pattern": "", "calibrated": False, "data_dir": Path(), **changed})


@pytest.fixture
def said(monkeypatch, tmp_path, capsys):
    """What is printed about a prediction."""

    class Model:
        name = "net"

    def of(**summary):
        monkeypatch.setattr(predict, "_model", lambda options, folder: Model())
        monkeypatch.setattr(predicting, "images_of", lambda *arguments: (None, []))
        monkeypatch.setattr(predicting, "Predictor", lambda *arguments: None)
        monkeypatch.setattr(predicting, "predict", lambda *arguments: predicting.Summary(**summary))
        status = predict.predict(options(output=tmp_path / "out.csv"))
        return status, capsys.readouterr().out

    return of


def test_what_was_found_is_said(said):
    status, out = said(images=9, predicted={"a": 5, "b": 4}, patients=3, unlike=2, learnt_from=1, recoloured="grey")
    assert status == 0 and "9 images by net (a 5, b 4)" in out and "3 patients" in out
    assert "2 of 9 images are unlike" in out and "1 images are among those" in out and "images are grey" in out


def test_a_folder_of_which_nothing_could_be_read_fails(said):
    status, out = said(unreadable=[(f"{number}.png", "torn") for number in range(9)])
    assert status == 1 and "9 files could not be read" in out and "4.png: torn" in out and "5.png" not in out


def test_the_output_is_a_table(tmp_path):
    with pytest.raises(RequestError, match=r"should end in .csv"):
        predict.predict(options(output=tmp_path / "out.json"))
