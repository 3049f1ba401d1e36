import imagehash
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from indomain.data.images import decoding, hashing, resizing

RAMP = np.linspace(0, 255, 48).astype(np.uint8).reshape(6, 8)


def write_dicom(path, pixels, **tags):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, int(pixels.dtype.kind == "i")
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_lossless_8_bit_formats_keep_every_grey_value(tmp_path, suffix):
    Image.fromarray(RAMP).save(tmp_path / f"a.{suffix}")
    assert np.array_equal(decoding.decode(tmp_path / f"a.{suffix}"), RAMP)
    assert decoding.is_grey(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_files_use_their_own_range(tmp_path, suffix):
    deep = RAMP.astype(np.uint16) * 16  # twelve bits, as most detectors have
    Image.fromarray(deep).save(tmp_path / f"deep.{suffix}")
    decoded = decoding.decode(tmp_path / f"deep.{suffix}")
    assert decoded.dtype == np.uint8 and np.array_equal(decoded, RAMP)


def test_jpeg_grey_rgb_and_cmyk(tmp_path):
    colour = np.zeros((16, 16, 3), np.uint8)
    colour[..., 0] = 200
    Image.fromarray(colour[..., 0]).save(tmp_path / "grey.jpg")
    Image.fromarray(colour).save(tmp_path / "rgb.jpg", quality=95)
    Image.fromarray(colour).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    assert decoding.decode(tmp_path / "grey.jpg").shape == (16, 16)
    for name in ("rgb.jpg", "cmyk.jpg"):
        picture = decoding.decode(tmp_path / name)
        assert picture.shape == (16, 16, 3) and abs(int(picture[8, 8, 0]) - 200) < 12 and picture[8, 8, 1] < 12


def test_exif_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # turned a quarter clockwise
    Image.fromarray(RAMP).save(tmp_path / "turned.jpg", exif=exif)
    assert decoding.decode(tmp_path / "turned.jpg").shape == (8, 6)


def test_transparency_lies_on_white_and_palettes_become_colours(tmp_path):
    clear = np.zeros((4, 4, 4), np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert (decoding.decode(tmp_path / "clear.png") == 255).all()
    Image.fromarray(np.dstack([RAMP] * 3)).convert("P").save(tmp_path / "palette.png")
    assert decoding.decode(tmp_path / "palette.png").shape == (6, 8, 3)


def test_dicom_rescale_and_window(tmp_path):
    values = np.array([[-1000, -150], [50, 250]], np.int16)
    stored = write_dicom(
        tmp_path / "ct.dcm", values - 24, RescaleSlope=1, RescaleIntercept=24, WindowCenter=50, WindowWidth=400
    )
    picture = decoding.decode(stored)
    assert picture[0, 0] == 0 and picture[1, 1] == 255 and abs(int(picture[1, 0]) - 128) <= 1


def test_dicom_without_window_uses_the_pictures_own_range(tmp_path):
    picture = decoding.decode(write_dicom(tmp_path / "a.dcm", np.array([[100, 200], [300, 1100]], np.uint16)))
    assert picture.tolist() == [[0, 26], [51, 255]]


def test_dicom_monochrome1_is_inverted(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", RAMP, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(decoding.decode(path), 255 - RAMP)


def test_a_file_that_is_no_picture_says_why(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:1500])
    reasons = {"a.png": "known format", "empty.png": "empty", "cut.jpg": "truncated", "none.png": "No such file"}
    for name, reason in reasons.items():
        with pytest.raises(decoding.UnreadableImage, match=reason):
            decoding.decode(tmp_path / name)


def test_resize_keeps_the_aspect_ratio_by_the_stated_rule():
    wide = np.full((10, 20), 200, np.uint8)
    padded = resizing.resize(wide, (20, 20), "pad")
    assert padded.shape == (20, 20) and (padded[:5] == 0).all() and (padded[5:15] == 200).all()
    assert (resizing.resize(wide, (20, 20), "crop") == 200).all()
    assert (resizing.resize(wide, (8, 4), "stretch") == 200).all()


def test_grey_and_colour_become_one_another():
    grey = RAMP[None]
    assert resizing.to_channels(grey, 3).shape == (1, 6, 8, 3)
    assert np.array_equal(resizing.to_channels(resizing.to_channels(grey, 3), 1)[..., 0], grey)
    colour = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    expected = np.stack([np.asarray(Image.fromarray(picture).convert("L")) for picture in colour])
    assert np.array_equal(resizing.to_channels(colour, 1)[..., 0], expected)


def test_dicom_with_an_empty_window_uses_the_pictures_own_range(tmp_path):
    deep = np.array([[0, 1000], [2000, 4000]], np.uint16)
    for tags in ({"WindowCenter": None, "WindowWidth": None}, {"WindowCenter": 40}):
        assert decoding.decode(write_dicom(tmp_path / "a.dcm", deep, **tags)).tolist() == [[0, 64], [128, 255]]


def test_dicom_in_colour_keeps_its_colours(tmp_path):
    from pydicom.pixels import convert_color_space

    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 250
    stored = convert_color_space(red, "RGB", "YBR_FULL")
    path = write_dicom(tmp_path / "a.dcm", stored[..., 0])
    dataset = pydicom.dcmread(path)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "YBR_FULL", 0
    dataset.PixelData = stored.tobytes()
    dataset.save_as(path)
    picture = decoding.decode(path)
    assert abs(int(picture[0, 0, 0]) - 250) < 5 and picture[0, 0, 1:].max() < 5


def test_perceptual_hashes_are_those_of_imagehash():
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, shape, np.uint8) for shape in ((32, 32, 3), (32, 32), (32, 32, 3))]
    assert hashing.perceptual_hashes(pictures) == [str(imagehash.phash(Image.fromarray(p))) for p in pictures]
