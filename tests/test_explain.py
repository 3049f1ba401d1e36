"""Explanations: maps of known networks, what measures them, spoilt pictures, and a mark that misleads."""

import keras
import numpy as np
import pandas as pd
import pytest

from explain import measures
from explain.explained import choose
from explain.grad_cam import grad_cam, grad_cam_plus_plus
from explain.lime_maps import lime, superpixels
from explain.scorers import in_batches, of_network
from indomain.data.images import confounders, corruptions
from indomain.errors import RequestError
from indomain.networks import architecture, weights


def closed_form():
    """A network whose Grad-CAM is known: one 1×1 convolution with two filters, averaged, then logits ±."""
    inputs = keras.layers.Input((8, 8, 1), name="image")
    maps = keras.layers.Conv2D(2, 1, use_bias=False, name="maps")(inputs)
    pool = keras.layers.GlobalAveragePooling2D(name="pool")(maps)
    logits = keras.layers.Dense(2, use_bias=False, name="logits")(pool)
    model = keras.Model(inputs, keras.layers.Softmax(name="scores")(logits))
    model.get_layer("maps").set_weights([np.array([1.0, -1.0]).reshape(1, 1, 1, 2)])
    model.get_layer("logits").set_weights([np.array([[0.0, 2.0], [0.0, 0.5]])])
    return model


def test_grad_cam_of_a_network_with_a_known_map():
    picture = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1)).astype(np.float32)
    # Class 1: weights (2, 0.5) / 64 on maps (x, −x) give 1.5 x / 64: the picture itself, its greatest value 1.
    heat = grad_cam(closed_form(), picture, np.array([1, 1]))
    expected = (picture / picture.max(axis=(1, 2), keepdims=True))[..., 0]
    assert np.allclose(heat, expected, atol=1e-6)
    assert (grad_cam(closed_form(), picture, np.array([0, 0])) == 0).all()


def test_lime_is_repeatable_and_finds_the_place():
    inputs = keras.layers.Input((24, 24, 1), name="image")
    corner = keras.layers.Cropping2D(((0, 12), (0, 12)))(inputs)
    pool = keras.layers.GlobalAveragePooling2D(name="pool")(corner)
    logits = keras.layers.Dense(2, name="logits")(pool)
    model = keras.Model(inputs, keras.layers.Softmax(name="scores")(logits))
    model.get_layer("logits").set_weights([np.array([[0.0, 0.1]]), np.array([0.0, -12.0])])
    # A bright corner is all that speaks for class 1.
    picture = np.random.default_rng(0).integers(0, 60, (1, 24, 24, 1)).astype(np.uint8)
    picture[:, :12, :12] = 220
    first = lime(of_network(model), picture, np.array([1]), samples=200, segments=16, seed=3)
    assert np.array_equal(first, lime(of_network(model), picture, np.array([1]), samples=200, segments=16, seed=3))
    inside = np.zeros((24, 24), bool)
    inside[:12, :12] = True
    assert first[0][inside].mean() > 5 * np.abs(first[0][~inside]).mean()


def test_the_pictures_explained_take_the_classes_in_turn():
    y = np.array([0, 0, 0, 1, 1, 0])
    chosen = choose(y, 4, 0)
    assert [int(y[place]) for place in chosen] == [1, 0, 1, 0] and len(set(chosen)) == 4
    assert len(choose(y, 99, 0)) == len(y)


def test_grad_cam_plus_plus_by_hand():
    # One filter x with a positive gradient g everywhere: each place weighs g² / (2 g² + Σ x · g³), and the map is x again.
    picture = np.random.default_rng(0).integers(1, 256, (1, 8, 8, 1)).astype(np.float32)
    heat = grad_cam_plus_plus(closed_form(), picture, np.array([1]))
    maps = np.concatenate([picture, -picture], axis=-1)[0].astype(float)
    gradient = np.array([2.0, 0.5]) / 64
    shares = gradient**2 / (2 * gradient**2 + maps.sum(axis=(0, 1)) * gradient**3)
    by_hand = np.maximum((maps * 64 * shares * gradient).sum(axis=-1), 0)
    np.testing.assert_allclose(heat[0], by_hand / by_hand.max(), atol=1e-5)


def finding(size=32, top=8, left=10, side=6):
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 255
    return mask


def test_what_points_at_the_finding_and_what_does_not():
    mask = finding()
    right, wrong = (mask > 0) * 0.5, np.zeros((32, 32))
    right[10, 12], wrong[30, 30] = 1.0, 1.0
    assert measures.pointing(right, mask) == 1 and measures.pointing(wrong, mask) == 0
    assert measures.overlap(right, mask) == 1 and measures.energy(right, mask) == pytest.approx(1)
    assert measures.energy(wrong, mask) == 0 and measures.overlap(wrong, mask) < 0.1
    half = np.zeros((32, 32))
    half[8:14, 7:13] = 1.0  # moved by half its width: 18 of 36 pixels are right
    assert measures.overlap(half, mask) == pytest.approx(18 / 54) and measures.energy(half, mask) == pytest.approx(0.5)
    beside = np.zeros((32, 32))
    beside[8, 9] = 1.0  # within the tolerance of one pixel
    assert measures.pointing(beside, mask) == 1
    nothing = np.zeros((32, 32))
    assert measures.pointing(nothing, mask) == measures.overlap(nothing, mask) == measures.energy(nothing, mask) == 0
    assert all(
        np.isnan(function(right, nothing)) for function in (measures.pointing, measures.overlap, measures.energy)
    )


def test_a_map_of_what_counts_deletes_fast_and_inserts_fast():
    mask = finding() > 0
    picture = np.full((32, 32, 1), 60.0)
    picture[mask] = 220

    def scores(pictures):
        bright = np.clip((pictures[:, mask].mean(axis=(1, 2)) - 60) / 160, 0, 1)
        return np.stack([1 - bright, bright], axis=1)

    good, bad = mask.astype(float), 1.0 - mask
    deleted, inserted = measures.deletion_and_insertion(scores, picture, good, 1)
    assert deleted < 0.1 and inserted > 0.9
    deleted_badly, inserted_badly = measures.deletion_and_insertion(scores, picture, bad, 1)
    assert deleted_badly > 0.9 and inserted_badly < inserted - 0.3


def test_correlation_and_agreement_of_maps():
    rng = np.random.default_rng(0)
    heat = rng.random((16, 16))
    assert measures.rank_correlation(heat, heat**3) == pytest.approx(1)
    assert abs(measures.rank_correlation(heat, rng.random((16, 16)))) < 0.2
    assert measures.rank_correlation(heat, np.ones((16, 16))) == 0
    parts = np.arange(256).reshape(16, 16) // 16  # 16 superpixels, a row each
    first = np.repeat(np.arange(16.0), 16).reshape(16, 16)
    assert measures.agreement([first, first, first], parts) == 1
    assert measures.agreement([first, -first], parts) == 0
    other = np.where(parts == 15, -1, first)  # four of the top five are the same: 4 of 6
    assert measures.agreement([first, other], parts) == pytest.approx(4 / 6)


def test_superpixels_are_those_that_lime_uses():
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 1)).astype(np.uint8)
    parts = superpixels(picture, 16)
    model = closed_form_of(24)
    heat = lime(of_network(model), picture[None], np.array([1]), samples=64, segments=16, seed=0)[0]
    assert len({(part, weight) for part, weight in zip(parts.ravel(), heat.ravel())}) == len(np.unique(parts))


def closed_form_of(size):
    inputs = keras.layers.Input((size, size, 1), name="image")
    pool = keras.layers.GlobalAveragePooling2D(name="pool")(inputs)
    logits = keras.layers.Dense(2, name="logits")(pool)
    return keras.Model(inputs, keras.layers.Softmax(name="scores")(logits))


@pytest.mark.parametrize("name", list(corruptions.CORRUPTIONS))
@pytest.mark.parametrize("channels", [1, 3])
def test_a_worse_corruption_spoils_more(name, channels):
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 216, (3, 8, 8, channels)).astype(np.uint8)
    images = coarse.repeat(6, axis=1).repeat(8, axis=2)  # not square
    ids = ["a", "b", "c"]
    spoilt = [corruptions.spoil(images, name, severity, 0, ids) for severity in range(1, 6)]
    assert all(one.shape == images.shape and one.dtype == np.uint8 for one in spoilt)
    errors = [np.abs(one.astype(float) - images).mean() for one in spoilt]
    # The marker may fall on bright corners: it need only be there.
    assert errors[0] > 0 and (errors == sorted(errors) or name == "marker") and errors[-1] > errors[0]
    again = corruptions.spoil(images[[1]], name, 5, 0, ["b"])
    assert np.array_equal(again[0], spoilt[4][1])  # an image's own draw, whatever stands beside it
    assert not np.array_equal(
        corruptions.spoil(images, "gaussian-noise", 3, 1, ids), corruptions.spoil(images, "gaussian-noise", 3, 2, ids)
    )


def test_an_unknown_corruption_is_named():
    with pytest.raises(RequestError, match="Did you mean 'blur'"):
        corruptions.spoil(np.zeros((1, 8, 8, 1), np.uint8), "blurr", 1, 0, ["a"])


def test_a_mark_goes_with_the_label_and_is_each_images_own():
    ids, y = [str(number) for number in range(2000)], np.arange(2000) % 2
    found = confounders.marks(ids, y, 0.9, 0)
    assert found[y == 1].mean() == pytest.approx(0.9, abs=0.03) and found[y == 0].mean() == pytest.approx(0.1, abs=0.03)
    assert np.array_equal(confounders.marks(ids[5:50], y[5:50], 0.9, 0), found[5:50])
    images = np.zeros((4, 32, 32, 1), np.uint8)
    table = pd.DataFrame({"id": list("abcd"), "row": [3, 1, 2, 0], "y": [0, 1, 0, 1]})
    options = {"share": 1.0, "seed": 0}
    learnt = confounders.tested_pictures(images, table, "as learnt", options).any(axis=(1, 2, 3))
    assert learnt.tolist() == [False, True, False, True]
    reversed_ = confounders.tested_pictures(images, table, "reversed", options).any(axis=(1, 2, 3))
    assert reversed_.tolist() == [True, False, True, False] and not images.any()
    assert not confounders.tested_pictures(images, table, "absent", options).any()
    seen = confounders.marked(lambda rows: images[rows], table, options)
    assert seen(np.array([0, 1, 2, 3])).any(axis=(1, 2, 3)).tolist() == [True, True, False, False]


MEASURED = """
[explain]
images = 2
measure = 4
methods = ["grad-cam++", "lime"]
explained = ["true", "predicted"]
samples = 30
segments = 16
lime_seeds = 2
[explain.robustness]
corruptions = ["gaussian-noise", "marker"]
severities = [1, 5]
"""


def test_explanations_robustness_and_calibration_in_a_recipe(indomain, small_recipe, here):
    text = small_recipe.read_text().replace("[explain]\nimages = 2\nsamples = 60\nsegments = 16\n", MEASURED)
    text = text.replace('classifiers = ["linear-svm"]', 'classifiers = ["linear-svm"]\nkeep = ["linear-svm"]')
    text = text.replace('strategies = ["full", "off-the-shelf"]\n', "").replace("seeds = [0, 1]", "seeds = [0]")
    text = text.replace(
        "[report]\n",
        'metrics = ["auroc", "ece", "brier"]\ncalibrate = true\nsensitivity = 0.8\nlevels = ["image", "study"]\n'
        'rule = ["mean", "max"]\n',
    ).replace("metrics =", "[report]\nmetrics =")
    text = text.replace(
        "[sources.others]",
        "[targets.marked]\nset = 'small.toml:wrist'\nchains = ['imagenet']\n"
        "split = { scheme = 'official', validation = 0.25 }\nconfounder = { share = 1.0 }\n[sources.others]",
    )
    small_recipe.write_text(text)
    status, out, err = indomain("run", "tiny.toml")
    assert status == 0, err
    folder = here / "runs/tiny"
    table = pd.read_csv(folder / "table.csv")
    wrist = table[table["target"] == "wrist"]

    # Each explanation of each class has its measures; the fused classifier is explained by LIME.
    by_method = wrist.groupby("method")["metric"].agg(set)
    everything = {"pointing", "overlap", "energy", "deletion", "insertion", "randomisation"}
    for whose in ("true", "predicted"):
        assert by_method[f"full, grad-cam++, of the {whose} class"] >= everything - (
            {"pointing"} if whose == "predicted" else set()
        )
        assert "stability" in by_method[f"full, lime, of the {whose} class"]
    fused = by_method["features: linear-svm, lime, of the true class"]
    assert {"pointing", "deletion", "stability"} <= fused and "randomisation" not in fused
    pointing = wrist[
        (wrist["metric"] == "pointing")
        & (wrist["chain"] == "in-domain")
        & ~wrist["method"].str.contains("a map that points")
    ]
    assert pointing["p_value"].notna().any() and pointing["mean"].between(0, 1).all()
    for control in ("anywhere", "at the middle"):
        assert set(wrist.loc[wrist["method"].str.contains(f"{control}, of the true"), "chain"]) == {"imagenet"}

    # Robustness: the area is the mean of its points, and the mark's conditions stand beside.
    curves = pd.read_csv(folder / "robustness.csv")
    own = curves[(curves["target"] == "wrist") & (curves["chain"] == "imagenet")]
    noise = wrist[(wrist["metric"] == "auroc under gaussian-noise") & (wrist["chain"] == "imagenet")]
    clean_row = wrist[(wrist["metric"] == "auroc under no corruption") & (wrist["chain"] == "imagenet")]
    assert clean_row["mean"].item() == pytest.approx(own.loc[own["corruption"] == "none", "mean"].item(), abs=1e-5)
    assert noise["mean"].item() == pytest.approx(
        own.loc[own["corruption"] == "gaussian-noise", "mean"].mean(), abs=1e-5
    )
    clean = own.loc[own["corruption"] == "none", "mean"].item()
    plain = wrist[
        (wrist["method"] == "full")
        & (wrist["metric"] == "auroc")
        & (wrist["chain"] == "imagenet")
        & (wrist["level"] == "image")
    ]
    assert clean == pytest.approx(plain["mean"].item(), abs=1e-5)
    marked = table[table["target"] == "marked"]
    assert {f"auroc, mark {condition}" for condition in confounders.CONDITIONS} <= set(marked["metric"])
    assert not marked["method"].str.startswith("features").any()

    # Calibration and the operating point, on images and on studies by both rules.
    assert set(wrist["level"].dropna()) == {"image", "study, mean", "study, max"}
    calibrated = wrist[wrist["method"] == "full, calibrated"]
    assert set(calibrated["metric"]) == {"ece", "brier"} and calibrated["mean"].notna().all()
    at = wrist[wrist["metric"] == "specificity at sensitivity 0.8"].set_index("method")
    assert at.loc["full", "mean"].between(0, 1).all()
    assert at.loc["features: linear-svm", "note"].str.contains("no validation images left").all()

    names = {path.name for path in folder.iterdir()}
    assert {"panel-wrist-squeezenet-full-strict.png", "panel-wrist-squeezenet-full-strict-predicted.png"} <= names
    assert {"robustness-wrist-squeezenet.png", "robustness-mark-marked-squeezenet.png"} <= names
    assert "panel-wrist-squeezenet-features-linear-svm-strict.png" in names
    assert any(name.startswith("reliability-wrist") for name in names)
    page = (folder / "report.html").read_text()
    assert (
        'id="trust"' in page and 'id="robustness"' in page and (folder / "table.tex").read_text().count("tabular") == 4
    )
    assert "Everything was done already" in indomain("run", "tiny.toml")[1]


