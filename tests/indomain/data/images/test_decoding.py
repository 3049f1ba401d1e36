"""Any medical or ordinary image becomes uint8, grey or RGB."""

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from indomain.data.images import decoding

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


def test_jpeg_files_are_read_in_grey_rgb_and_cmyk(tmp_path):
    colour = np.zeros((16, 16, 3), np.uint8)
    colour[..., 0] = 200
    Image.fromarray(colour[..., 0]).save(tmp_path / "grey.jpg")
    Image.fromarray(colour).save(tmp_path / "rgb.jpg", quality=95)
    Image.fromarray(colour).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    assert decoding.decode(tmp_path / "grey.jpg").shape == (16, 16)
    for name in ("rgb.jpg", "cmyk.jpg"):
        pixels = decoding.decode(tmp_path / name)
        assert pixels.shape == (16, 16, 3) and abs(int(pixels[8, 8, 0]) - 200) < 12 and pixels[8, 8, 1] < 12


def test_exif_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # turned a quarter clockwise
    Image.fromarray(RAMP).save(tmp_path / "turned.jpg", exif=exif)
    assert decoding.decode(tmp_path / "turned.jpg").shape == (8, 6)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_on_white(tmp_path, mode):
    Image.new(mode, (4, 4)).save(tmp_path / "clear.png")
    clear = decoding.decode(tmp_path / "clear.png")
    assert (clear == 255).all() and clear.shape == ((4, 4) if mode == "LA" else (4, 4, 3))


def test_palettes_become_colours(tmp_path):
    Image.fromarray(np.dstack([RAMP] * 3)).convert("P").save(tmp_path / "palette.png")
    assert decoding.decode(tmp_path / "palette.png").shape == (6, 8, 3)


def test_a_dicoms_own_rescaling_and_window_are_applied(tmp_path):
    values = np.array([[-1000, -150], [50, 250]], np.int16)
    stored = write_dicom(
        tmp_path / "ct.dcm", values - 24, RescaleSlope=1, RescaleIntercept=24, WindowCenter=50, WindowWidth=400
    )
    pixels = decoding.decode(stored)
    assert pixels[0, 0] == 0 and pixels[1, 1] == 255 and abs(int(pixels[1, 0]) - 128) <= 1


def test_a_dicom_without_a_window_uses_the_images_own_range(tmp_path):
    pixels = decoding.decode(write_dicom(tmp_path / "a.dcm", np.array([[100, 200], [300, 1100]], np.uint16)))
    assert pixels.tolist() == [[0, 26], [51, 255]]


def test_monochrome1_is_inverted(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", RAMP, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(decoding.decode(path), 255 - RAMP)


@pytest.fixture
def broken(tmp_path):
    """Files that are no images, by the reason."""
    (tmp_path / "a.png").write_bytes(b"no image")
    (tmp_path / "empty.png").write_bytes(b"")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:1500])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a.png", "known format"), ("empty.png", "empty"), ("cut.jpg", "truncated"), ("none.png", "No such file")],
)
def test_a_file_that_is_no_image_says_why(broken, name, reason):
    with pytest.raises(decoding.UnreadableImage, match=reason):
        decoding.decode(broken / name)


@pytest.mark.parametrize("tags", [{"WindowCenter": None, "WindowWidth": None}, {"WindowCenter": 40}])
def test_a_dicom_with_half_a_window_uses_the_images_own_range(tmp_path, tags):
    deep = np.array([[0, 1000], [2000, 4000]], np.uint16)
    assert decoding.decode(write_dicom(tmp_path / "a.dcm", deep, **tags)).tolist() == [[0, 64], [128, 255]]


def test_a_dicom_in_colour_keeps_its_colours(tmp_path):
    from pydicom.pixels import convert_color_space

    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 250
    stored = convert_color_space(red, "RGB", "YBR_FULL")
    path = write_dicom(tmp_path / "a.dcm", stored[..., 0])
    dataset = pydicom.dcmread(path)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "YBR_FULL", 0
    dataset.PixelData = stored.tobytes()
    dataset.save_as(path)
    pixels = decoding.decode(path)
    assert abs(int(pixels[0, 0, 0]) - 250) < 5 and pixels[0, 0, 1:].max() < 5


def test_of_several_pages_or_frames_the_first_is_taken(tmp_path):
    pages = [Image.fromarray(RAMP + shift) for shift in (0, 1)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    frames = np.stack([RAMP, RAMP[::-1]])
    path = write_dicom(tmp_path / "frames.dcm", RAMP, NumberOfFrames=2)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = frames.tobytes()
    dataset.save_as(path)
    for name in ("pages.tif", "frames.dcm"):
        assert np.array_equal(decoding.decode(tmp_path / name), RAMP), name


def test_whether_a_file_is_grey_is_told_from_its_header(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "whole.png")
    (tmp_path / "grey.png").write_bytes((tmp_path / "whole.png").read_bytes()[:48])
    Image.fromarray(np.dstack([RAMP] * 3)).save(tmp_path / "colour.jpg")
    assert decoding.is_grey(tmp_path / "grey.png") and not decoding.is_grey(tmp_path / "colour.jpg")
    assert decoding.is_grey(write_dicom(tmp_path / "a.dcm", RAMP))
    with pytest.raises(decoding.UnreadableImage, match="No such file"):
        decoding.is_grey(tmp_path / "gone.png")


def test_a_jpeg_may_be_read_at_a_fraction_of_its_size_but_no_smaller_than_asked(tmp_path):
    Image.new("L", (640, 480)).save(tmp_path / "a.jpg")
    assert decoding.read(tmp_path / "a.jpg").size == (640, 480)
    assert decoding.read(tmp_path / "a.jpg", at_least=100).size == (160, 120)
    assert decoding.read(tmp_path / "a.jpg", at_least=200).size == (320, 240)


def test_a_deep_image_of_one_value_is_black_and_values_that_are_no_numbers_are_the_lowest(tmp_path):
    Image.fromarray(np.full((4, 4), 700, np.uint16)).save(tmp_path / "flat.png")
    assert not decoding.decode(tmp_path / "flat.png").any()
    Image.fromarray(np.array([[np.nan, 1], [2, 3]], np.float32)).save(tmp_path / "nan.tif")
    assert decoding.decode(tmp_path / "nan.tif").tolist() == [[0, 0], [128, 255]]
    Image.fromarray(np.full((2, 2), np.nan, np.float32)).save(tmp_path / "nothing.tif")
    with pytest.raises(decoding.UnreadableImage, match="no finite pixel value"):
        decoding.decode(tmp_path / "nothing.tif")
