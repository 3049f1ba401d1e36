"""TOML files read into validated objects; every error names the file, the key, the value and what is allowed."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from indomain.errors import RequestError, unknown


class Table(BaseModel):
    """A TOML table that accepts no keys other than its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def paper_defaults(cls) -> dict[str, Any]:
        """The defaults that differ under the papers' profile."""
        return {}


Model = TypeVar("Model", bound=Table)


def read_toml(path: Path) -> dict[str, Any]:
    """Returns the content of a TOML 1.0 file in UTF-8.

    Args:
        path: the file to read.

    Raises:
        RequestError: if the file cannot be read, or is not UTF-8 or valid TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"{path}: not valid TOML: {error}.") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path}: not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror}.") from None


def validated(model: type[Model], data: Any, where: str) -> Model:
    """Returns `data` as an instance of `model`.

    Args:
        model: the class of the table.
        data: the content of the table, as `read_toml` returns it.
        where: the file that it comes from, for the message.

    Raises:
        RequestError: if any key or value is invalid; one line per problem.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise RequestError("\n".join(_explain(model, issue, where) for issue in error.errors())) from None


def _explain(model: type[Table], issue: Any, where: str) -> str:
    # pydantic adds the tag of a discriminated union to the location. The tag stays in the key that is printed: the
    # location alone does not tell it from a key of the file.
    location = [str(part) for part in issue["loc"]]
    key = ".".join(location)
    if issue["type"] == "extra_forbidden":
        allowed = _allowed_keys(model, location[:-1])
        return str(unknown("key", key, [".".join([*location[:-1], name]) for name in allowed], where))
    if issue["type"] in ("literal_error", "union_tag_invalid"):
        expected = issue["ctx"].get("expected") or issue["ctx"].get("expected_tags", "")
        words = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
        given = issue["input"] if issue["type"] == "literal_error" else issue["ctx"]["tag"]
        return str(unknown(f"value of {key!r}", given, words, where))
    if issue["type"] == "missing":
        return f"{where}: the key {key!r} is missing."
    message = issue["msg"].removeprefix("Value error, ")
    given = "" if isinstance(issue["input"], dict) else f" Given: {issue['input']!r}."
    return f"{where}: {f'key {key!r}: ' if key else ''}{message.rstrip('.')}.{given}"


def _allowed_keys(model: Any, location: list[str]) -> list[str]:
    """Returns the keys of the table at `location`, descending from `model` through fields and containers."""
    tables = _tables_in(model)
    for part in location:
        below = [table.model_fields[part].annotation for table in tables if part in table.model_fields]
        # A part that is not a field is a list index, a dictionary key or a union tag: the tables stay the same.
        if below:
            tables = [table for annotation in below for table in _tables_in(annotation)]
    return sorted({name for table in tables for name in table.model_fields})


def _tables_in(annotation: Any) -> list[type[Table]]:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return [annotation]
    return [table for argument in get_args(annotation) for table in _tables_in(argument)]
