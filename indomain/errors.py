"""The errors that a user can fix, and helpers that write a useful message."""

import difflib
import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class RequestError(ValueError):
    """A request that cannot be carried out (exit status 2).

    The message names the file, key or image, what was found there, and what to do about it.
    """


class Diverged(FloatingPointError):
    """A network's values are no longer finite.

    This is a result like any other: the run counts as finished, and the table reports the divergence.
    """


class WorkFailed(Exception):
    """A run failed in another process, which has already reported why."""


def unknown(kind: str, given: str, allowed: Iterable[str], where: str = "") -> RequestError:
    """Returns the error for a word that is not in a closed list; the message suggests the closest word that is.

    Args:
        kind: what the word names, as text for the message: "column", "data set".
        given: the word that was not recognised.
        allowed: the words that are.
        where: the file or key that holds the word, printed before the message; "" for none.
    """
    known = sorted(allowed)
    near = difflib.get_close_matches(str(given), known, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return RequestError(f"{where + ': ' if where else ''}unknown {kind} {given!r}.{hint} Known: {', '.join(known)}.")


def look_up(registry: Mapping[str, str], name: str, kind: str, where: str = "") -> Callable[..., Any]:
    """Imports and returns the function that a registry lists as "module:function".

    Registries hold names rather than functions so that a recipe can be checked without importing TensorFlow.

    Args:
        registry: maps each name to "module:function".
        name: the name to look up.
        kind: what the name refers to, as text for the message.
        where: the file or key that holds the name, for the message; "" for none.

    Raises:
        RequestError: if the registry does not list `name`.
    """
    if name not in registry:
        raise unknown(kind, name, registry, where)
    module, function = registry[name].split(":")
    return getattr(importlib.import_module(module), function)
