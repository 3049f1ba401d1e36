"""Files of hospitals: every transfer syntax that can be made here, frames by the stated rule, and a way out for the others."""

import importlib.util

import gdcm
import numpy as np
import pydicom
import pytest
from pydicom import uid

from indomain.data.images import dicom
from indomain.data.images.decoding import decode, frames, is_grey
from indomain.data.images.values import UnreadableImage
from tests.indomain.data.images.test_decoding import RAMP, write_dicom

SMOOTH = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint16) * 9


def compressed(path, syntax):
    """The same file with its pixels compressed by GDCM."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    packed = path.with_name("packed.dcm")
    writer.SetFileName(str(packed))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return packed


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        (gdcm.TransferSyntax.JPEGLosslessProcess14_1, uid.JPEGLosslessSV1),
        (gdcm.TransferSyntax.JPEGLosslessProcess14, uid.JPEGLossless),
        (gdcm.TransferSyntax.JPEGLSLossless, uid.JPEGLSLossless),
        (gdcm.TransferSyntax.JPEG2000Lossless, uid.JPEG2000Lossless),
        (gdcm.TransferSyntax.RLELossless, uid.RLELossless),
    ],
)
@pytest.mark.parametrize("pixels", [SMOOTH, (SMOOTH // 4).astype(np.uint8)])
def test_what_is_compressed_without_loss_is_read_to_the_same_values(tmp_path, syntax, name, pixels):
    plain = write_dicom(tmp_path / "plain.dcm", pixels)
    packed = compressed(plain, syntax)
    assert pydicom.dcmread(packed).file_meta.TransferSyntaxUID == name
    np.testing.assert_array_equal(decode(packed), decode(plain))


def test_a_deflated_file_is_read(tmp_path):
    dataset = pydicom.dcmread(write_dicom(tmp_path / "plain.dcm", RAMP))
    dataset.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "deflated.dcm")
    np.testing.assert_array_equal(decode(tmp_path / "deflated.dcm"), RAMP)


def test_without_gdcm_the_syntax_and_the_way_out_are_named(tmp_path, monkeypatch):
    packed = compressed(write_dicom(tmp_path / "plain.dcm", SMOOTH), gdcm.TransferSyntax.JPEGLSLossless)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "gdcm" else found(name, *more))
    monkeypatch.setattr(
        "pydicom.pixels.pixel_array", lambda *arguments, **named: (_ for _ in ()).throw(RuntimeError("no plugin"))
    )
    with pytest.raises(
        UnreadableImage, match=r"JPEG-LS Lossless.*1.2.840.10008.1.2.4.80.*indomain-pretraining\[dicom\]"
    ):
        decode(packed)


def test_a_compressed_file_that_is_cut_off_says_its_syntax(tmp_path):
    packed = compressed(write_dicom(tmp_path / "plain.dcm", SMOOTH), gdcm.TransferSyntax.JPEGLosslessProcess14_1)
    dataset = pydicom.dcmread(packed)
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xc3 torn"])
    dataset.save_as(packed)
    with pytest.raises(UnreadableImage, match=r"JPEG Lossless.*1.2.840.10008.1.2.4.70"):
        decode(packed)


@pytest.fixture
def loop(tmp_path):
    """Three frames, each a grey value brighter."""
    path = write_dicom(tmp_path / "loop.dcm", RAMP, NumberOfFrames=3)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = np.stack([RAMP // 2 + number for number in range(3)]).astype(np.uint8).tobytes()
    dataset.save_as(path)
    return path


@pytest.mark.parametrize(("which", "numbers"), [("first", [0]), ("middle", [1]), ("all", [0, 1, 2])])
def test_frames_are_chosen_by_the_rule(loop, which, numbers):
    found = [np.asarray(image) for image in frames(loop, which)]
    assert len(found) == len(numbers) and is_grey(loop)
    for image, number in zip(found, numbers):
        np.testing.assert_array_equal(image, RAMP // 2 + number)


def test_only_the_frames_asked_for_are_counted_and_unpacked(loop, monkeypatch):
    monkeypatch.setattr("indomain.data.images.values.MAX_PIXELS", RAMP.size * 2)
    assert len(dicom.frames(loop, "first")) == 1
    with pytest.raises(UnreadableImage, match="144 pixels; at most 96 are unpacked"):
        dicom.frames(loop, "all")


def test_a_file_without_pixels_is_named(tmp_path):
    dataset = pydicom.dcmread(write_dicom(tmp_path / "a.dcm", RAMP))
    del dataset.PixelData
    dataset.save_as(tmp_path / "report.dcm")
    with pytest.raises(UnreadableImage, match="without pixels"):
        decode(tmp_path / "report.dcm")
