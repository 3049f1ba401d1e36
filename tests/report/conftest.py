from dataclasses import replace

import pytest

from indomain.recipe.plan import make_plan
from indomain.runs.task import Work, find
from tests.studies import SMALL_STUDY, leave_network, small_study

REPORT = """
[report]
metrics = ["auroc", "brier"]
"""


@pytest.fixture(scope="session")
def reported(tmp_path_factory, cache_dir):
    """A study of two chains and two networks, its plan, and the folders of its networks, which have learnt nothing."""
    study = small_study(tmp_path_factory.mktemp("reported"), cache_dir, SMALL_STUDY + REPORT)
    tasks = make_plan(study)
    networks = enumerate(find(tasks, "finetune"))
    return study, tasks, {task.digest: leave_network(study, task, seed) for seed, task in networks}


@pytest.fixture
def work(reported, tmp_path):
    """The work of its report; `options` replace keys of [report]."""

    def of(**options):
        _, tasks, folders = reported
        task = find(tasks, "report")[0]
        params = {**task.params, "options": {**task.params["options"], **options}}
        shown = [folders[network.digest] for network in task.several("shown")]
        return Work(replace(task, params=params), tmp_path, {"shown": shown})

    return of
