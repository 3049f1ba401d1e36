"""Every key of a recipe with its line of help, which stands as a comment above it in the code; and a JSON schema for editors."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from indomain.recipe.recipe import Recipe
from indomain.runs.stages import STAGES, options_of
from indomain.toml import Table


@dataclass(frozen=True)
class Key:
    """A key of a recipe.

    Attributes:
        name: with its tables: "targets.NAME.split.folds".
        default: as TOML, or "required".
        help: what it means.
    """

    name: str
    default: str
    help: str


def keys() -> list[Key]:
    """All keys, those of the stages in the place of their tables."""
    found = []
    for key in _of_table(Recipe, ""):
        if key.name in STAGES:
            found += list(_of_table(options_of(key.name), f"{key.name}."))
        else:
            found.append(key)
    return found


def schema() -> dict[str, Any]:
    """A JSON schema of recipes, for editors that complete keys and underline what is wrong."""
    found = Recipe.model_json_schema()
    definitions = found.setdefault("$defs", {})
    for stage in STAGES:
        of_stage = options_of(stage).model_json_schema(ref_template=f"#/$defs/{stage}.{{model}}")
        for name, definition in of_stage.pop("$defs", {}).items():
            definitions[f"{stage}.{name}"] = definition
        # A profile's own keys stand in tables of its name.
        own = {name: {"type": "object"} for name in ("strict", "paper")}
        of_stage["properties"] = {**own, **of_stage.get("properties", {})}
        of_stage.pop("required", None)
        found["properties"][stage] = of_stage
    _described(Recipe, found)
    for stage in STAGES:
        _described(options_of(stage), found["properties"][stage])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "A recipe of indomain"}


def _described(model: type[Table], found: dict[str, Any]) -> None:
    """Adds the lines of help to the properties of a table."""
    for name, field in model.model_fields.items():
        text = help_of(model, name)
        if text and name in found.get("properties", {}) and isinstance(field, FieldInfo):
            found["properties"][name]["description"] = text


def _of_table(model: type[Table], prefix: str) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        inner, shape = _table_in(field.annotation)
        if inner is None:
            yield Key(f"{prefix}{name}", _default(field), help_of(model, name))
            continue
        text = help_of(model, name) or (inspect.getdoc(inner) or "").partition("\n")[0]
        yield Key(f"{prefix}{name}", "" if shape else _default(field), text)
        yield from _of_table(inner, f"{prefix}{name}{shape}.")


def _table_in(annotation: Any) -> tuple[type[Table] | None, str]:
    """The table that a key holds, and how its own keys are reached: "" for one, ".NAME" for named ones, "[]" for a list."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation, ""
    shapes = {dict: ".NAME", list: "[]"}
    for argument in get_args(annotation):
        inner, shape = _table_in(argument)
        if inner is not None:
            return inner, shapes.get(get_origin(annotation), "") + shape
    return None, ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Table):
        return ""
    words = {True: "true", False: "false"}
    if isinstance(value, bool):
        return words[value]
    if value is None:
        return "unset"
    text = re.sub(r"'([^'\"]*)'", r'"\1"', repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."


def help_of(model: type[Table], name: str) -> str:
    """The comment above a field of a table, or behind it, as one line; "" if there is none.

    Args:
        model: the table.
        name: the field.
    """
    for owner in model.__mro__:
        if issubclass(owner, Table) and name in inspect.get_annotations(owner):
            text = _comments(owner).get(name, "")
            if text:
                return text
    return ""


@cache
def _comments(owner: type[Table]) -> dict[str, str]:
    """Field -> its comment, of the fields that a class defines itself."""
    try:
        lines = inspect.getsource(owner).splitlines()
    except OSError:
        # Tables that are put together at run time have no source.
        return {}
    found: dict[str, str] = {}
    above: list[str] = []
    field, depth = "", 0
    for line in lines[1:]:
        text = line.strip()
        code, _, behind = text.partition("  # ")
        if field and depth > 0:
            # A definition over several lines; its comment may stand behind the last of them.
            depth += _opened(code)
            if behind and not found.get(field):
                found[field] = behind
            continue
        if text.startswith("# "):
            above.append(text[2:])
            continue
        match = re.match(r"    (\w+):", line)
        if match:
            field = match[1]
            found[field] = " ".join(above) or behind
            depth = _opened(code)
        above = []
    return found


def _opened(code: str) -> int:
    """How many more brackets a line opens than it closes."""
    return sum(code.count(one) for one in "([{") - sum(code.count(one) for one in ")]}")
