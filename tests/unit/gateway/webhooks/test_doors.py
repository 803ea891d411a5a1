"""Which senders there can be."""

import pytest

from collectors.registry import SOURCES
from gateway.webhooks.doors import Doors
from pipeline.chassis.settings import load_settings
from pipeline.errors import ConfigurationError

[ANY_SENDER] = [webhook for source in SOURCES.values() for webhook in source.webhooks if webhook.any_sender]
SECRET = "a-token-of-at-least-twenty-four-characters"


def doors(*senders: str) -> Doors:
    secrets = ",".join(f"{sender}:{SECRET}" for sender in senders)
    return Doors(
        SOURCES, {ANY_SENDER.name: load_settings(ANY_SENDER.credentials, {"WEBHOOK_SECRETS": secrets})}
    )


def test_a_sender_is_found_by_its_name_and_a_provider_by_its_own() -> None:
    found = doors("shop").find("shop")
    assert found is not None
    assert found.knows("shop")
    provider = doors("shop").find("facebook")
    assert provider is not None
    assert provider.name == "facebook"


@pytest.mark.parametrize("name", ["facebook", "tiktok", "tiktok-shop"])
def test_a_sender_with_the_name_of_a_provider_stops_the_start(name: str) -> None:
    """Its secret would never be asked for: the provider's own door has that path."""
    with pytest.raises(ConfigurationError, match=f"^WEBHOOK_SECRETS: '{name}'"):
        doors("shop", name)
