"""The leakage gate: what is on both sides of a split is refused, removed or counted, and a split is drawn once."""

from pathlib import Path

import pandas as pd
import pytest

from indomain.data import drawing, duplicates, evidence
from indomain.data.gate import SourceRequest, TargetRequest, find_or_draw
from indomain.data.options import Profile, SourceOptions, TargetOptions
from indomain.data.pool import Pool
from indomain.data.prepared import PreparedSet
from indomain.errors import RequestError
from tests.indomain.data.made import class_folders, given, image, nearly

STRICT, DROP, PAPER = Profile("strict"), Profile("strict", drop_leaks=True), Profile("paper")
CLEAN = {
    "train/well/p1_a.png": image(1),
    "train/well/p2_a.png": image(2),
    "train/sick/p3_a.png": image(3),
    "train/sick/p4_a.png": image(4),
    "train/sick/p4_b.png": image(5),
    "test/well/p5_a.png": image(6),
    "test/sick/p6_a.png": image(7),
}
# p3's image, and another one of the patient p4: in the official test part, too.
LEAKING = {"train/sick/p8_a.png": image(8), "test/sick/p7_a.png": image(3), "test/sick/p4_c.png": image(9)}
LEAKS = {"exact duplicate": 1, "same patient": 1}


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> PreparedSet:
    return given(tmp_path_factory.mktemp("clean") / "data", CLEAN)


@pytest.fixture(scope="module")
def leaking(tmp_path_factory) -> PreparedSet:
    return given(tmp_path_factory.mktemp("leaking") / "data", {**CLEAN, **LEAKING})


def target(prepared: PreparedSet, profile: Profile = STRICT, **options) -> TargetRequest:
    asked = {"set": "given", "split": {"scheme": "official", "validated": False}, **options}
    return TargetRequest("skin", Pool.of(prepared), TargetOptions.model_validate(asked), profile)


def source(prepared, against, profile: Profile = STRICT, labelled: bool = False, **options) -> SourceRequest:
    asked = SourceOptions.model_validate({"set": "others", **options})
    return SourceRequest("others", Pool.of(prepared), asked, profile, labelled, tuple(against))


def files_of(table: pd.DataFrame, split: str) -> set[str]:
    """The names of the files of a part, below the set's folder."""
    return {"/".join(Path(file).parts[-3:]) for file in table.loc[table["split"] == split, "file"]}


def test_a_split_without_leaks_passes(clean, tmp_path):
    split = find_or_draw(tmp_path, target(clean))
    assert split.info.leaks == {} and split.info.dropped == 0
    assert files_of(split.table(), "train") | files_of(split.table(), "test") == set(CLEAN)


def test_the_same_image_on_both_sides_refuses_the_run_and_names_its_files(tmp_path):
    prepared = given(tmp_path / "data", {**CLEAN, "test/sick/p7_a.png": image(3)})
    with pytest.raises(RequestError, match=r"targets.skin \(given\): 1 leaks .*exact duplicate") as refused:
        find_or_draw(tmp_path / "work", target(prepared))
    assert "train/sick/p3_a.png and " in str(refused.value) and "test/sick/p7_a.png" in str(refused.value)


def test_nearly_the_same_image_on_both_sides_refuses_the_run(tmp_path):
    prepared = given(tmp_path / "data", {**CLEAN, "test/sick/p7_a.png": nearly(image(3))})
    with pytest.raises(RequestError, match="near duplicate: .*train/sick/p3_a.png and .*test/sick/p7_a.png"):
        find_or_draw(tmp_path / "work", target(prepared))


def test_the_same_patient_on_both_sides_refuses_the_run_and_names_files(tmp_path):
    prepared = given(tmp_path / "data", {**CLEAN, "test/sick/p4_c.png": image(9)})
    with pytest.raises(RequestError, match="same patient: .*train/sick/p4_a.png and .*test/sick/p4_c.png"):
        find_or_draw(tmp_path / "work", target(prepared))


def test_a_refused_split_says_the_ways_out_and_leaves_nothing(leaking, tmp_path):
    with pytest.raises(RequestError, match=r"(?s)drop_leaks = true .*grouped = true.* --profile paper"):
        find_or_draw(tmp_path, target(leaking))
    assert list(tmp_path.iterdir()) == []


