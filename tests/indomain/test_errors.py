"""The one error that a user can mend, and the words that help to mend it."""

import pytest

from indomain.errors import RequestError, look_up, unknown
from indomain.files import digest_of

REGISTRY = {"digest": "indomain.files:digest_of", "gone": "indomain.files:nothing_of_that_name"}


def test_an_unknown_word_is_answered_with_the_nearest_and_all_known_ones():
    said = str(unknown("strategy", "ful", ["off-the-shelf", "full"]))
    assert said == "unknown strategy 'ful'. Did you mean 'full'? Known: full, off-the-shelf."


def test_where_nothing_is_near_nothing_is_guessed_and_the_place_is_named():
    assert (
        str(unknown("chain", "xyz", ["imagenet"], "recipe.toml"))
        == "recipe.toml: unknown chain 'xyz'. Known: imagenet."
    )


def test_a_registry_gives_the_function_that_it_names():
    assert look_up(REGISTRY, "digest", "function") is digest_of


def test_a_word_that_is_not_registered_is_a_request_to_mend():
    with pytest.raises(RequestError, match="here: unknown function 'digests'. Did you mean 'digest'"):
        look_up(REGISTRY, "digests", "function", "here")


def test_a_name_that_no_module_has_is_no_fault_of_the_user():
    with pytest.raises(AttributeError):
        look_up(REGISTRY, "gone", "function")
