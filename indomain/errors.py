"""The one error that a user can mend, and the words that help to mend it."""

import difflib
import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class RequestError(ValueError):
    """The request was wrong (exit status 2): it names the file, key or image, what was found, and the way out."""


class Diverged(FloatingPointError):
    """A network's numbers left the range of floats. A result like any other: its run is done, and the table says it."""


class WorkFailed(Exception):
    """A run failed in another process, which has said why."""


def unknown(kind: str, given: str, allowed: Iterable[str], where: str = "") -> RequestError:
    """The error for a word that is not in a closed list, with the nearest word that is."""
    known = sorted(allowed)
    near = difflib.get_close_matches(str(given), known, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return RequestError(f"{where + ': ' if where else ''}unknown {kind} {given!r}.{hint} Known: {', '.join(known)}.")


def look_up(registry: Mapping[str, str], name: str, kind: str, where: str = "") -> Callable[..., Any]:
    """The function that a registry names as "module:function".

    Registries hold names rather than functions so that a recipe can be checked without importing TensorFlow.
    """
    if name not in registry:
        raise unknown(kind, name, registry, where)
    module, function = registry[name].split(":")
    return getattr(importlib.import_module(module), function)
