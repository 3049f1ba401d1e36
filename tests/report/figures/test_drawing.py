"""What a figure is drawn from."""

from dataclasses import replace

import pandas as pd

from report.figures.drawing import Material
from tests.report.figures.made import material, row


def test_the_first_level_is_the_first_that_a_target_has():
    found: Material = material([row(level="study, mean"), row(level="image", mean=0.6), row(target="u", level="image")])
    assert found.first_level("t")["mean"].tolist() == [0.8] and found.first_level("u")["level"].tolist() == ["image"]


def test_rows_without_a_level_are_shown_too():
    found = material([row(level="study")])
    absent = pd.DataFrame([{"target": "t", "chain": "other"}]).reindex(columns=found.table.columns)
    both = replace(found, table=pd.concat([found.table, absent], ignore_index=True))
    assert both.first_level("t")["chain"].tolist() == ["imagenet", "other"]
