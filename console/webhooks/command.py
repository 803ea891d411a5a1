"""The commands: list, verify, sign."""

import shlex
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import BinaryIO

import click
import msgspec

from console.context import Context
from console.dead_letters_rendering import printable
from console.webhooks.contents import Contents, contents_of
from console.webhooks.diagnosis import Diagnosis, diagnose
from console.webhooks.doors import Door, all_doors
from console.webhooks.headers import headers_of
from console.webhooks.signing import CannotSign, sign
from pipeline.events.values import iso_moment
from pipeline.events.webhook import WebhookRequest

_SHOWN_REJECTIONS = 5

_json_option = click.option(
    "--json", "json_wanted", is_flag=True, help="One JSON document on standard output."
)
_provider_option = click.option(
    "--provider", required=True, help="facebook, tiktok, tiktok-shop, or the name of another sender."
)


class Listed(msgspec.Struct, frozen=True):
    """One line of the list."""

    path: str
    source: str
    configured: bool
    secrets: int
    variable: str
    missing: list[str]


class Verified(msgspec.Struct, frozen=True):
    """What `verify --json` writes."""

    provider: str
    diagnosis: Diagnosis
    contents: Contents | None


@click.group()
def webhooks() -> None:
    """Who may deliver, and why a signature is refused: list, verify, sign."""


@webhooks.command("list")
@_json_option
@click.pass_obj
def list_doors(context: Context, *, json_wanted: bool) -> None:
    """Every door for webhooks, and whether it is configured. Secrets are counted, never shown."""
    listed = [_listed(door) for door in all_doors(context)]
    if json_wanted:
        click.echo(msgspec.json.format(msgspec.json.encode(listed)))
        return
    width = max(len(each.path) for each in listed)
    for each in listed:
        known = f"{each.secrets} in {each.variable}" if each.secrets else ""
        missing = f"without a value: {', '.join(each.missing)}" if each.missing else ""
        state = "configured" if each.configured else "not configured"
        told = "; ".join(filter(None, (known, missing)))
        click.echo(f"{each.path:<{width}}  {state:<14}  {told}")


def _listed(door: Door) -> Listed:
    secrets, variable = len(door.secrets), door.secrets_variable
    return Listed(door.path, door.source.name, door.is_configured, secrets, variable, door.missing)


@webhooks.command()
@_provider_option
@click.option("--header", "-H", "headers", multiple=True, help="'Name: value' as it came; one each.")
@click.option("--body", "body_file", type=click.File("rb"), default="-", help="A file; else standard input.")
@click.option("--received-at", metavar="TIME", help="ISO 8601: judged as at that time, not as now.")
@_json_option
@click.pass_obj
def verify(
    context: Context,
    *,
    provider: str,
    headers: Sequence[str],
    body_file: BinaryIO,
    received_at: str | None,
    json_wanted: bool,
) -> None:
    """Judges one delivery as the gateway would and says why. Its body must be the bytes as they came.

    Exit status: 0 when it is valid, 1 when it is refused, 2 when called wrongly.
    """
    doors = list(all_doors(context))
    door = _door(doors, provider)
    found, twice = headers_of([_header(each) for each in headers])
    now = datetime.now(UTC) if received_at is None else _moment(received_at)
    request = WebhookRequest(door.sender, found, body_file.read(), now)
    diagnosis = diagnose(door, request, twice, doors)
    contents = contents_of(door, request) if diagnosis.valid else None
    if json_wanted:
        click.echo(msgspec.json.format(msgspec.json.encode(Verified(provider, diagnosis, contents))))
    else:
        _show(diagnosis, contents)
    sys.exit(0 if diagnosis.valid else 1)


@webhooks.command("sign")
@_provider_option
@click.option(
    "--secret", "number", type=click.IntRange(min=1), default=1, help="Which of several, from 1 on."
)
@click.argument("body_path", metavar="BODY", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.pass_obj
def sign_body(context: Context, *, provider: str, number: int, body_path: str) -> None:
    """Writes a curl command that delivers the file BODY, signed as the provider would sign it now.

    For trying out: pipe it to sh. With - the body is read from standard input, and curl will read it there again.
    """
    door = _door(list(all_doors(context)), provider)
    with click.open_file(body_path, "rb") as file:
        body: bytes = file.read()
    now = int(time.time())
    try:
        signed = sign(door, body, now, number)
    except CannotSign as error:
        raise click.ClickException(str(error)) from None
    request = WebhookRequest(door.sender, headers_of(list(signed.items()))[0], body, datetime.now(UTC))
    if (refusal := door.webhook.verify(door.credentials, request)) is not None:
        raise click.ClickException(f"the gateway would refuse it: {refusal}")
    url = context.console.gateway_url[0].rstrip("/") + door.path
    headers = {"Content-Type": "application/json", **signed}
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    click.echo(shlex.join(["curl", "-sS", "-i", url, *options, "--data-binary", f"@{body_path}"]))


def _door(doors: Sequence[Door], provider: str) -> Door:
    door = next((door for door in doors if door.sender == provider), None)
    if door is None:
        known = ", ".join(door.sender for door in doors)
        raise click.UsageError(
            f"--provider: there is no {printable(provider)}; known are {known}. Other senders get a name "
            "in WEBHOOK_SECRETS."
        )
    return door


def _header(written: str) -> tuple[str, str]:
    name, colon, value = written.partition(":")
    if not colon or not name.strip():
        raise click.UsageError("--header: expected 'Name: value'")
    return name.strip(), value.strip(" \t\r\n")


def _moment(written: str) -> datetime:
    moment = iso_moment(written)
    if moment is None:
        raise click.UsageError("--received-at: expected a time in ISO 8601, such as 2026-05-14T12:00:00Z")
    return moment


def _show(diagnosis: Diagnosis, contents: Contents | None) -> None:
    click.echo(f"{'valid' if diagnosis.valid else 'refused'}: {diagnosis.finding}")
    for hint in diagnosis.hints:
        click.echo(f"  - {hint}")
    if contents is None:
        return
    for event_type, count in contents.event_types.items():
        click.echo(f"  {count:,} {event_type}")
    if not contents.event_types and not contents.rejected:
        click.echo("  It holds no update.")
    for rejection in contents.rejected[:_SHOWN_REJECTIONS]:
        detail = printable(f"{rejection.reason} at {rejection.path}: {rejection.detail}")
        click.echo(f"  1 would become a dead letter: {detail}")
    if len(contents.rejected) > _SHOWN_REJECTIONS:
        click.echo(f"  and {len(contents.rejected) - _SHOWN_REJECTIONS:,} more of them")
