"""Images named by tables."""

import numpy as np
import pytest

from indomain.data.manifest import Manifest
from indomain.data.readers import Record, csv_table
from indomain.errors import RequestError
from tests.indomain.data.made import image, manifest_of, save

TABLE = {"file": "labels.csv", "images": "images/{image}.png"}


def records(tmp_path, text: str, table: dict | None = None, **read) -> list[Record]:
    """The records of a table with this text."""
    (tmp_path / "labels.csv").write_text(text)
    asked = {"reader": "csv", "tables": [{**TABLE, **(table or {})}], **read}
    return csv_table.read(manifest_of(asked), tmp_path, (16, 16))


def test_columns_name_label_patient_and_split_and_ids_stay_text(tmp_path):
    text = "image,dx,who,part\n007,nevus,01,training\n010, mel ,02,test\n"
    found = records(tmp_path, text, label="dx", patient="who", split="part")
    assert [(one.id, one.label.strip(), one.patient, one.split) for one in found] == [
        ("007", "nevus", "01", "train"),
        ("010", "mel", "02", "test"),
    ]
    assert found[0].file == str(tmp_path / "images/007.png")


ONE_HOT = {"label_columns": ["mel", "bkl"], "otherwise": "nevus"}


def test_one_column_a_class_is_read_whatever_stands_for_one(tmp_path):
    text = "image,mel,bkl\na,1.0,0.0\nb,False, TRUE\nc,0,0\nd,yes,no\n"
    assert [record.label for record in records(tmp_path, text, **ONE_HOT)] == ["mel", "bkl", "nevus", "mel"]


@pytest.mark.parametrize(("row", "more"), [("1,1", ONE_HOT), ("0,0", {"label_columns": ["mel", "bkl"]})])
def test_a_row_of_two_classes_or_none_is_refused_by_its_name(tmp_path, row, more):
    with pytest.raises(RequestError, match="labels.csv: 'a' has [20] classes among mel, bkl; one is needed"):
        records(tmp_path, f"image,mel,bkl\na,{row}\n", **more)


def test_an_unknown_column_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(RequestError, match="labels.csv: unknown column 'whom'. Did you mean 'who'"):
        records(tmp_path, "image,who\na,b\n", patient="whom")


def test_tables_that_number_alike_are_told_apart_by_their_paths(tmp_path):
    tables = []
    for split in ("train", "test"):
        (tmp_path / f"{split}.csv").write_text(f"image,who\n1,{split}p1\n1,{split}p2\n")
        tables.append({"file": f"{split}.csv", "images": split + "/{who}/{image}.png", "split": split})
    asked = manifest_of({"reader": "csv", "patient": "who", "tables": tables})
    found = csv_table.read(asked, tmp_path, (16, 16))
    assert [record.id for record in found] == [
        "train/trainp1/1.png",
        "train/trainp2/1.png",
        "test/testp1/1.png",
        "test/testp2/1.png",
    ]
    assert [record.split for record in found] == ["train", "train", "test", "test"]


def test_a_path_that_names_no_column_is_refused(tmp_path):
    with pytest.raises(RequestError, match="images or masks names 'whom', which is not a column of .*labels.csv"):
        records(tmp_path, "image,who\na,b\n", {"images": "{whom}.png"})


def test_a_table_without_a_line_of_names_gets_them_from_the_manifest(tmp_path):
    found = records(tmp_path, "i1,benign\ni2,malignant\n", {"columns": ["image", "dx"]}, label="dx")
    assert [(record.id, record.label) for record in found] == [("i1", "benign"), ("i2", "malignant")]


def test_a_second_table_adds_its_columns_and_leaves_empty_what_it_does_not_name(tmp_path):
    (tmp_path / "lesions.csv").write_text("image,lesion\ni1,007\ni2,8\n")
    found = records(tmp_path, "image,dx\ni1,a\ni2,b\ni3,a\n", {"join": "lesions.csv"}, label="dx", patient="lesion")
    assert [(record.label, record.patient) for record in found] == [("a", "007"), ("b", "8"), ("a", "")]


def test_a_second_table_with_two_lines_for_an_image_is_refused(tmp_path):
    (tmp_path / "lesions.csv").write_text("image,lesion\ni1,007\ni1,8\n")
    with pytest.raises(RequestError, match="lesions.csv: the image 'i1' is listed twice"):
        records(tmp_path, "image\ni1\n", {"join": "lesions.csv"})


@pytest.mark.parametrize("table", [{"file": "gone.csv"}, {"join": "gone.csv"}])
def test_a_table_that_is_not_there_is_named(tmp_path, table):
    with pytest.raises(RequestError, match="the table gone.csv is not there"):
        records(tmp_path, "image\ni1\n", table)


@pytest.mark.parametrize("text", ["", 'image\n"a'])
def test_what_is_no_table_is_refused(tmp_path, text):
    with pytest.raises(RequestError, match="labels.csv: not a table in UTF-8 with ',' between its cells"):
        records(tmp_path, text)


