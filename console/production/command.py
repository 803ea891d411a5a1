"""`sluice production`: what compose.prod.yml asks before anything starts."""

from pathlib import Path

import click

from console.context import Context
from console.production import certificates, secrets


@click.group()
def production() -> None:
    """Before a start in production: check, secrets."""


@production.command("check")
@click.option(
    "--certificates", "folder", default="certs", show_default=True, help="The folder of certificates."
)
@click.pass_obj
def check_command(context: Context, *, folder: str) -> None:
    """Ends with status 1 when a secret is missing, short, guessable or used twice, or a certificate does not fit.

    It shows names of variables and files, and never what is in them.
    """
    found = [*secrets.faults(context.environ), *certificates.faults(Path(folder))]
    for fault in found:
        click.echo(fault, err=True)
    if found:
        raise click.ClickException(f"{len(found)} faults: nothing starts before they are mended")
    click.echo(f"{len(secrets.SECRETS)} secrets and the certificates in {folder} are good")


@production.command("secrets")
def secrets_command() -> None:
    """New values for all secrets, as lines of an .env file: sluice production secrets > .env && chmod 600 .env"""
    for name, value in secrets.fresh():
        click.echo(f"{name}={value}")
