"""A recipe met with data: which sets it needs, and the options of each profile."""

import pytest

from finetune.plan import Options as FinetuneOptions
from indomain.errors import RequestError
from indomain.recipe.chain import Chain
from indomain.recipe.study import Study
from pretrain.plan import options_model


def test_the_sets_of_a_recipe_are_its_targets_and_the_sources_that_are_used(study_of):
    assert study_of().references() == [("small.toml:wrist", "as it is"), ("small.toml:all-but-wrist", "as it is")]
    unused = study_of(('in-domain = ["imagenet", "others:supervised"]', 'other = ["random"]'))
    assert unused.references() == [("small.toml:wrist", "as it is")]


def test_a_set_that_is_decoded_is_asked_for_no_more(study_of, tmp_path):
    study: Study = study_of()
    study.cache_dir = tmp_path / "own"
    # Both references are parts of one set.
    assert [manifest.name for manifest in study.unprepared()] == ["small"]
    assert not study.cache_dir.exists()
    study.prepare()
    assert study.unprepared() == []


def test_a_manifest_that_is_missing_is_said_before_anything_is_decoded(study_of, tmp_path):
    study = study_of(('set = "small.toml:all-but-wrist"', 'set = "phantoms"'))
    study.cache_dir = tmp_path / "own"
    with pytest.raises(RequestError, match="Did you mean 'phantom'"):
        study.unprepared()
    assert not study.cache_dir.exists()


def test_a_split_is_drawn_once(study_of):
    study = study_of()
    assert study.target("wrist", "strict") is study.target("wrist", "strict")
    assert study_of().target("wrist", "strict").digest == study.target("wrist", "strict").digest
    assert len(list(study.runs.work.glob("split-*"))) == 1


def test_a_source_whose_labels_are_read_holds_validation_images_out(study_of):
    study = study_of()
    labelled, unlabelled = (study.source("others", "strict", labelled) for labelled in (True, False))
    assert labelled.info.has_validation and labelled.info.classes == ["normal", "abnormal"]
    assert not unlabelled.info.has_validation


def test_the_papers_profile_runs_the_first_seed_only(study_of):
    assert study_of().seeds("strict") == [0, 1] and study_of().seeds("paper") == [0]


def test_a_profiles_own_keys_are_laid_over_the_others(study_of):
    study = study_of(("epochs = 1\n", "epochs = 1\naugment = 'basic'\n[pretrain.paper.supervised]\nepochs = 7\n"))
    strict, paper = (study.options("pretrain", options_model(), profile) for profile in ("strict", "paper"))
    assert (strict.supervised.epochs, paper.supervised.epochs) == (1, 7)
    assert strict.supervised.augment == paper.supervised.augment == "basic"


def test_a_wrong_key_of_one_profile_is_said_whichever_is_asked_for(study_of):
    study = study_of(("[fusion]", "[finetune.paper]\nepoch = 7\n[fusion]"))
    with pytest.raises(RequestError, match=r"\[finetune\.paper\].*unknown key 'epoch'\. Did you mean 'epochs'"):
        study.options("finetune", FinetuneOptions, "strict")


def test_a_profile_is_a_table_of_keys(study_of):
    with pytest.raises(RequestError, match=r"\[finetune\] paper is a table of keys, not 3"):
        study_of(("[finetune]", "[finetune]\npaper = 3")).options("finetune", FinetuneOptions, "strict")


def test_a_network_has_the_channels_of_its_target_or_as_many_as_are_asked_for(study_of):
    study = study_of()
    arm = study.recipe.arms("wrist")[0]
    assert study.architecture(arm, "wrist", "strict").shape == (32, 32, 1)
    assert study_of(("size = 32", 'size = 32\nchannels = "rgb"')).architecture(arm, "wrist", "strict").channels == 3


def test_a_chain_that_starts_from_a_file_is_named_by_its_content(study_of, small_recipe):
    study = study_of()
    path = small_recipe.with_name("network.keras")
    path.write_bytes(b"abc")
    found = study.beginning(Chain("x", "network.keras", ()))
    assert found.start == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert found.path == str(path) and found.trained_on == ("unknown",)
    imagenet = study.beginning(Chain("x", "imagenet", ()))
    assert (imagenet.start, imagenet.path, imagenet.trained_on) == ("imagenet", "", ("imagenet",))
    with pytest.raises(RequestError, match="no such file"):
        study.beginning(Chain("x", "gone.keras", ()))


def test_a_chain_from_a_manifest_has_its_scaling_licence_and_training_sets(study_of, small_recipe):
    small_recipe.with_name("mine.toml").write_text(
        'title = "Mine"\nlicence = "MIT"\nfile = "mine.h5"\narchitecture = "mobilenetv2"\ntrained_on = ["a"]\n'
        '[input]\nscaling = "caffe"\n'
    )
    small_recipe.with_name("mine.h5").write_bytes(b"abc")
    study = study_of(
        ('backbones = ["squeezenet"]', 'backbones = ["squeezenet", "mobilenetv2"]'),
        ('imagenet = ["imagenet"]', 'imagenet = ["imagenet"]\nmine = ["weights:mine.toml"]'),
    )
    (arm,) = [arm for arm in study.recipe.arms("wrist") if arm.chain.name == "mine"]
    assert arm.label == "mobilenetv2" and study.architecture(arm, "wrist", "strict").scaling.order == "bgr"
    found = study.beginning(arm.chain)
    assert found.start.startswith("sha256:ba7816bf") and found.path.endswith("mine.h5")
    assert (found.title, found.licence, found.trained_on) == ("Mine", "MIT", ("a",)) and "BGR" in found.input
    # The manifest is of one network: that the other cannot run it is nothing to report.
    assert all(arm.chain.name != "mine" for arm in study.recipe.missing_arms("wrist"))


def test_weights_of_a_network_that_no_backbone_is_are_refused(study_of, small_recipe):
    small_recipe.with_name("mine.toml").write_text(
        'title = "Mine"\nfile = "mine.h5"\narchitecture = "vgg16"\ntrained_on = "unknown"\n[input]\nscaling = "caffe"\n'
    )
    study = study_of(('imagenet = ["imagenet"]', 'imagenet = ["imagenet"]\nmine = ["weights:mine.toml"]'))
    with pytest.raises(RequestError, match="chains.mine: the weights 'mine.toml' are of 'vgg16', and no backbone"):
        study.check_beginnings()


def test_a_file_that_is_missing_is_said_before_anything_is_decoded(study_of, tmp_path):
    study = study_of(('imagenet = ["imagenet"]', 'imagenet = ["features:gone.npz"]'))
    study.cache_dir = tmp_path / "own"
    with pytest.raises(RequestError, match="gone.npz, but there is no such file"):
        study.check_beginnings()
    assert not study.cache_dir.exists()


def test_the_contrast_that_a_recipe_asks_for_makes_another_prepared_set(study_of):
    plain = study_of()
    both = [
        ("split = {", 'contrast = "n-clahe"\nsplit = {'),
        ("[sources.others]", '[sources.others]\ncontrast = "n-clahe"'),
    ]
    treated = study_of(*both)
    assert {contrast for _, contrast in treated.references()} == {"n-clahe"}
    first, second = (study.pool_of(study.recipe.targets["wrist"]).parts[0] for study in (plain, treated))
    assert (
        first.folder != second.folder
        and first.digest != second.digest
        and first.info["images"] == second.info["images"]
    )
    # Copies are looked for in the images as they were, whatever is done to one of two sets.
    alone = study_of(both[0])
    assert {contrast for _, contrast in alone.references()} == {"n-clahe", "as it is"}
