"""What a set is, in sentences: sizes from headers, modality where the files say it, and what could not be read."""

from collections import Counter
from functools import partial

import numpy as np
import pandas as pd
import pydicom

from advice import fingerprint
from indomain.data.dataset import open_dataset
from indomain.data.pool import Pool
from indomain.data.readers import Record


def record(path):
    return Record(path.name, str(path), partial(np.zeros, (20, 30), np.uint8), partial(bool, True))


def test_modalities_are_those_of_the_headers(tmp_path):
    for number, modality in enumerate(["CR", "CR", "CT"]):
        dataset = pydicom.Dataset()
        dataset.Modality = modality
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        dataset.save_as(tmp_path / f"{number}.dcm", enforce_file_format=False)
    records = [record(tmp_path / f"{number}.dcm") for number in range(3)]
    assert fingerprint.modalities(records) == Counter({"CR": 2, "CT": 1})


def test_the_sentences_name_patients_classes_and_what_is_suspicious(phantom_set):
    dataset = open_dataset(Pool.of(phantom_set.part("wrist")))
    torn = pd.DataFrame({"file": ["x.png"], "reason": ["torn"]})
    said = " ".join(fingerprint.sentences(dataset, torn, [(32, 32), (64, 80)], Counter({"CR": 9, "CT": 1}), 5000))
    for words in (
        "12 patients",
        "normal",
        "drawn at random from 5,000",
        "32 to 64 pixels, grey",
        "CR 9, CT 1",
        "Several modalities",
        "x.png: torn",
    ):
        assert words in said, words


def test_the_gate_is_asked_about_copies(phantom_set):
    dataset = open_dataset(Pool.of(phantom_set.part("wrist")))
    assert fingerprint.of_gate(dataset) == [
        "The gate found no copies, no contradicting labels and no patient in two official splits."
    ]
