"""`./sluice` (`python -m console`): looks after a running Sluice."""

import os

import click

from console.backup.command import backup, restore
from console.context import Context
from console.counters import counters
from console.dead_letters import dead_letters
from console.doctor.command import doctor
from console.logs import log_to_stderr
from console.production.command import production
from console.status.command import status
from console.streams import streams
from console.token import token
from console.webhooks.command import webhooks


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def sluice() -> None:
    """Looks after a running Sluice."""
    log_to_stderr()


sluice.add_command(backup)
sluice.add_command(counters)
sluice.add_command(dead_letters)
sluice.add_command(doctor)
sluice.add_command(production)
sluice.add_command(restore)
sluice.add_command(status)
sluice.add_command(streams)
sluice.add_command(token)
sluice.add_command(webhooks)


if __name__ == "__main__":
    sluice(obj=Context(os.environ))
