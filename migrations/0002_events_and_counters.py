"""The record of what happened to accounts, and the counters of tries."""

import peewee as pw


def length(column, least, most):
    return [pw.Check(f'length("{column}") BETWEEN {least} AND {most}')]


def up(migrator, db):
    class Base(pw.Model):
        class Meta:
            database = db
            legacy_table_names = False
            strict_tables = db.has_sqlite_table_options

    class User(Base):
        id = pw.TextField(primary_key=True)

    class Event(Base):
        id = pw.BigAutoField()
        at = pw.BigIntegerField(index=True)
        kind = pw.TextField(constraints=length("kind", 1, 31))
        user = pw.ForeignKeyField(User, null=True, on_delete="CASCADE", index=False)
        session = pw.TextField(constraints=length("session", 0, 12))
        ip_address = pw.TextField(constraints=length("ip_address", 0, 45))
        user_agent = pw.TextField(constraints=length("user_agent", 0, 255))
        detail = pw.TextField(constraints=length("detail", 0, 255))

        class Meta:
            indexes = ((("user", "at"), False),)

    class Counter(Base):
        id = pw.BlobField(primary_key=True, constraints=length("id", 16, 16))
        count = pw.BigIntegerField()
        expires_at = pw.BigIntegerField(index=True)

        class Meta:
            without_rowid = db.has_sqlite_table_options

    db.create_tables([Event, Counter])
