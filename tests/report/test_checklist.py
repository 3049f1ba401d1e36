"""The checklists: every item of both guidelines once, filled from the run or left to the author."""

from report.checklist import CLAIM, TRIPOD, YOU, checklist, facts
from tests.report.made import report_input, split_info


def test_the_items_are_those_of_the_guidelines():
    assert [item.number for item in CLAIM] == [str(number) for number in range(1, 45)]
    numbers = [item.number for item in TRIPOD]
    assert len(numbers) == len(set(numbers)) == 52
    assert list(dict.fromkeys(number.rstrip("abcdefg") for number in numbers)) == [
        str(number) for number in range(1, 28)
    ]


def test_what_the_run_knows_is_filled_and_the_rest_is_yours():
    given = report_input(
        info=split_info(
            has_patients=True, counts=[[0, "train", 0, 30], [0, "train", 1, 10], [0, "test", 0, 8], [0, "test", 1, 4]]
        )
    )
    table = checklist(given, {"results": "nothing is better", "software": "indomain"}).set_index(["guideline", "item"])
    assert table.loc[("CLAIM 2024", "20"), "answer"].startswith("t: patients, after a search for copies")
    assert table.loc[("CLAIM 2024", "38"), "answer"] == "nothing is better"
    assert (
        "train 40" in table.loc[("CLAIM 2024", "35"), "answer"]
        and "b has 27%" in table.loc[("TRIPOD+AI", "13"), "answer"]
    )
    for item in [("CLAIM 2024", "44"), ("TRIPOD+AI", "17"), ("CLAIM 2024", "33")]:
        assert table.loc[item, "filled"] == table.loc[item, "answer"] == YOU


def test_a_key_that_no_fact_has_would_be_seen():
    known = set(facts(report_input())) | {"results", "failures", "subgroups", "software"}
    # What only some recipes have.
    known |= {"claim", "selection", "ensembles", "robustness", "explanations", "external"}
    assert {item.key for item in (*CLAIM, *TRIPOD) if item.key} <= known


def test_an_external_set_and_a_fusion_are_told():
    recipe = {
        "targets": {"t": {"set": "own"}},
        "fusion": {"classifiers": ["linear-svm"]},
    }
    given = report_input(recipe=recipe)
    given.recipe["targets"]["t → other"] = {**given.recipe["targets"]["t"], "external_of": "t"}
    found = facts(given)
    assert "networks of t tested on other sets" in found["external"] and "linear-svm" in found["ensembles"]
