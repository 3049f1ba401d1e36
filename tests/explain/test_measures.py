"""What measures an explanation, on maps whose measures are known."""

import numpy as np
import pytest

from explain import measures
from explain.registry import EXPLANATIONS, Explanation
from explain.subject import Subject


def finding(size=32, top=8, left=10, side=6):
    """A mask with a square on it."""
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 255
    return mask


def dot(row, column):
    """A map that is hot in one pixel."""
    heat = np.zeros((32, 32))
    heat[row, column] = 1.0
    return heat


NOTHING = np.zeros((32, 32))
OF_FINDINGS = [measures.pointing, measures.overlap, measures.energy]
HALF = np.zeros((32, 32))
HALF[8:14, 7:13] = 1.0  # moved by half the finding's width: 18 of 36 pixels are right


@pytest.mark.parametrize(("heat", "expected"), [(dot(10, 12), 1), (dot(30, 30), 0), (dot(8, 9), 1), (dot(8, 7), 0)])
def test_pointing_is_whether_the_hottest_pixel_lies_in_the_finding_or_within_a_pixel_of_it(heat, expected):
    assert measures.pointing(heat, finding()) == expected


def test_of_several_hottest_pixels_the_share_inside_counts():
    assert measures.pointing(dot(10, 12) + dot(30, 30), finding()) == 0.5


@pytest.mark.parametrize(("heat", "expected"), [((finding() > 0) * 1.0, 1), (HALF, 18 / 54)])
def test_overlap_is_intersection_over_union_with_as_many_of_the_hottest_pixels(heat, expected):
    assert measures.overlap(heat, finding()) == pytest.approx(expected)


@pytest.mark.parametrize(("heat", "expected"), [((finding() > 0) * 0.3, 1), (HALF, 0.5), (dot(30, 30), 0)])
def test_energy_is_the_share_of_the_heat_in_the_finding(heat, expected):
    assert measures.energy(heat, finding()) == pytest.approx(expected)


def test_what_speaks_against_the_class_is_no_energy():
    assert measures.energy(dot(10, 12) - 5 * dot(30, 30), finding()) == 1


BLANKS = [NOTHING, np.full((32, 32), 0.4), dot(3, 3) - 1]


@pytest.mark.parametrize("blank", BLANKS, ids=["nothing", "the same everywhere", "only against"])
@pytest.mark.parametrize("measure", OF_FINDINGS)
def test_a_blank_map_has_no_value(measure, blank):
    assert measures.is_blank(blank) and np.isnan(measure(blank, finding()))


def test_a_map_with_anything_that_speaks_for_the_class_is_not_blank():
    assert not measures.is_blank(dot(3, 3)) and not measures.is_blank(dot(3, 3) - 0.5)


@pytest.mark.parametrize("measure", OF_FINDINGS)
def test_without_a_finding_there_is_no_value(measure):
    assert np.isnan(measure(dot(3, 3), NOTHING))


