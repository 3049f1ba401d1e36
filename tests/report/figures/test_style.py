"""What all figures share."""

import pytest

from report.figures import style
from tests.report.figures.made import words


def drawn(label="a line"):
    figure = style.new_figure((3, 2))
    figure.subplots().plot([1, 2], [3, 4], label=label)
    return figure


def test_a_chain_has_the_same_colour_in_every_figure():
    every = ["imagenet", "other", "random"]
    assert len({style.colour_of(chain, every) for chain in every}) == 3
    assert style.colour_of("random", every) == style.COLOURS[2]


def test_more_chains_than_colours_begin_anew():
    every = [f"chain{number}" for number in range(len(style.COLOURS) + 1)]
    assert style.colour_of(every[-1], every) == style.colour_of(every[0], every)


def test_the_same_figure_is_the_same_text():
    assert style.as_svg(drawn()) == style.as_svg(drawn())


def test_a_figure_names_no_address_to_load_from():
    text = style.as_svg(drawn())
    assert text.startswith("<svg") and "<metadata>" not in text
    assert not [word for word in text.split() if "http" in word and not word.startswith(("xmlns", "xmlns:xlink"))]


def test_words_stay_words():
    figure = drawn()
    figure.suptitle("Wrists & hands")
    assert "Wrists &amp; hands" in style.as_svg(figure)


def test_a_legend_names_every_chain_once():
    figure = style.new_figure((3, 2))
    style.chain_legend(figure, figure.subplots(), ["other"], ["imagenet", "other"], "Title")
    assert {"other", "Title"} <= words(figure) and "imagenet" not in words(figure)


@pytest.mark.parametrize("side", ["top", "right"])
def test_an_axis_has_no_frame_above_and_to_the_right(side):
    axis = style.new_figure((3, 2)).subplots()
    style.plain_axis(axis)
    assert not axis.spines[side].get_visible() and axis.spines["left"].get_visible()


def test_a_group_across_chains_is_named_by_the_number_of_its_networks():
    assert style.network("imagenet-frozen/a+imagenet-frozen/b+knees/a:off-the-shelf") == "3 networks"
    assert style.network("a+b") == "a+b"
