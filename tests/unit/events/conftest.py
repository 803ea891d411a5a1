"""How long an example takes says nothing on a machine that others use, too: no deadline for hypothesis."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
