"""TOML files read into checked objects."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, field_validator

from indomain.errors import RequestError
from indomain.toml import Table, read_toml, validated


class Tree(Table):
    kind: Literal["tree"]
    depth: int = 3


class Vectors(Table):
    kind: Literal["svm"]
    C: float = 1.0


class Options(Table):
    title: str
    epochs: int = Field(default=5, ge=1)
    optimizer: Literal["adam", "sgd"] = "adam"
    classifiers: dict[str, Annotated[Tree | Vectors, Field(discriminator="kind")]] = {}
    steps: list[Tree] = []

    @field_validator("epochs")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("epochs are odd.")
        return value


def said(table: dict) -> str:
    """What the error for a table says."""
    with pytest.raises(RequestError) as refused:
        validated(Options, table, "recipe.toml")
    return str(refused.value)


def test_a_right_table_becomes_an_object_that_cannot_be_changed():
    options = validated(Options, {"title": "x", "steps": [{"kind": "tree", "depth": 2}]}, "recipe.toml")
    assert options.steps[0].depth == 2 and options.epochs == 5
    with pytest.raises(ValidationError, match="frozen"):
        options.epochs = 7


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"titel": "x", "title": "x"},
            "recipe.toml: unknown key 'titel'. Did you mean 'title'? Known: classifiers, epochs, ",
        ),
        (
            {"title": "x", "steps": [{"kind": "tree", "deep": 1}]},
            "unknown key 'steps.0.deep'. Did you mean 'steps.0.depth'",
        ),
        ({"title": "x", "classifiers": {"a": {"kind": "svm", "c": 1}}}, "unknown key 'classifiers.a."),
        (
            {"title": "x", "optimizer": "adams"},
            "unknown value of 'optimizer' 'adams'. Did you mean 'adam'? Known: adam, sgd.",
        ),
        ({"title": "x", "classifiers": {"a": {"kind": "svn"}}}, "'svn'. Did you mean 'svm'? Known: svm, tree."),
        ({}, "recipe.toml: the key 'title' is missing."),
        (
            {"title": "x", "epochs": 0},
            "recipe.toml: key 'epochs': Input should be greater than or equal to 1. Given: 0.",
        ),
        ({"title": "x", "epochs": 4}, "recipe.toml: key 'epochs': epochs are odd. Given: 4."),
        ({"title": 7}, "recipe.toml: key 'title': Input should be a valid string. Given: 7."),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_allowed(table, message):
    assert message in said(table)


def test_every_wrong_key_has_its_own_line():
    lines = said({"titel": "x", "epochs": 0, "optimizer": "adams"}).splitlines()
    assert len(lines) == 4 and all(line.startswith("recipe.toml: ") for line in lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"title = ", "x.toml: not valid TOML: "),
        (b"title = 'a'\ntitle = 'b'", "x.toml: not valid TOML: "),
        ("title = 'ü'".encode("latin-1"), "x.toml: not UTF-8 text. Save it as UTF-8."),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, message):
    (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises(RequestError, match=message):
        read_toml(tmp_path / "x.toml")


def test_a_file_that_is_not_there_or_is_a_folder_says_so(tmp_path):
    with pytest.raises(RequestError, match=r"gone.toml: cannot be read: No such file"):
        read_toml(tmp_path / "gone.toml")
    with pytest.raises(RequestError, match="cannot be read: Is a directory"):
        read_toml(tmp_path)


def test_a_file_is_read_with_its_types(tmp_path):
    (tmp_path / "x.toml").write_text("title = 'ü'\nrates = [1, 2.5]\n[table]\non = true\n", encoding="utf-8")
    assert read_toml(tmp_path / "x.toml") == {"title": "ü", "rates": [1, 2.5], "table": {"on": True}}