def test_dropping_leaks_removes_the_training_side_only(leaking, tmp_path):
    split = find_or_draw(tmp_path, target(leaking, DROP))
    table = split.table()
    # Every image of the patient goes, not only the one that was found.
    assert files_of(table, "dropped") == {"train/sick/p3_a.png", "train/sick/p4_a.png", "train/sick/p4_b.png"}
    assert files_of(table, "test") == {name for name in {**CLEAN, **LEAKING} if name.startswith("test")}
    assert split.info.dropped == 3 and split.info.leaks == LEAKS


def test_dropped_images_are_in_no_count_and_in_no_budget(leaking, tmp_path):
    split = find_or_draw(tmp_path, target(leaking, DROP))
    assert [0, "train", 0, 1] in split.info.counts and not any(part == "dropped" for _, part, *_ in split.info.counts)
    assert "dropped" not in set(split.labelled({"budget": {}, "fold": 0, "validation": 0.2})["split"])


def test_dropping_a_classes_last_training_images_is_refused(tmp_path):
    images = {name: pixels for name, pixels in CLEAN.items() if "p4" not in name}
    prepared = given(tmp_path / "data", {**images, "test/sick/p7_a.png": image(3)})
    with pytest.raises(RequestError, match="the train part of fold 0 has no image of class sick"):
        find_or_draw(tmp_path / "work", target(prepared, DROP))


def test_the_papers_profile_keeps_leaks_and_counts_them(leaking, tmp_path):
    split = find_or_draw(tmp_path, target(leaking, PAPER))
    assert split.info.leaks == LEAKS and split.info.dropped == 0
    assert "dropped" not in set(split.table()["split"]) and len(split.table()) == len({**CLEAN, **LEAKING})


def test_what_leaks_is_on_disk_whether_it_was_removed_or_not(leaking, tmp_path):
    for profile in (PAPER, DROP):
        leaks = pd.read_csv(find_or_draw(tmp_path, target(leaking, profile)).folder / "leaks.csv")
        assert leaks["kind"].value_counts().to_dict() == LEAKS
        assert leaks["train_file"].str.contains("/train/").all() and leaks["test_file"].str.contains("/test/").all()


def test_a_recipe_may_keep_leaks_under_the_strict_profile(leaking, tmp_path):
    for profile in (STRICT, DROP):
        split = find_or_draw(tmp_path, target(leaking, profile, leaks="kept"))
        assert split.info.leaks == LEAKS and split.info.dropped == 0


@pytest.mark.parametrize(("profile", "grouped"), [(STRICT, True), (PAPER, False)])
def test_the_papers_profile_groups_nothing_and_holds_no_validation_out(clean, profile, grouped):
    asked = target(clean, profile, split={"scheme": "holdout"})
    assert asked.split.grouped == asked.split.validated == grouped


def test_patients_are_kept_on_one_side_under_the_strict_profile(phantom_set, tmp_path):
    options = {"set": "phantom:hand", "split": {"test": 0.4, "validation": 0.3}}
    request = TargetRequest("hand", Pool.of(phantom_set.part("hand")), TargetOptions(**options), STRICT)
    table = find_or_draw(tmp_path, request).table()
    assert (table.groupby("patient")["split"].nunique() == 1).all() and table["patient"].nunique() == 12


@pytest.fixture(scope="module")
def tested(clean, tmp_path_factory):
    """The clean target and its split."""
    request = target(clean)
    return request, find_or_draw(tmp_path_factory.mktemp("tested"), request)


@pytest.fixture(scope="module")
def others(tmp_path_factory) -> PreparedSet:
    """Another set: nine images of its own, one of the clean target's training, and one of its test images."""
    own = {f"{label}/{number}_x.png": image(100 + number) for number, label in enumerate("aaaaabbbb")}
    images = {**own, "a/trained_x.png": image(1), "a/tested_x.png": image(6)}
    read = {"reader": "folder", "root": "others"}
    return given(tmp_path_factory.mktemp("others") / "data", images, read, "others")


def test_a_source_that_holds_a_test_image_is_refused_and_names_both_files(others, tested, tmp_path):
    with pytest.raises(RequestError, match="sources.others .* against the targets' test images: 1 leaks") as refused:
        find_or_draw(tmp_path, source(others, [tested]))
    assert "a/tested_x.png and " in str(refused.value) and "test/well/p5_a.png" in str(refused.value)


