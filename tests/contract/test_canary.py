"""What keeps canaries apart from events: no source has their format."""

import pytest

from collectors.registry import SOURCES
from pipeline.events.canary import CANARY_FORMAT
from pipeline.events.source import Source


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_no_source_has_events_of_the_format_of_canaries(source: Source) -> None:
    assert CANARY_FORMAT not in source.formats
    assert source.event_format != CANARY_FORMAT
