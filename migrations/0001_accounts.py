"""Users, their keys and their sessions."""

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
        id = pw.TextField(primary_key=True, constraints=length("id", 1, 255))
        username = pw.TextField(constraints=length("username", 1, 31))
        created_at = pw.BigIntegerField(index=True)
        locked_at = pw.BigIntegerField(null=True)

    class Key(Base):
        provider = pw.TextField(constraints=length("provider", 1, 31))
        provider_user_id = pw.TextField(constraints=length("provider_user_id", 1, 255))
        user = pw.ForeignKeyField(User, on_delete="CASCADE")
        password_hash = pw.TextField(null=True, constraints=length("password_hash", 0, 512))

        class Meta:
            primary_key = pw.CompositeKey("provider", "provider_user_id")

    class Session(Base):
        id = pw.BlobField(primary_key=True, constraints=length("id", 32, 32))
        user = pw.ForeignKeyField(User, on_delete="CASCADE")
        created_at = pw.BigIntegerField()
        authenticated_at = pw.BigIntegerField()
        last_seen_at = pw.BigIntegerField()
        active_expires_at = pw.BigIntegerField()
        idle_expires_at = pw.BigIntegerField(index=True)
        ip_address = pw.TextField(constraints=length("ip_address", 0, 45))
        user_agent = pw.TextField(constraints=length("user_agent", 0, 255))

        class Meta:
            without_rowid = db.has_sqlite_table_options

    db.create_tables([User, Key, Session])
