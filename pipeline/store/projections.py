"""The projections there are, by the names by which sources ask for them."""

from collections.abc import Mapping

from pipeline.events.source import ProjectionName
from pipeline.store.projection import EVENTS_ONLY, Projection
from pipeline.store.social import SOCIAL

PROJECTIONS: Mapping[ProjectionName, Projection] = {"": EVENTS_ONLY, "social": SOCIAL}