def exams(top, *names, **more):
    """A table of mammograms with semicolons, whose files are named after the exam and what nobody has written down."""
    for name in names:
        save(top / "exams" / name, image(len(name), (20, 20)))
    (top / "exams/list.csv").write_text("File Name; Bi-Rads\n20;4a\n2[0;1\n")
    options = {"root": "exams", "separator": ";", "image": "File Name", "label": "Bi-Rads", "patient": "file"}
    table = {"file": "list.csv", "images": "{image}_*.png"}
    found = manifest_of(
        {"reader": "csv", **options, "patient_pattern": "^[^_]+_([0-9a-f]+)_", "tables": [table], **more}
    )
    return csv_table.read(found, top, (16, 16))


def test_a_star_stands_for_the_part_of_a_files_name_that_the_table_lacks(tmp_path):
    found = exams(tmp_path, "20_c6f_L.png", "2[0_c70_R.png", "200_f00_L.png")
    assert [(one.id, one.label, one.patient) for one in found] == [("20", "4a", "c6f"), ("2[0", "1", "c70")]
    assert found[0].file == str(tmp_path / "exams/20_c6f_L.png")


def test_a_row_whose_file_is_not_there_is_not_read_and_others_are(tmp_path):
    first, second = exams(tmp_path, "20_c6f_L.png")
    assert first.patient == "c6f" and second.id == "2[0"
    with pytest.raises(ValueError, match=r"there is no file 2\[0_\*.png"):
        second.load()


def test_a_star_for_which_there_are_two_files_is_refused(tmp_path):
    with pytest.raises(RequestError, match="20_.*.png is 2 files: 20_c6f_L.png, 20_c6f_R.png"):
        exams(tmp_path, "20_c6f_L.png", "20_c6f_R.png", "2[0_c70_R.png")


def test_a_star_does_not_look_outside_of_the_data_folder(tmp_path):
    save(tmp_path / "20_secret.png", image(1, (20, 20)))
    with pytest.raises(RequestError, match="is outside the data folder"):
        exams(tmp_path / "data", "20_c6f_L.png", tables=[{"file": "list.csv", "images": "../../{image}_*.png"}])


def test_only_the_star_of_a_path_is_a_pattern(tmp_path):
    table = {"file": "list.csv", "images": "scans [v1]/{image}_*.png", "masks": "masks/{file}"}
    found = exams(
        tmp_path, "scans [v1]/20_c6f_L.png", "scans [v1]/2[0_c70_R.png", tables=[table], patient_pattern="_([0-9a-f]+)_"
    )
    assert [one.patient for one in found] == ["c6f", "c70"]


def test_a_star_inside_of_braces_is_refused(tmp_path):
    with pytest.raises(RequestError, match="images or masks names"):
        exams(tmp_path, "20_c6f_L.png", tables=[{"file": "list.csv", "images": "{image:*>5}.png"}])


def test_a_column_named_image_stays_what_it_is_where_another_names_the_images(tmp_path):
    save(tmp_path / "images/7.png", image(1, (20, 20)))
    (one,) = records(tmp_path, "number,image\n7,p3\n", image="number", patient="image")
    assert one.patient == "p3" and one.file.endswith("images/7.png")


def test_a_table_with_a_column_named_like_what_the_star_finds_is_refused(tmp_path):
    save(tmp_path / "images/7_a.png", image(1, (20, 20)))
    with pytest.raises(RequestError, match="has a column of that name"):
        records(tmp_path, "image,file\n7,x\n", {"images": "images/{image}_*.png"})
    with pytest.raises(RequestError, match="can stand in `images` only"):
        records(tmp_path, "image\n7\n", {"masks": "masks/{image}_*.png"})


def test_the_file_is_no_column_of_a_table_that_names_it_already(tmp_path):
    with pytest.raises(RequestError, match="unknown column 'file'"):
        exams(tmp_path, "20_c6f_L.png", tables=[{"file": "list.csv", "images": "{image}.png"}])


def test_masks_lie_where_the_table_says(tmp_path):
    mask = np.where(image(1) > 127, 255, 0).astype(np.uint8)
    save(tmp_path / "masks/a.png", mask)
    found = records(tmp_path, "image\na\nb\n", {"masks": "masks/{image}.png"})
    assert np.array_equal(found[0].mask(), mask) and found[1].mask is None


def test_further_columns_of_a_table_are_read_and_missing_ones_named(tmp_path):
    save(tmp_path / "scans/a.png", image(1, (20, 20)))
    (tmp_path / "scans/list.csv").write_text("image,label,age\na.png,sick,61\n")
    content = {
        "name": "scans", "title": "Scans", "more": ["age"],
        "read": {"reader": "csv", "root": "scans", "tables": [{"file": "list.csv"}], "label": "label"},
    }  # fmt: skip
    (record,) = csv_table.read(Manifest.model_validate(content), tmp_path, (20, 20))
    assert record.more == {"age": "61"}
    with pytest.raises(RequestError, match=r"unknown column 'sex'.*Known: age, image, label"):
        csv_table.read(Manifest.model_validate({**content, "more": ["sex"]}), tmp_path, (20, 20))
