"""The keys of [explain]: what is wrong is refused, and named."""

import pytest

from explain.options import Options
from explain.registry import MEASURES
from indomain.errors import RequestError
from indomain.toml import validated


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"methods": ["gradcam"]}, "unknown explanation 'gradcam'. Did you mean 'grad-cam"),
        ({"measures": ["pointin"]}, "unknown measure 'pointin'. Did you mean 'pointing'"),
        ({"explained": "other"}, "explained"),
        ({"explained": []}, "explained"),
        ({"images": -1}, "images"),
        ({"lime_seeds": 1}, "lime_seeds"),
        ({"robustness": {"corruptions": ["blurr"]}}, "unknown corruption 'blurr'. Did you mean 'blur'"),
        ({"robustness": {"severities": [6]}}, "severities"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(keys, words):
    with pytest.raises(RequestError) as raised:
        validated(Options, keys, "[explain]")
    assert "[explain]" in str(raised.value) and words in str(raised.value)


def test_one_word_is_a_list_of_one():
    assert Options(explained="predicted").explained == ["predicted"]


def test_every_measure_is_taken_unless_some_are_named():
    assert Options().measures == list(MEASURES)
    assert Options(measures=["energy"]).measures == ["energy"]
