import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks import pages
from benchmarks.keep import stage_versions
from benchmarks.pages.comparing import address, interval, leader
from benchmarks.pages.house import House
from benchmarks.pages.marks import PLACE, filled
from benchmarks.pages.values import cell
from indomain.data import duplicates
from indomain.errors import RequestError

PAGES = [pages.ROOT / "README.md", *(pages.ROOT / "docs").glob("*.md"), *(pages.ROOT / "results/remarks").glob("*.md")]
# What looks like a result: 0.123, 12 s, 5 min, 900 images/s, 2 times, 1.4 ×, p 0.03.
RESULT = re.compile(
    r"\b[01]\.\d{2,}\b|\d ?(?:s|min|minutes?|seconds?|h|hours?|images/s|times|×)(?!\w)|\*p\* ?[<=]? ?\d"
)
ALLOWED = ("chance 0.25", "1.35 million")  # the protocol, not a result


@pytest.fixture
def copy(tmp_path):
    """The files that pages are made from, to be altered."""
    for name in ("README.md", "docs", "results", "recipes", "data_manifests", "weights"):
        source = pages.ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    for file in [*pages.ROOT.glob("*/__init__.py"), *pages.ROOT.glob("indomain/*/__init__.py")]:
        target = tmp_path / file.relative_to(pages.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    (tmp_path / "tests").mkdir(exist_ok=True)
    return tmp_path


def stale(root):
    return {str(path.relative_to(root)) for path in pages.stale(root)}


def prose(text):
    """A page without what is generated, and without code."""
    text = PLACE.sub(" … ", text)
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)


def row(chain, mean, verdict="", note="", difference="-0.1", family="primary"):
    found = {"difference": difference, "difference_low": "-0.2", "difference_high": "0.3", "compared_with": "imagenet"}
    empty = dict.fromkeys(found, "")
    words = {"chain": chain, "mean": mean, "note": note, "verdict": verdict, "family": family * bool(verdict)}
    words |= {"backbone": "n", "method": "full"}
    words["metric"] = "auroc"
    return {**words, **(found if verdict else empty)}


def test_the_pages_say_what_the_committed_results_say():
    assert stale(pages.ROOT) == set(), "run `make pages`"


def test_a_copy_of_the_repository_makes_the_same_pages(copy):
    assert stale(copy) == set()


def test_an_altered_number_makes_every_page_stale_that_shows_it(copy):
    table = copy / "results/quickstart.csv"
    leading = {"chain": "imagenet-in-domain", "backbone": "squeezenet", "method": "tuned", "metric": "auroc"}
    mean = cell(House(copy), "quickstart", digits="6", **leading)
    assert mean in table.read_text()
    table.write_text(table.read_text().replace(mean, "0.123456"))
    assert stale(copy) == {"README.md", "results/README.md"}


def test_altered_seconds_make_the_minutes_stale(copy):
    path = copy / "results/quickstart.json"
    record = json.loads(path.read_text())
    record["seconds"]["finetune"] += 6000
    path.write_text(json.dumps(record))
    assert {"README.md", "docs/scale.md", "results/README.md"} <= stale(copy)


def test_a_number_altered_by_hand_is_put_right(copy):
    page = copy / "README.md"
    page.write_text(re.sub(r"(minutes quickstart -->)\d+", r"\g<1>1", page.read_text()))
    assert stale(copy) == {"README.md"}


def test_the_check_names_the_stale_page_and_fails(copy, monkeypatch, capsys):
    from benchmarks.pages import __main__ as command

    monkeypatch.setattr(pages, "ROOT", copy)
    monkeypatch.setattr(sys, "argv", ["pages", "--check"])
    monkeypatch.setattr(pages, "stale", lambda: {copy / "README.md": ""})
    before = (copy / "README.md").read_text()
    assert command.main() == 1
    assert "README.md" in capsys.readouterr().out
    assert (copy / "README.md").read_text() == before


