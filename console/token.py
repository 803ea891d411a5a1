"""`sluice token`: a token for trying things out."""

import re
from collections.abc import Sequence

import click

from console.context import Context, WrongSetting
from pipeline.chassis.tokens import TokenSettings, mint
from pipeline.errors import ConfigurationError

_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_MAX_USER_LENGTH = 128
_MAX_TTL_SECONDS = 366 * 86_400


def _ttl(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    match = _DURATION.fullmatch(text.strip().lower())
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= _MAX_TTL_SECONDS:
        raise click.BadParameter(f"{text!r}: write 90, 15m, 1h or 7d; at most a year")
    return seconds


def _user(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    if not 0 < len(text) <= _MAX_USER_LENGTH:
        raise click.BadParameter(f"1 to {_MAX_USER_LENGTH} characters")
    return text


def _scopes(_context: click.Context, _parameter: click.Parameter, texts: Sequence[str]) -> list[str]:
    return [scope for text in texts for scope in text.split()]


@click.command()
@click.option("--user", required=True, callback=_user, help="The user that it speaks for, such as u-17.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    callback=_scopes,
    help="What it allows besides, such as events:write:any. May be given several times.",
)
@click.option(
    "--ttl", default="1h", callback=_ttl, show_default=True, help="How long it is valid: 90, 15m, 1h, 7d."
)
@click.pass_obj
def token(context: Context, *, user: str, scopes: Sequence[str], ttl: int) -> None:
    """Signs a token with the first of JWT_SECRET, for trying things out. Only the token is on standard output.

    curl -H "Authorization: Bearer $(./sluice token --user u-17)" ...

    In production the tokens of your users come from your own login, signed with a key that Sluice only verifies.
    """
    try:
        minted = mint(context.load(TokenSettings), user, scopes, ttl)
    except ConfigurationError as error:
        raise WrongSetting(str(error)) from None
    click.echo("This token is for trying things out: whoever has it is that user until it expires.", err=True)
    click.echo(minted)
