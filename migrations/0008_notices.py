"""What users have not acknowledged yet."""

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

    class Notice(Base):
        user = pw.ForeignKeyField(User, on_delete="CASCADE", index=False)
        id = pw.BigIntegerField()
        kind = pw.TextField(constraints=length("kind", 1, 31))
        number = pw.BigIntegerField()
        since = pw.BigIntegerField()
        at = pw.BigIntegerField()
        session = pw.TextField(constraints=length("session", 0, 12))
        ip_address = pw.TextField(constraints=length("ip_address", 0, 45))
        user_agent = pw.TextField(constraints=length("user_agent", 0, 255))
        detail = pw.TextField(constraints=length("detail", 0, 255))
        actor = pw.TextField(null=True, constraints=length("actor", 1, 255))
        began = pw.TextField()
        acknowledged_at = pw.BigIntegerField(null=True)

        class Meta:
            primary_key = pw.CompositeKey("user", "id")
            without_rowid = db.has_sqlite_table_options

    db.create_tables([Notice])
