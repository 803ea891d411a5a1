"""`schema.prisma` says of the database what the migrations make of it."""

import re

from console.doctor.datamodel import differences
from ops.local import database, prisma_cli
from ops.local.binaries import ROOT

_SCHEMA = ROOT / "prisma" / "schema.prisma"
_PARTIAL = {"@@index([campaignId])"}
"""In the schema for readers: Prisma does not read partial indexes from a database."""


def test_a_migrated_database_is_what_the_schema_says(migrated_template: str) -> None:
    pulled = prisma_cli.run(
        *("db", "pull", "--print", "--config", str(database.CONFIG)),
        extra={"DATABASE_URL": migrated_template},
    )

    assert list(differences(_SCHEMA.read_text(), pulled)) == []
    assert indexes(_SCHEMA.read_text()) - _PARTIAL == indexes(pulled)


def indexes(schema: str) -> set[str]:
    """The indexes of all models, as Prisma writes them."""
    return set(re.findall(r"^  (@@(?:index|unique)\(.*\))$", schema, re.MULTILINE))
