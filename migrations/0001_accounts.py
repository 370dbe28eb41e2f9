"""Users, their keys and their sessions."""

from peewee import (
    BigIntegerField,
    BlobField,
    Check,
    CompositeKey,
    ForeignKeyField,
    Model,
    TextField,
)


def up(migrator, db):
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False
            strict_tables = db.own_table_options

    class User(Base):
        id = TextField(primary_key=True, constraints=[Check('length("id") BETWEEN 1 AND 255')])
        username = TextField(constraints=[Check('length("username") BETWEEN 1 AND 31')])
        created_at = BigIntegerField(index=True)
        locked_at = BigIntegerField(null=True)

    class Key(Base):
        provider = TextField(constraints=[Check('length("provider") BETWEEN 1 AND 31')])
        provider_user_id = TextField(
            constraints=[Check('length("provider_user_id") BETWEEN 1 AND 255')]
        )
        user = ForeignKeyField(User, on_delete="CASCADE")
        password_hash = TextField(
            null=True, constraints=[Check('length("password_hash") BETWEEN 0 AND 512')]
        )

        class Meta:
            primary_key = CompositeKey("provider", "provider_user_id")

    class Session(Base):
        id = BlobField(primary_key=True, constraints=[Check('length("id") BETWEEN 32 AND 32')])
        user = ForeignKeyField(User, on_delete="CASCADE")
        created_at = BigIntegerField()
        authenticated_at = BigIntegerField()
        last_seen_at = BigIntegerField()
        active_expires_at = BigIntegerField()
        idle_expires_at = BigIntegerField(index=True)
        ip_address = TextField(constraints=[Check('length("ip_address") BETWEEN 0 AND 45')])
        user_agent = TextField(constraints=[Check('length("user_agent") BETWEEN 0 AND 255')])

        class Meta:
            without_rowid = db.own_table_options

    db.create_tables([User, Key, Session])