@pytest.mark.parametrize(
    "mark, known",
    [
        ("<!-- n: minuets quickstart -->6<!-- -->", "minutes"),
        ("<!-- n: minutes quickstrat -->6<!-- -->", "quickstart"),
        ("<!-- n: cell quickstart maen chain=imagenet method=tuned metric=auroc -->6<!-- -->", "ci_low"),
        ("<!-- n: cell quickstart colour=red -->6<!-- -->", "backbone"),
        ("<!-- n: bench precison x -->6<!-- -->", "bench-precision"),
        ("<!-- table: bench-precison -->\n<!-- end -->", "bench-precision"),
    ],
)
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(mark, known):
    with pytest.raises(RequestError, match=f"Known: .*{known}"):
        filled(House(pages.ROOT), f"It is {mark}")


@pytest.mark.parametrize(
    "text, reason",
    [
        ("It is <!-- n: minutes quickstart -->6 minutes.", "not closed"),
        ("<!-- table: papers -->\n| a |\n", "not closed"),
        ("* <!-- n: minutes quickstart -->6<!-- --> minutes", "open a line"),
        ("It is <!-- n: cell quickstart chain=imagenet -->6<!-- -->", "one is needed"),
        ("It is <!-- n: minutes -->6<!-- -->", "recipe"),
    ],
)
def test_a_mark_that_cannot_be_filled_is_an_error(text, reason):
    with pytest.raises(RequestError, match=reason):
        filled(House(pages.ROOT), text)


def test_a_mark_in_a_block_of_code_is_an_example():
    text = "```\n<!-- table: papers -->\n<!-- end -->\nIt is <!-- n: nonsense -->6<!-- -->\n```\n"
    assert filled(House(pages.ROOT), text) == text


def test_filling_a_page_twice_changes_nothing():
    house, text = (
        House(pages.ROOT),
        "It is <!-- n: minutes quickstart -->?<!-- --> a\n\n<!-- table: tree -->\n<!-- end -->\n",
    )
    once = filled(house, text)
    assert once != text and filled(house, once) == once


def test_imagenet_can_win():
    rows = [row("imagenet", "0.9"), row("random", "0.6", "worse"), row("in-domain", "0.7", "worse")]
    best, words = leader(rows)
    assert best["chain"] == "imagenet" and words == "**imagenet wins**: all 2 others are worse"


def test_the_bar_is_the_reference_and_frozen_networks_alone_do_not_lead():
    bar = {**row("imagenet-frozen", "0.8"), "backbone": "a+b", "method": "fusion: lda"}
    alone = {**row("imagenet-frozen", "0.99"), "backbone": "a"}
    others = [{**row(chain, "0.7", "worse"), "compared_with": address(bar)} for chain in ("imagenet", "in-domain")]
    best, words = leader([*others, alone, bar])
    assert best is bar and words == "**imagenet-frozen wins**: all 2 others are worse"
    ahead = {**row("in-domain", "0.9", "better", difference="0.1"), "compared_with": address(bar)}
    best, words = leader([ahead, alone, bar])
    assert best is ahead and words == "better than imagenet-frozen, +0.100 [−0.200, +0.300]"


def test_where_nothing_is_compared_frozen_networks_may_have_the_highest_mean():
    best, words = leader([row("imagenet", "0.4"), row("imagenet-frozen", "0.5")])
    assert best["chain"] == "imagenet-frozen" and words == "nothing is compared"


def test_of_two_rows_the_other_is_spoken_of_as_one():
    assert leader([row("imagenet", "0.9"), row("random", "0.6", "worse")])[1] == "**imagenet wins**: the other is worse"
    tied = row("random", "0.6", "cannot tell")
    assert leader([row("imagenet", "0.9"), tied])[1] == "the other is not to be told from it"


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("cannot tell", "cannot be told from imagenet, +0.100 [−0.200, +0.300]"),
        ("better", "better than imagenet, +0.100 [−0.200, +0.300]"),
        ("equal", "equals imagenet, +0.100 [−0.200, +0.300]"),
    ],
)
def test_a_lead_is_what_its_verdict_says(verdict, words):
    assert leader([row("imagenet", "0.8"), row("in-domain", "0.9", verdict, difference="0.1")])[1] == words