@pytest.mark.parametrize(("shape", "expected"), [((64, 63), (2, 1)), ((63, 63), (1, 1)), ((4, 6), (2, 2))])
def test_the_middle_is_one_pixel_or_two_of_an_even_side(shape, expected):
    mask = np.zeros(shape, np.uint8)
    mask[(shape[0] - 1) // 2, (shape[1] - 1) // 2] = 1
    assert measures.middle(mask).shape == expected and measures.middle(mask).max() == 1


def brightness_inside(mask):
    """Scores that rise with the brightness of what a mask covers."""

    def scores(images):
        bright = np.clip((images[:, mask].mean(axis=(1, 2)) - 60) / 160, 0, 1)
        return np.stack([1 - bright, bright], axis=1)

    return scores


def test_a_map_of_what_counts_deletes_fast_and_inserts_fast():
    mask = finding() > 0
    image = np.full((32, 32, 1), 60.0)
    image[mask] = 220
    good = measures.deletion_and_insertion(brightness_inside(mask), image, mask.astype(float), 1)
    bad = measures.deletion_and_insertion(brightness_inside(mask), image, 1.0 - mask, 1)
    assert good[0] < 0.1 and good[1] > 0.9
    assert bad[0] > 0.9 and bad[1] < good[1] - 0.3


def test_the_rank_correlation_is_that_of_ranks_without_its_sign():
    heat = np.random.default_rng(0).random((16, 16))
    assert measures.rank_correlation(heat, heat**3) == pytest.approx(1)
    assert measures.rank_correlation(heat, -heat) == pytest.approx(1)
    other = np.random.default_rng(1).random((16, 16))
    assert 0 <= measures.rank_correlation(heat, other) < 0.2


@pytest.mark.parametrize("first", [True, False])
def test_a_map_that_is_the_same_everywhere_has_no_ranks_to_correlate(first):
    pair = [np.random.default_rng(0).random((16, 16)), np.ones((16, 16))]
    assert np.isnan(measures.rank_correlation(*(pair if first else pair[::-1])))


def test_agreement_is_that_of_the_top_superpixels():
    parts = np.arange(256).reshape(16, 16) // 16  # 16 superpixels, a row each
    first = np.repeat(np.arange(16.0), 16).reshape(16, 16)
    assert measures.agreement([first, first, first], parts) == 1
    assert measures.agreement([first, -first], parts) == 0
    other = np.where(parts == 15, -1, first)  # four of the top five are the same: 4 of 6
    assert measures.agreement([first, other], parts) == pytest.approx(4 / 6)


# Of a subject: a network that has learnt nothing, and four test images.


@pytest.fixture
def subject(work):
    return Subject(work("measure"))


def test_deletion_and_insertion_of_a_map_cost_one_pass(subject):
    calls, plain = [], subject.score
    subject.score = lambda images: calls.append(len(images)) or plain(images)
    heat = subject.maps("grad-cam")
    deleted = measures.deletion_of(subject, "grad-cam", heat)
    inserted = measures.insertion_of(subject, "grad-cam", heat)
    assert calls == [2 * (measures.STEPS + 1)] * len(subject.images)
    by_hand = measures.deletion_and_insertion(plain, subject.images[0], heat[0], int(subject.chosen[0]))
    assert (deleted[0], inserted[0]) == pytest.approx(by_hand)


def empties_the_second(monkeypatch, subject, method):
    """Replaces the map of the second image by nothing, under every seed."""
    plain = subject.maps

    def maps(*given):
        heat = plain(*given).copy()
        heat[1] = 0
        return heat

    monkeypatch.setattr(subject, "maps", maps)
    return subject.maps(method)


def test_a_blank_map_has_no_value_in_any_measure_and_costs_no_pass(subject, monkeypatch):
    heat = empties_the_second(monkeypatch, subject, "lime")
    calls, score = [], subject.score
    subject.score = lambda images: calls.append(len(images)) or score(images)
    for measure in (measures.deletion_of, measures.insertion_of):
        values = measure(subject, "lime", heat)
        assert np.isnan(values).tolist() == [False, True, False, False] and len(calls) == 3
    for measure in (measures.randomisation_of, measures.stability_of):
        assert np.isnan(measure(subject, "lime", heat)).tolist() == [False, True, False, False]


def test_another_map_costs_a_pass_of_its_own(subject):
    grad_cam = measures.deletion_of(subject, "grad-cam", subject.maps("grad-cam"))
    lime = measures.deletion_of(subject, "lime", subject.maps("lime"))
    assert not np.array_equal(grad_cam, lime)


def test_randomisation_leaves_the_networks_weights_as_they_were(subject):
    before = subject.model.get_weights()
    values = measures.randomisation_of(subject, "grad-cam", subject.maps("grad-cam"))
    assert len(values) == 4 and not (values >= 1).any()
    assert all(np.array_equal(a, b) for a, b in zip(before, subject.model.get_weights(), strict=True))


def fails(subject, seed):
    raise RuntimeError("no map today")


def test_randomisation_leaves_the_weights_as_they_were_even_where_it_fails(subject, monkeypatch):
    monkeypatch.setitem(EXPLANATIONS, "fails", Explanation(f"{__name__}:fails", "Fails"))
    before = subject.model.get_weights()
    with pytest.raises(RuntimeError, match="no map today"):
        measures.randomisation_of(subject, "fails", np.zeros((4, 32, 32)))
    assert all(np.array_equal(a, b) for a, b in zip(before, subject.model.get_weights(), strict=True))


def shows_the_image(subject, seed):
    return subject.images[..., 0].astype(np.float32)


def test_a_map_of_the_image_alone_stays_when_the_weights_are_drawn_anew(subject, monkeypatch):
    monkeypatch.setitem(EXPLANATIONS, "image", Explanation(f"{__name__}:shows_the_image", "Image"))
    values = measures.randomisation_of(subject, "image", subject.maps("image"))
    np.testing.assert_allclose(values, 1)


def test_stability_is_for_methods_that_draw(subject):
    assert measures.stability_of(subject, "grad-cam", subject.maps("grad-cam")) is None
    values = measures.stability_of(subject, "lime", subject.maps("lime"))
    assert values.shape == (4,) and ((values >= 0) & (values <= 1)).all()


def test_without_masks_nothing_is_said_of_findings(subject):
    subject.masks = None
    heat = subject.maps("grad-cam")
    assert measures.pointing_of(subject, "grad-cam", heat) is None and measures.pointing_by_chance(subject) is None


def test_chance_is_the_findings_share_of_the_image(subject):
    by_chance = measures.pointing_by_chance(subject)["anywhere"]
    has_finding = subject.masks.any(axis=(1, 2))
    assert has_finding.any() and not has_finding.all()
    expected = [measures.near(mask).mean() for mask in subject.masks[has_finding]]
    np.testing.assert_allclose(by_chance[has_finding], expected)
    assert np.isnan(by_chance[~has_finding]).all()
