"""A wrong address stops the start, with the variable's name."""

import pytest

from pipeline.errors import ConfigurationError
from pipeline.live import LiveConnection, LiveSettings


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://host:port/0"])
def test_an_address_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        LiveConnection(LiveSettings(redis_url=url), "test")
