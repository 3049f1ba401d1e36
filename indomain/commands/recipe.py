"""`indomain recipe --keys | --schema`: what may stand in a recipe."""

import argparse
import json
import textwrap

from indomain.errors import RequestError, unknown
from indomain.recipe import keys


def recipe(options: argparse.Namespace) -> None:
    """Prints every key with its default and its line of help, or a JSON schema."""
    if options.schema:
        print(json.dumps(keys.schema(), indent=2, ensure_ascii=False))
        return
    if options.keys is None:
        raise RequestError("say what: --keys, --keys finetune, or --schema.")
    known = keys.keys()
    # "split" finds targets.NAME.split and what is in it.
    chosen = [key for key in known if not options.keys or f".{options.keys}." in f".{key.name}."]
    if not chosen:
        tables = dict.fromkeys(part for key in known for part in key.name.split(".") if part != "NAME")
        raise unknown("key", options.keys, list(tables), "--keys")
    for key in chosen:
        print(f"{key.name} = {key.default}" if key.default else f"{key.name}")
        if key.help:
            print(textwrap.fill(key.help, 100, initial_indent="    ", subsequent_indent="    "))