def test_an_experiment_is_spoken_of_beside_its_own_control():
    rows = [row("imagenet-frozen", "0.8"), {**row("imagenet", "0.7", "worse"), "compared_with": "imagenet-frozen"}]
    made = {
        **row("imagenet", "0.9", "cannot tell", difference="0.1", family="synthesis"),
        "compared_with": "oversampled",
    }
    assert leader([*rows, made])[1] == "cannot be told from oversampled, +0.100 [−0.200, +0.300] (exploration)"


def test_what_is_not_of_the_primary_family_is_exploration():
    explored = row("in-domain", "0.9", "better", difference="0.1", family="other label budgets")
    assert leader([row("imagenet", "0.8"), explored])[1].endswith("(exploration)")
    worse = row("in-domain", "0.7", "worse", family="other label budgets")
    assert leader([row("imagenet", "0.8"), worse])[1] == "no claim"


def test_a_table_made_before_intervals_held_the_training_claims_nothing():
    rows = [row("imagenet", "0.8"), row("in-domain", "0.9", "better", difference="0.1")]
    old = [{key: value for key, value in {**one, "sd_runs": "0.05"}.items() if key != "verdict"} for one in rows]
    best, words = leader(old)
    assert words.startswith("no claim") and interval(best) == "0.900 ± 0.050"


def test_a_table_whose_code_has_changed_since_is_listed_as_stale(copy):
    path = copy / "results/quickstart.json"
    record = json.loads(path.read_text())
    record["stage_versions"] = stage_versions()
    path.write_text(json.dumps(record))
    assert House(copy).changed_since("quickstart") == []
    record["stage_versions"]["finetune"] -= 1
    path.write_text(json.dumps(record))
    assert House(copy).changed_since("quickstart") == ["finetune"]
    page = pages.pages(copy)[copy / "results/README.md"]
    assert "**Stale**: the results of finetune have changed since it was run." in page


def test_a_table_whose_splits_an_earlier_gate_drew_says_so(copy):
    path = copy / "results/quickstart.json"
    said = "Its splits were drawn by an earlier version of the gate."

    def section(**more) -> str:
        path.write_text(json.dumps(record | more))
        return pages.pages(copy)[copy / "results/README.md"].partition("## quickstart")[2].partition("\n## ")[0]

    record = {name: value for name, value in json.loads(path.read_text()).items() if name != "gate"}
    assert said not in section(gate=duplicates.VERSION)
    assert said in section(gate=duplicates.VERSION - 1) and said in section()


def test_every_table_that_claims_something_knows_the_versions_that_made_it():
    house = House(pages.ROOT)
    for recipe, record in house.records.items():
        assert "stage_versions" in record or "verdict" not in house.table(recipe)[0], recipe


def test_networks_that_died_or_diverged_do_not_lead():
    died = row("double", "0.99", note="1 of 1 runs give every image the same score: the network has died")
    diverged = row("skin", "0.98", note="diverged in 2 of 5 runs; mean of the others, compared with nothing")
    rows = [row("imagenet", "0.5"), died, diverged, row("other", "", note="diverged: the loss became nan")]
    assert leader(rows)[0]["chain"] == "imagenet"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_no_result_is_typed_by_hand(page):
    typed = [line.strip() for line in prose(page.read_text()).splitlines() if RESULT.search(line)]
    assert not typed, "put it between marks: see docs/README.md"


@pytest.mark.parametrize(
    "typed", ["AUROC 0.91", "takes 14 s.", "in 5 min", "an hour: 3 hours", "62 images/s", "1.5 ×", "*p* 1"]
)
def test_a_typed_result_would_be_seen(typed):
    assert RESULT.search(prose(f"It {typed} with `squeezenet`"))


@pytest.mark.parametrize("page", [*PAGES, pages.ROOT / "results/README.md"], ids=lambda path: path.name)
def test_every_link_leads_somewhere(page):
    folder = pages.ROOT / "results" if page.parent.name == "remarks" else page.parent
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)", text, re.MULTILINE):
        target, _, anchor = "".join(link).partition("#")
        if not target.startswith("http"):
            path = folder / target if target else page
            assert path.exists(), link
            headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE) if anchor else []
            assert not anchor or anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}, link


def test_the_front_page_is_short():
    lines = Path(pages.ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 180
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []
