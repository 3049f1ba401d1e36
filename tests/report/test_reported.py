"""Reported numbers: a registry says where each is from, and where it is listed."""

import pytest

from indomain.errors import RequestError
from indomain.files import shipped
from report import reported
from report.reported import Beside

KNOWN = '[a]\ntask = "t"\nmetric = "f1"\nvalue = 0.5\nmark = "V"\nsource = "s"\n'
UNKNOWN = '[b]\ntask = "t"\nmetric = "f1"\nmark = "not found"\nsource = "s"\n'
SHIPPED = sorted(shipped("recipes").rglob("reported.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=[path.parent.name for path in SHIPPED])
def test_every_reported_number_says_where_it_is_from(path):
    numbers = reported.load(path)
    for name, number in numbers.items():
        assert number.source and (number.value is None or 0 < number.value <= 1), name
    assert any(number.value is None for number in numbers.values()), "what is not known is listed, too"


def test_the_abstract_of_alzubaidi_et_al_is_as_printed():
    paper = reported.load(shipped("recipes") / "alzubaidi2021/reported.toml")
    abstract = {
        "skin-scratch": 0.8909, "skin-transfer": 0.9853, "breast-scratch": 0.8529, "breast-transfer": 0.9751,
        "foot-scratch": 0.860, "foot-transfer": 0.9625, "foot-double": 0.9925,
    }  # fmt: skip
    assert {name: paper[name].value for name in abstract} == abstract


@pytest.fixture
def path(tmp_path):
    (tmp_path / "reported.toml").write_text(KNOWN + UNKNOWN)
    return tmp_path / "reported.toml"


@pytest.mark.parametrize(
    "wrong", [UNKNOWN.replace('"not found"', '"V"'), KNOWN.replace('mark = "V"', 'mark = "not found"')]
)
def test_a_value_and_its_mark_agree(path, wrong):
    path.write_text(wrong)
    with pytest.raises(RequestError, match=rf"\[{wrong[1]}\].*not found"):
        reported.load(path)


def test_a_registry_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RequestError, match=r"report\.registry: no file .*numbers\.toml"):
        reported.load(tmp_path / "numbers.toml")


def test_a_number_is_listed_with_the_coordinates_of_its_rows(path):
    found = reported.beside(reported.load(path), {"a": Beside(chain="imagenet", same=True)}, path)
    assert len(found) == 1
    expected = {"chain": "imagenet", "same": True, "metric": "f1", "value": 0.5, "source": "s", "target": ""}
    assert {key: found[0][key] for key in expected} == expected


def test_a_number_that_is_not_known_is_listed_next_to_nothing(path):
    with pytest.raises(RequestError, match=r"report\.beside\.b: .* has no value for it"):
        reported.beside(reported.load(path), {"b": Beside()}, path)


def test_a_number_that_the_registry_does_not_have_is_refused(path):
    with pytest.raises(RequestError, match="unknown reported number 'c'.*Known: a, b"):
        reported.beside(reported.load(path), {"c": Beside()}, path)
