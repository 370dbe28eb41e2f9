"""Recovery codes and reset links."""

import peewee as pw


def up(migrator, db):
    class Base(pw.Model):
        class Meta:
            database = db
            legacy_table_names = False
            strict_tables = db.has_sqlite_table_options

    class User(Base):
        id = pw.TextField(primary_key=True)

    class RecoveryCode(Base):
        id = pw.BlobField(
            primary_key=True, constraints=[pw.Check('length("id") BETWEEN 32 AND 32')]
        )
        user = pw.ForeignKeyField(User, on_delete="CASCADE")
        created_at = pw.BigIntegerField()

        class Meta:
            without_rowid = db.has_sqlite_table_options

    class ResetLink(Base):
        id = pw.BlobField(
            primary_key=True, constraints=[pw.Check('length("id") BETWEEN 32 AND 32')]
        )
        user = pw.ForeignKeyField(User, unique=True, on_delete="CASCADE")
        created_at = pw.BigIntegerField()
        expires_at = pw.BigIntegerField(index=True)

        class Meta:
            without_rowid = db.has_sqlite_table_options

    db.create_tables([RecoveryCode, ResetLink])
