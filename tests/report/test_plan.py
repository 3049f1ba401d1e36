"""The plan of the report: one task on everything, and what is refused before hours of work."""

import pytest

from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs.task import find
from report.plan import plan as plan_of_stage
from report.plan import remarks
from tests.explain.conftest import EXPLAINED
from tests.studies import SMALL_STUDY, small_study

NUMBERS = '[theirs]\ntask = "t"\nmetric = "auroc"\nvalue = 0.9\nmark = "V"\nsource = "A paper"\n'


@pytest.fixture
def planned(tmp_path, cache_dir):
    """The report that a small study plans with these settings."""

    def plan(*settings, text=SMALL_STUDY):
        (tmp_path / "numbers.toml").write_text(NUMBERS)
        tasks = find(make_plan(small_study(tmp_path, cache_dir, text, *settings)), "report")
        assert len(tasks) == 1
        return tasks[0]

    return plan


def test_a_finished_table_says_how_small_a_difference_was_found(tmp_path, cache_dir):
    study = small_study(tmp_path, cache_dir, SMALL_STUDY, "seeds=[0,1]")
    assert "assumed: AUROC 0.75" in remarks(study)[0]
    folder = study.runs.path / study.name
    folder.mkdir(parents=True)
    rows = "target,family,detectable\nwrist,primary,0.1\nwrist,primary,0.3\nwrist,primary,0.2\nwrist,other levels,9\n"
    (folder / "table.csv").write_text(rows)
    assert remarks(study) == [
        "wrist: by the finished runs' variances, a difference of 0.20 is found four times in five."
    ]


def test_a_design_that_could_show_nothing_is_said_to(tmp_path, cache_dir):
    folds = "targets.wrist.split={scheme='kfold', folds=2}"
    assert (
        "no difference in AUROC that is possible"
        in remarks(small_study(tmp_path, cache_dir, SMALL_STUDY, "seeds=[0]", folds))[0]
    )


def test_the_reference_is_the_first_chain_where_there_is_no_imagenet(planned):
    assert planned().params["options"]["compare_with"] == "random"


def test_the_reference_is_imagenet_where_the_recipe_has_it(planned):
    task = planned("backbones=['squeezenet']", "chains={random=['random'], imagenet=['imagenet']}")
    assert task.params["options"]["compare_with"] == "imagenet"


def test_the_reference_can_be_named(planned):
    assert planned("report.compare_with='in-domain'").params["options"]["compare_with"] == "in-domain"


def test_networks_classifiers_panels_and_measures_are_shown(planned):
    shown = planned(text=SMALL_STUDY + EXPLAINED).several("shown")
    kinds = [
        ("finetune", ""),
        ("fusion", "classify"),
        ("explain", "panel"),
        ("explain", "measure"),
        ("explain", "robustness"),
    ]
    assert {(task.stage, task.kind) for task in shown} == set(kinds)
    order = [task.stage for task in shown]
    assert order == sorted(order, key=["finetune", "fusion", "explain"].index)


def test_the_cost_of_every_run_is_counted_each_once(planned):
    task = planned("seeds=[0,1]")
    assert sum("pretrain-" in path for path in task.paths["runs"]) == 4 and len(set(task.paths["runs"])) == len(
        task.paths["runs"]
    )


def test_a_report_is_made_even_where_a_training_diverged(planned):
    assert planned().despite_divergence


def test_the_table_depends_on_the_words_of_its_rows(planned):
    renamed = SMALL_STUDY.replace("in-domain =", "own =")
    first, second = planned(), planned(text=renamed)
    assert [task.digest for task in first.needed()] == [task.digest for task in second.needed()]
    assert first.digest != second.digest


def test_arms_that_cannot_be_run_are_listed(planned):
    task = planned("chains={random=['random'], imagenet=['imagenet']}")
    assert [(row["chain"], row["backbone"]) for row in task.params["missing"]] == [
        ("imagenet", "dcnn-light-w0.125"),
        ("imagenet", "dcnn-light-w0.25"),
    ]
    assert "no ImageNet weights exist for dcnn-light" in task.params["missing"][0]["note"]


def test_what_is_known_of_sources_is_told_and_which_origins_are_read(planned):
    supervised = planned().params["sources"]["strict/others"]
    assert supervised["classes"] == ["normal", "abnormal"] and supervised["read"] == []


def test_a_label_budget_has_its_words_and_its_size(planned):
    text = SMALL_STUDY.replace("validation = 0.25 }", "validation = 0.25 }\nfractions = [0.5, 1.0]")
    assert [size for _, size in planned(text=text).params["budgets"]["wrist"]] == [0.5, 1.0]


def test_measures_can_be_compared_where_explanations_are_measured(planned):
    text = SMALL_STUDY + EXPLAINED
    assert planned("report.test_metrics=['energy']", text=text).params["options"]["test_metrics"] == ["energy"]
    with pytest.raises(RequestError, match="test_metrics names 'energy', which the table does not show"):
        planned("report.test_metrics=['energy']")


def test_a_reported_number_is_listed_with_its_rows(planned):
    task = planned("report.registry='numbers.toml'", "report.beside={theirs={chain='random', method='full'}}")
    assert [(entry["value"], entry["chain"]) for entry in task.params["options"]["reported"]] == [(0.9, "random")]
    assert [number["source"] for number in task.params["registry"]] == ["A paper"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["report.control='ful'"], "report.control: unknown strategy 'ful'. Did you mean 'full'"),
        (["report.compare_with='indomain'"], "report.compare_with: unknown chain 'indomain'. Did you mean 'in-domain'"),
        (["report.levels=['patch']"], "report.levels: no target of the recipe knows what belongs to one patch"),
        (["report.registry='none.toml'"], "report.registry: no file"),
        (
            ["report.beside={theirs={chain='rando'}}"],
            "report.beside.theirs: unknown chain 'rando'. Did you mean 'random'",
        ),
        (["report.beside={theirs={level='study'}}"], "report.beside.theirs: unknown level 'study'"),
        (["report.beside={theirs={method='fusion'}}"], "report.beside.theirs: unknown method 'fusion'"),
        (["report.beside={theirs={}}", "report.metrics=['f1']"], "report.metrics: unknown metric 'auroc'"),
    ],
)
def test_what_the_table_does_not_have_is_refused(planned, settings, words):
    registry = [] if "registry" in settings[0] or "beside" not in settings[0] else ["report.registry='numbers.toml'"]
    with pytest.raises(RequestError) as raised:
        planned(*registry, *settings)
    assert words in str(raised.value)


def test_it_follows_from_the_study_and_the_tasks_of_earlier_stages(tmp_path, cache_dir):
    study = small_study(tmp_path, cache_dir)
    *earlier, report = make_plan(study)
    assert [task.digest for task in plan_of_stage(study, earlier)] == [report.digest]
    assert plan_of_stage(study, earlier[:-1])[0].digest != report.digest
