"""The paragraph for a paper: what the run did, with references that exist."""

import re

from report import methods
from tests.report.made import report_input, split_info


def test_the_paragraph_says_what_the_recipe_did_and_cites_what_it_used():
    recipe = {
        "chains": {"random": ["random"], "own": ["imagenet", "skin:simclr"]},
        "sources": {"skin": {"set": "isic2017"}},
        "finetune": {"epochs": 7, "batch": 16, "tune": {"learning_rate": [1e-4, 1e-3]}},
        "explain": {"images": 4},
        "seeds": [0, 1, 2],
    }
    text, keys = methods.paragraph(report_input(recipe=recipe, info=split_info(folds=5)))
    for words in ("random weights and ImageNet weights followed by simclr learning on skin", "SimCLR", "AdamW", "0.0001 or 0.001",
                  "batches of 16 for at most 7 epochs", "Grad-CAM".lower(), "folds and 3 trainings"):  # fmt: skip
        assert words in text, words
    cited = re.findall(r"cite\{([^}]+)\}", text)
    assert list(dict.fromkeys(",".join(cited).split(","))) == keys
    assert {"chen2020", "loshchilov2019", "nadeau2003", "selvaraju2017", "ribeiro2016", "iandola2016"} <= set(keys)
    entries = methods.bibtex(keys)
    assert all(f"{{{key}," in entries for key in keys) and entries.count("@") == len(keys)


def test_synthetic_images_and_other_optimizers_are_said():
    text, keys = methods.paragraph(
        report_input(recipe={"finetune": {"optimizer": "sgd"}}, info=split_info(synthetic=True))
    )
    assert (
        "stochastic gradient descent" in text
        and "nothing follows for patients" in text
        and "loshchilov2019" not in keys
    )


def test_given_features_are_said_without_networks_or_training():
    recipe = {"backbones": [], "chains": {"given": ["features:given.npz"]}}
    text, _ = methods.paragraph(report_input(recipe=recipe, info=split_info(folds=5)))
    assert "We compared" in text and "fine-tuned" not in text and " with ." not in text


def test_every_reference_has_a_title_and_a_year():
    for key, entry in methods.references().items():
        assert re.search(r"title = \{.+\}", entry) and re.search(r"year = \{\d{4}\}", entry), key