def test_a_sources_leaks_are_dropped_and_a_targets_training_images_are_none(others, tested, tmp_path):
    split = find_or_draw(tmp_path, source(others, [tested], DROP))
    dropped = split.table().query("split == 'dropped'")
    assert dropped["id"].tolist() == ["a/tested_x.png"] and split.info.dropped == 1
    assert tested[1].table()["split"].value_counts().to_dict() == {"train": 5, "test": 2}


def test_a_source_that_tests_nothing_is_checked_against_nothing(others, tmp_path):
    assert find_or_draw(tmp_path, source(others, [])).info.leaks == {}


def test_the_papers_profile_keeps_what_a_source_shares_and_counts_it(others, tested, tmp_path):
    split = find_or_draw(tmp_path, source(others, [tested], PAPER))
    assert split.info.leaks == {"exact duplicate": 1} and set(split.table()["split"]) == {"train"}


def test_a_source_is_checked_against_the_test_images_of_every_fold(clean, others, tmp_path):
    request = target(clean, split={"scheme": "kfold", "folds": 2, "grouped": False, "validated": False})
    split = find_or_draw(tmp_path, source(others, [(request, find_or_draw(tmp_path, request))], DROP))
    assert set(split.table().query("split == 'dropped'")["id"]) == {"a/trained_x.png", "a/tested_x.png"}


def test_a_source_of_nothing_but_test_images_is_refused(tested, tmp_path):
    read = {"reader": "folder", "root": "same", "labelled": False}
    same = given(tmp_path / "data", {"1.png": image(6), "2.png": image(7)}, read, "same")
    with pytest.raises(RequestError, match=r"sources.others: every image is also among a target's test images"):
        find_or_draw(tmp_path / "work", source(same, [tested], DROP))


def test_a_labelled_source_keeps_every_class_or_is_refused(tested, tmp_path):
    read = {"reader": "folder", "root": "same"}
    images = {"a/1.png": image(6), "a/2.png": image(6), "b/1.png": image(31), "b/2.png": image(32)}
    same = given(tmp_path / "data", images, read, "same")
    with pytest.raises(RequestError, match="no image of class a"):
        find_or_draw(tmp_path / "work", source(same, [tested], DROP, labelled=True, validation=0))


def test_a_tested_patients_images_in_another_part_of_the_set_leak(tmp_path):
    images = {f"hand/{name.partition('/')[2]}": pixels for name, pixels in CLEAN.items()}
    images |= {"knee/well/p5_a.png": image(41), "knee/well/p20_a.png": image(42), "knee/sick/p21_a.png": image(43)}
    read = {"reader": "folder", "root": "given", "pattern": "{body_part}/{label}/{patient}_*"}
    whole = given(tmp_path / "data", images, read, subset_by="body_part")
    request = target(whole.part("hand"), split={"scheme": "kfold", "folds": 2, "validated": False})
    against = [(request, find_or_draw(tmp_path / "work", request))]
    knees = source(whole.part("all-but-hand"), against)
    with pytest.raises(RequestError, match=r"same patient: .*knee/well/p5_a.png and .*hand/well/p5_a.png"):
        find_or_draw(tmp_path / "work", knees)
    dropped = find_or_draw(tmp_path / "work", source(whole.part("all-but-hand"), against, DROP)).table()
    assert dropped.set_index("patient")["split"].to_dict() == {"p5": "dropped", "p20": "train", "p21": "train"}


def test_a_split_on_disk_is_not_drawn_again(tmp_path):
    prepared = given(tmp_path / "data", CLEAN)
    first = find_or_draw(tmp_path / "work", target(prepared))
    # Without its index nothing can be drawn.
    (prepared.folder / "index.csv").unlink()
    again = find_or_draw(tmp_path / "work", target(prepared))
    assert again == first
    with pytest.raises(FileNotFoundError):
        find_or_draw(tmp_path / "elsewhere", target(prepared))


