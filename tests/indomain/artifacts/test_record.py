import pytest

from indomain import files
from indomain.artifacts.record import NAME, RunRecord, read_record

FULL = {
    "title": "finetune: wrist · imagenet",
    "started": "2024-01-02T03:04:05",
    "seconds": 1.5,
    "peak_memory_mb": 900,
    "files": {"log.csv": [12, "ab" * 32]},
    "diverged": "the loss became nan in epoch 1",
}


def test_what_a_stage_reports_stands_apart_from_what_every_run_has(tmp_path):
    files.write_json(tmp_path / NAME, {**FULL, "images": 48, "versions": {"numpy": "2"}})
    assert read_record(tmp_path) == RunRecord(**FULL, facts={"images": 48, "versions": {"numpy": "2"}})


def test_a_training_whose_numbers_are_finite_has_not_diverged(tmp_path):
    files.write_json(tmp_path / NAME, {name: value for name, value in FULL.items() if name != "diverged"})
    record = read_record(tmp_path)
    assert record.diverged is None and record.facts == {}


def test_a_run_that_is_not_finished_has_no_record(tmp_path):
    with pytest.raises(OSError):
        read_record(tmp_path)


def test_a_record_that_is_not_whole_cannot_be_read(tmp_path):
    (tmp_path / NAME).write_text('{"title": "fine')
    with pytest.raises(ValueError):
        read_record(tmp_path)
