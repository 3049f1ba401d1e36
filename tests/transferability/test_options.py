import pytest

from indomain.errors import RequestError
from indomain.toml import validated
from transferability.options import Options


def test_nothing_is_measured_by_default():
    assert Options().measures == []


@pytest.mark.parametrize(
    ("given", "message"), [({"top": 0}, "greater than or equal to 1"), ({"measures": ["x"]}, "unknown measure")]
)
def test_a_wrong_value_is_refused(given, message):
    with pytest.raises(RequestError, match=message):
        validated(Options, given, "here")
