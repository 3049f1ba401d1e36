"""What tests of whole recipes share."""

from collections.abc import Iterator

import pytest

from tests.whole.forking import Parent


@pytest.fixture(scope="session")
def forked() -> Iterator[Parent]:
    """Runs commands in processes of their own; only the first pays TensorFlow's import."""
    parent = Parent()
    yield parent
    parent.close()
