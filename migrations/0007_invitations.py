"""Invitations to sign up."""

import peewee as pw


def check(condition):
    return [pw.Check(condition)]


def up(migrator, db):
    class Invitation(pw.Model):
        id = pw.BlobField(primary_key=True, constraints=check('length("id") BETWEEN 32 AND 32'))
        label = pw.TextField(constraints=check('length("label") BETWEEN 0 AND 100'))
        uses_left = pw.BigIntegerField(constraints=check('"uses_left" >= 0'))
        created_at = pw.BigIntegerField()
        expires_at = pw.BigIntegerField(index=True)
        admin = pw.BigIntegerField(constraints=check('"admin" IN (0, 1)'))

        class Meta:
            database = db
            legacy_table_names = False
            strict_tables = db.has_sqlite_table_options
            without_rowid = db.has_sqlite_table_options

    db.create_tables([Invitation])