@pytest.mark.parametrize(
    ("module", "threshold", "value"),
    [
        (duplicates, "VERSION", 99),
        (duplicates, "MIN_COMMON", 0.5),
        (evidence, "COPY", evidence.COPY._replace(min_log_odds=99.0)),
        (evidence, "FITTED", "other weights"),
    ],
)
def test_another_threshold_of_near_duplicates_draws_another_split(
    clean, tested, tmp_path, monkeypatch, module, threshold, value
):
    before = [find_or_draw(tmp_path, target(clean)).folder, source(clean, [tested]).key()]
    monkeypatch.setattr(module, threshold, value)
    after = [find_or_draw(tmp_path, target(clean)).folder, source(clean, [tested]).key()]
    assert before[0] != after[0] and before[1] != after[1]


CHANGES = {
    "the profile": {"profile": PAPER},
    "what is done with leaks": {"profile": DROP},
    "that leaks are kept": {"leaks": "kept"},
    "the seed": {"split": {"scheme": "official", "validated": False, "seed": 1}},
    "the order of classes": {"classes": {"sick": ["sick"], "well": ["well"]}},
    "which images": {"where": {"patient": ["!p2"]}},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_splits_name_covers_all_that_decides_it(clean, tmp_path, what):
    asked = {"classes": {"well": ["well"], "sick": ["sick"]}}
    first = find_or_draw(tmp_path, target(clean, **asked))
    assert find_or_draw(tmp_path, target(clean, **{**asked, **CHANGES[what]})).folder != first.folder


def test_label_budgets_and_chains_share_a_split(clean, tmp_path):
    first = find_or_draw(tmp_path, target(clean))
    again = find_or_draw(tmp_path, target(clean, shots=[1], fractions=[1.0], chains=["imagenet"]))
    assert again.folder == first.folder


def test_a_source_is_drawn_anew_when_a_targets_split_changes(others, clean, tested, tmp_path):
    kept = find_or_draw(tmp_path, source(others, [tested], PAPER))
    request = target(clean, where={"patient": ["!p2"]})
    other = find_or_draw(tmp_path, source(others, [(request, find_or_draw(tmp_path, request))], PAPER))
    assert other.folder != kept.folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def turn_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("split.csv", cut),
        ("split.csv", turn_a_bit),
        ("split.csv", Path.unlink),
        ("leaks.csv", cut),
        ("info.json", cut),
    ],
)
def test_a_damaged_split_is_quarantined_and_drawn_again(clean, tmp_path, capsys, name, damage):
    folder = find_or_draw(tmp_path, target(clean)).folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    damage(folder / name)
    again = find_or_draw(tmp_path, target(clean))
    assert again.folder == folder and {path.name: path.read_bytes() for path in folder.iterdir()} == before
    damaged = folder.with_name(f"{folder.name}.damaged")
    assert damaged.is_dir() and f"Quarantined as {damaged.name}" in capsys.readouterr().err


def test_a_folder_that_no_split_finished_is_not_overwritten(clean, tmp_path):
    folder = find_or_draw(tmp_path, target(clean)).folder
    for path in folder.iterdir():
        path.unlink()
    (folder / "split.csv").write_text("somebody's")
    with pytest.raises(RequestError, match="is in the way: it is not a finished split"):
        find_or_draw(tmp_path, target(clean))
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_of_two_who_draw_at_once_the_first_is_believed(clean, tmp_path, monkeypatch):
    draw, first = drawing.draw_target, []

    def overtaken(request, building):
        monkeypatch.setattr(drawing, "draw_target", draw)
        first.append(find_or_draw(tmp_path, target(clean)))  # another process, while this one draws
        return draw(request, building)

    monkeypatch.setattr(drawing, "draw_target", overtaken)
    assert find_or_draw(tmp_path, target(clean)) == first[0]
    assert [path.name for path in tmp_path.iterdir()] == [first[0].folder.name]


def test_patches_of_one_image_never_stand_on_two_sides(tmp_path):
    cut_up = class_folders(tmp_path / "data", "cut", "ab", 6, patches={"size": 20})
    request = target(cut_up, PAPER, split={"scheme": "kfold", "folds": 2})
    split = find_or_draw(tmp_path / "work", request)
    assert split.info.cut and len(split.table()) == 12 * 4
    for fold in range(2):
        assert (split.table(fold).groupby("image")["split"].nunique() == 1).all()
    assert "same picture" not in split.info.leaks
