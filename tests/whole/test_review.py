"""The review's methods from recipe to page: adaptation without the target's labels, and synthetic images beside their control."""

import json

import pandas as pd

from tests.fusion.conftest import ADAPTING
from tests.synthesis.small import STUDY
from tests.synthesis.test_translation import LOOKS


def ran(indomain, here, text, *settings):
    (here / "review.toml").write_text(text)
    status, _, err = indomain("run", "review.toml", *(word for setting in settings for word in ("--set", setting)))
    assert status == 0, err
    return here / "runs/review"


def test_adaptation_stands_between_its_controls_on_the_page(indomain, small_manifest, here):
    results = ran(
        indomain,
        here,
        ADAPTING,
        "seeds=[0]",
        "finetune.epochs=1",
        "fusion.adaptation.methods=['coral','domain-classifier']",
    )
    lines = pd.read_csv(results / "adaptation.csv")
    rows = [
        "source-only",
        "target-trained",
        "coral",
        "domain-classifier",
        "coral (oracle)",
        "domain-classifier (oracle)",
    ]
    assert lines["adaptation"].tolist() == rows
    compared = lines.set_index("adaptation")["difference"].notna()
    assert not compared["source-only"] and compared.drop("source-only").all()
    table = pd.read_csv(results / "table.csv")
    noted = table.loc[table["method"].str.contains("coral"), "note"]
    assert noted.str.contains("class shares in the sources and in the target: normal 0.").all()
    assert set(table.loc[table["method"].str.contains("coral:"), "family"].dropna()) == {"adaptation"}
    html = (results / "report.html").read_text()
    assert 'id="adaptation"' in html and "wrist, learnt from elbow" in html
    assert any("wrist" in sentence for sentence in json.loads((results / "said.json").read_text())["adaptation"])


def test_networks_adapt_and_learn_from_translated_sources_on_the_page(indomain, small_manifest, here):
    one_fold = "targets.wrist.split={scheme='holdout',validation=0.25}"
    few = [
        "seeds=[0]",
        one_fold,
        "finetune.epochs=1",
        "finetune.adaptation.methods=['coral']",
        "synthesis.cyclegan.steps=2",
    ]
    results = ran(indomain, here, LOOKS, *few)
    lines = pd.read_csv(results / "adaptation.csv").set_index("adaptation")
    assert lines.index.tolist() == ["source-only", "target-trained", "coral", "cyclegan"]
    assert set(lines["method"]) == {"full"} and lines["class_shares"].notna().all()
    said = json.loads((results / "said.json").read_text())["adaptation"]
    assert any("wrist, cyclegan: the sources' images are at a KID of" in sentence for sentence in said)
    html = (results / "report.html").read_text()
    section = html[html.index('id="adaptation"') :].split("</section>")[0]
    assert "full" in section and "data:image/webp" in section
    assert [path.name for path in results.glob("sheet-*.png")] == ["sheet-wrist-cyclegan.png"]


def test_synthetic_images_stand_beside_oversampling_on_the_page(indomain, small_manifest, here):
    results = ran(indomain, here, STUDY, "finetune.epochs=1", "synthesis.dcgan.steps=2")
    lines = pd.read_csv(results / "synthesis.csv")
    assert lines["method"].tolist() == [
        f"full{words}" for words in ("", ", oversampled", ", dcgan 0.5", ", dcgan 2", ", dcgan only")
    ]
    made = pd.read_csv(results / "synthetic_images.csv")
    assert (
        made["class"].tolist() == ["normal", "abnormal"]
        and made["beware"].str.contains("mode collapse in 2 of 2").all()
    )
    html = (results / "report.html").read_text()
    assert 'id="synthesis"' in html and "against oversampling at equal steps" in html
    assert [path.name for path in results.glob("sheet-*.png")] == ["sheet-wrist-dcgan.png"]


def test_a_generator_that_diverges_is_a_row_and_not_the_end(indomain, small_manifest, here):
    results = ran(
        indomain, here, STUDY, "finetune.epochs=1", "synthesis.dcgan.learning_rate=1e30", "synthesis.dcgan.steps=300"
    )
    table = pd.read_csv(results / "table.csv")
    table = table[table["metric"] == table["metric"].iloc[0]].set_index("method")
    assert pd.notna(table.loc["full, oversampled", "mean"])
    assert pd.isna(table.loc["full, dcgan 0.5", "mean"]) and "diverged" in table.loc["full, dcgan 0.5", "note"]
    assert "diverged in 2 of 2" in pd.read_csv(results / "synthetic_images.csv")["beware"].iloc[0]
