"""A run is chosen by its coordinates in the table; what is not said is usual, or asked for."""

import pytest

from indomain.errors import RequestError
from indomain.models.choosing import choose
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from tests.studies import SMALL_STUDY, small_study


@pytest.fixture(scope="module")
def study(ran, cache_dir):
    name, recipe, base = load_recipe(str(ran / "kept.toml"))
    return Study(name, recipe, base, RunsFolder(ran / "runs"), ran, cache_dir, quiet=True)


def test_fold_seed_and_budget_are_the_first_and_the_largest(study):
    chosen = choose(study, {"chain": "in-domain", "method": "full"})
    tags = chosen.task.tags
    assert (tags.fold, tags.seed, tags.budget, tags.target) == (0, 0, "all labels", "wrist")
    assert chosen.networks == [chosen.task] and chosen.of == 2
    assert [step.tags.source for step in chosen.steps] == ["others"]
    assert choose(study, {"chain": "in-domain", "method": "full", "seed": "1"}).task.tags.seed == 1


def test_a_classifier_comes_with_the_network_whose_features_it_reads(study):
    chosen = choose(study, {"chain": "imagenet", "method": "features: linear-svm"})
    assert chosen.task.kind == "classify" and [network.stage for network in chosen.networks] == ["finetune"]
    assert len(chosen.extracted) == 1 and chosen.steps == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, r"several rows have a model; choose one by --chain: 'imagenet', 'in-domain'"),
        ({"chain": "in-domain"}, r"choose one by --method: 'features: linear-svm', 'full', 'off-the-shelf'"),
        ({"chain": "indomain"}, r"no row has the chain 'indomain'; there are 'imagenet', 'in-domain'"),
        ({"chain": "in-domain", "method": "full", "seed": "7"}, r"no row has the seed '7'; there are '0', '1'"),
    ],
)
def test_what_is_not_one_run_is_asked_for(study, wanted, words):
    with pytest.raises(RequestError, match=words):
        choose(study, wanted)


def test_what_follows_from_what_is_given_is_not_asked_for(tmp_path, cache_dir):
    text = SMALL_STUDY + '[finetune]\nstrategies = ["full"]\n[fusion]\nclassifiers = ["lda"]\nsave = ["lda"]\n'
    study = small_study(tmp_path, cache_dir, text)
    # Of two networks only both together have a fused classifier: naming the method names them.
    with pytest.raises(RequestError, match="has not been run yet"):
        choose(study, {"chain": "random", "method": "fusion: lda"})
    with pytest.raises(RequestError, match="choose one by --backbone"):
        choose(study, {"chain": "random", "method": "full"})


def test_the_profile_is_strict_even_where_only_the_papers_has_what_is_asked_for(tmp_path, cache_dir):
    text = SMALL_STUDY.replace("title =", 'profiles = ["strict", "paper"]\ntitle =', 1)
    study = small_study(tmp_path, cache_dir, text + "[finetune]\ntune = { learning_rate = [1e-3, 1e-4] }\n")
    with pytest.raises(RequestError, match="no row has the method 'full'; there are .*'full, tuned'"):
        choose(study, {"chain": "random", "method": "full"})


def test_a_classifier_that_was_not_kept_and_a_run_that_is_missing_say_what_to_do(finished, ran, cache_dir, tmp_path):
    name, recipe, base = load_recipe(str(ran / "tiny.toml"))
    study = Study(name, recipe, base, RunsFolder(ran / "runs"), ran, cache_dir, quiet=True)
    with pytest.raises(RequestError, match=r'fusion.save = \["linear-svm"\]'):
        choose(study, {"chain": "imagenet", "method": "features: linear-svm"})
    empty = Study(name, recipe, base, RunsFolder(tmp_path / "runs"), ran, cache_dir, quiet=True)
    with pytest.raises(RequestError, match=r"has not been run yet: indomain run tiny"):
        choose(empty, {"chain": "imagenet", "method": "full"})
