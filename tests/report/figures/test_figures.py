"""The figures by name: one entry is enough."""

import pytest

from indomain.errors import RequestError, look_up
from report.figures import FIGURES, style
from report.figures.drawing import Drawing
from report.run import run


@pytest.mark.parametrize("name", list(FIGURES))
def test_every_figure_is_a_function_that_says_what_it_draws(name):
    assert look_up(FIGURES, name, "figure").__doc__


def test_an_unknown_figure_lists_the_known_ones():
    with pytest.raises(RequestError, match="unknown figure 'interval'. Did you mean 'intervals'"):
        look_up(FIGURES, "interval", "figure")


def rows_and_chains(material):
    """A figure with a line as long as the table, and one that is not drawn."""
    figure = style.new_figure((2, 2))
    figure.subplots().plot(range(len(material.table)), label="own line")
    figure.suptitle(f"{len(material.table)} rows of {' and '.join(material.given.chains)}")
    yield Drawing("rows-and-chains", "Rows and chains", figure)


def test_a_figure_registered_from_outside_is_drawn(work, tmp_path, monkeypatch):
    monkeypatch.setitem(FIGURES, "rows", f"{__name__}:rows_and_chains")
    run(work())
    assert (tmp_path / "rows-and-chains.png").stat().st_size > 1000
    assert "8 rows of random and in-domain" in (tmp_path / "report.html").read_text()


def nothing(material):
    """There is nothing to draw."""
    return iter(())


def test_a_figure_with_nothing_to_draw_leaves_no_trace(work, tmp_path, monkeypatch):
    monkeypatch.setattr("report.run.FIGURES", {"nothing": f"{__name__}:nothing"})
    run(work())
    # The errors are pictures of images, and no figure of numbers.
    assert [path.name for path in tmp_path.glob("*.png")] == ["errors-wrist.png"]
    assert "<figure><figcaption" in (tmp_path / "report.html").read_text()
