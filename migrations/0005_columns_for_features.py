"""What features keep in the hall's tables."""

import peewee as pw


def up(migrator, db):
    actor = pw.TextField(null=True, constraints=[pw.Check('length("actor") BETWEEN 1 AND 255')])
    notices = pw.BigIntegerField(constraints=[pw.SQL("DEFAULT 0")])
    migrator.migrate(
        migrator.add_column("user", "admin_since", pw.BigIntegerField(null=True)),
        migrator.add_column("user", "waiting_since", pw.BigIntegerField(null=True)),
        migrator.add_column("user", "notices", notices, allow_not_null=True),
        migrator.add_column("event", "actor", actor),
    )