def test_the_middle_is_what_lies_there():
    mask = np.zeros((64, 63), np.uint8)
    mask[31, 31] = 1
    assert measures.middle(mask).shape == (2, 1) and measures.middle(mask).mean() == 0.5
    assert measures.middle(mask[:63, :]).shape == (1, 1)


def test_scores_do_not_hang_on_how_pictures_are_batched():
    backbone = architecture.backbone({"name": "dcnn-light", "shape": [32, 32, 1], "width": 0.25})
    model = architecture.with_scores(architecture.with_head(backbone, 2, 0.0))
    weights.initialise(model, 0)
    pictures = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 1)).astype(np.float32)
    alone = np.concatenate([in_batches(model, pictures[place : place + 20]) for place in range(0, 300, 20)])
    np.testing.assert_allclose(in_batches(model, pictures), alone, atol=1e-5)


def measure_runs(top, folds, values_of):
    """Folders as `measure` runs leave them: four images a fold."""
    inputs = []
    for chain, values in values_of.items():
        for fold in range(folds):
            if values[fold] is None:
                continue
            folder = top / f"{chain}{fold}"
            folder.mkdir(parents=True)
            names = [f"{fold}-{number}" for number in range(4)]
            rows = {"id": names, "group": names, "explanation": "lime", "measure": "pointing", "value": values[fold]}
            pd.DataFrame(rows).to_csv(folder / "measures.csv", index=False)
            (folder / "DONE").write_text('{"learnt": 12}')
            labels = {"profile": "strict", "target": "t", "budget": "all labels", "backbone": "n", "method": "full"}
            inputs.append(({**labels, "chain": chain, "fold": fold, "explained": "true"}, folder))
    return inputs


def test_what_lacks_a_fold_is_compared_with_nothing_and_folds_by_the_corrected_t(tmp_path):
    from report import measured, statistics

    facts = {"strict/t": {"synthetic": False, "stand_in": False, "has_patients": False}}
    means = {"imagenet": [0.2, 0.4, 0.3], "other": [0.6, 0.7, 0.9]}
    exact = {chain: [[value] * 4 for value in own] for chain, own in means.items()}
    found = measured.explanation_lines(measure_runs(tmp_path / "a", 3, exact), facts, ["pointing"], "imagenet", 200, 0)
    line = next(one for one in found if one["chain"] == "other")
    by_hand = statistics.corrected_resampled_t(np.array([0.4, 0.3, 0.6]), 4 / 12)
    assert line["p_uncorrected"] == pytest.approx(by_hand) and line["difference"] == pytest.approx(1.3 / 3)
    exact["other"][1] = None  # diverged
    found = measured.explanation_lines(measure_runs(tmp_path / "b", 3, exact), facts, ["pointing"], "imagenet", 200, 0)
    line = next(one for one in found if one["chain"] == "other")
    assert "p_uncorrected" not in line and "compared with nothing" in line["note"]
