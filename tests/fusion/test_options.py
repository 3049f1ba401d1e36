"""The keys of [fusion]: what is wrong is refused, and named."""

import pytest

from fusion.options import Options
from indomain.errors import RequestError
from indomain.toml import validated


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("classifiers", ["ldaa"], "unknown classifier 'ldaa'. Did you mean 'lda'"),
        ("save", ["forest"], "unknown classifier 'forest'. Did you mean 'random-forest'"),
        ("rules", ["mrmrr"], "unknown rule of fusion 'mrmrr'. Did you mean 'mrmr'"),
        ("heads", ["concat"], "unknown rule for heads 'concat'"),
        ("networks", ["both"], "networks"),
        ("pooling", [], "pooling"),
        ("components", 0, "a whole number of at least 1, or a share"),
        ("components", 1.0, "a whole number of at least 1, or a share"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(key, value, words):
    with pytest.raises(RequestError) as raised:
        validated(Options, {key: value}, "[fusion]")
    assert "[fusion]" in str(raised.value) and words in str(raised.value)


def test_rules_that_keep_a_number_of_features_take_no_share():
    with pytest.raises(RequestError, match="components is a share of the variance; cca, mrmr keep a number"):
        validated(Options, {"rules": ["concat", "cca", "mrmr"], "components": 0.9}, "[fusion]")
    assert Options(rules=["concat", "pca"], components=0.9).components == 0.9


def test_only_rules_of_scores_are_for_heads():
    with pytest.raises(RequestError, match="Known: score-mean, score-search, score-stacking, score-weighted"):
        validated(Options, {"heads": ["mrmr"]}, "[fusion]")
