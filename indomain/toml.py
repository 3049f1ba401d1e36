"""TOML files read into checked objects; every error names the file, the key, what was given and what is allowed."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from indomain.errors import RequestError, unknown


class Table(BaseModel):
    """A TOML table with a closed list of keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=Table)


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file (TOML 1.0, UTF-8)."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"{path}: not valid TOML: {error}.") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path}: not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror}.") from None


def validated(model: type[Model], data: Any, where: str) -> Model:
    """`data` as a `model`, or a RequestError that lists each wrong key of the file `where`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise RequestError("\n".join(_explain(model, issue, where) for issue in error.errors())) from None


def _explain(model: type[Table], issue: Any, where: str) -> str:
    # Discriminated unions put their tag (a plain word) into the location; keys of the file are kept, tags are not harmful.
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
    """The keys of the table at `location`, following fields, dictionaries, lists and union tags down from `model`."""
    tables = _tables_in(model)
    for part in location:
        below = [table.model_fields[part].annotation for table in tables if part in table.model_fields]
        # A part that is no field is an index, a key of a dictionary or a union tag: it stays on the same tables.
        if below:
            tables = [table for annotation in below for table in _tables_in(annotation)]
    return sorted({name for table in tables for name in table.model_fields})


def _tables_in(annotation: Any) -> list[type[Table]]:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return [annotation]
    return [table for argument in get_args(annotation) for table in _tables_in(argument)]
