"""Chains: what a recipe's list of words means."""

import pytest

from indomain.networks.options import BackboneOptions
from indomain.recipe.chain import Arm, Chain, Step

SOURCES = ["others", "skin"]


def test_the_first_word_is_the_start_and_the_others_are_steps():
    chain = Chain.parsed("double", ["imagenet", "skin:simclr", "others:supervised"], SOURCES)
    assert chain == Chain("double", "imagenet", (Step("skin", "simclr"), Step("others", "supervised")))


@pytest.mark.parametrize("start", ["random", "imagenet", "mine/network.keras", "weights:mine.toml", "features:f.npz"])
def test_a_chain_starts_from_random_imagenet_or_a_file(start):
    assert Chain.parsed("x", [start], SOURCES) == Chain("x", start, ())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], r'chain \'x\' is empty; from scratch is \["random"\]'),
        (["imagnet"], r"chains\.x: unknown start of a chain 'imagnet'\. Did you mean 'imagenet'.*PATH\.keras"),
        (["others:supervised"], "unknown start of a chain 'others:supervised'"),
        (["random", "supervised"], 'a step reads "source:objective", such as "isic:simclr", not \'supervised\''),
        (["random", "others:"], "not 'others:'"),
        (["weights.h5"], r'does not say which network it is of, nor how .*"weights:PATH.toml"'),
        (["dinov2.safetensors"], "does not say which network it is of"),
        (["retfound.pth"], "does not say which network it is of"),
        (["features:f.npy"], "a features file ends in .npz"),
        (["features:f.npz", "others:supervised"], "features have no weights that 'others:supervised' could train"),
        (["random", "other:supervised"], "unknown source 'other'. Did you mean 'others'"),
    ],
)
def test_words_that_mean_no_chain_are_refused_with_the_known_ones(words, message):
    with pytest.raises(ValueError, match=message):
        Chain.parsed("x", words, SOURCES)


def test_a_chain_from_imagenet_exists_where_somebody_has_trained_the_backbone_on_it():
    from_imagenet, from_scratch = (Chain("x", start, ()) for start in ("imagenet", "random"))
    squeezenet, dcnn = BackboneOptions(name="squeezenet"), BackboneOptions(name="dcnn")
    assert from_imagenet.exists_for(squeezenet, {"squeezenet": ""}) and not from_imagenet.exists_for(dcnn, {})
    assert from_scratch.exists_for(dcnn, {})


def test_features_stand_in_the_table_under_their_files_name():
    chain = Chain.parsed("foundation", ["features:there/rad_dino.npz"], SOURCES)
    assert chain.features == "there/rad_dino.npz" and Arm(None, chain).label == "rad_dino"
    assert Chain.parsed("x", ["random"], SOURCES).features == ""
