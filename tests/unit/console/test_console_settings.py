"""Where the console finds everything."""

import click
import pytest

from console.context import Context
from console.settings import ConsoleSettings
from console.status.services import services_of


def test_collectors_by_source_several_of_one() -> None:
    urls = ("facebook=http://a:1", "tiktok=http://b:2/", "facebook=http://c:3")

    assert ConsoleSettings(collector_urls=urls).collectors() == {
        "facebook": ["http://a:1", "http://c:3"],
        "tiktok": ["http://b:2"],
    }


@pytest.mark.parametrize("wrong", ["facebook", "=http://a:1", "facebook=a:1"])
def test_an_address_that_is_none_is_refused_by_the_variables_name(wrong: str) -> None:
    with pytest.raises(click.ClickException, match="COLLECTOR_URLS") as refused:
        _ = Context({"COLLECTOR_URLS": wrong}).console
    assert refused.value.exit_code == 2


def test_every_service_with_an_address_is_asked() -> None:
    context = Context({"GATEWAY_URL": "http://g1:1,http://g2:1", "COLLECTOR_URLS": "facebook=http://a:1"})

    names = [(each.name, each.address, each.source) for each in services_of(context.console)]

    assert names == [
        ("gateway", "http://g1:1", ""),
        ("gateway", "http://g2:1", ""),
        ("facebook-collector", "http://a:1", "facebook"),
        ("reporter", "http://127.0.0.1:3004", ""),
    ]
