"""What happened to accounts, and how many tries somebody has had."""

from peewee import (
    BigAutoField,
    BigIntegerField,
    BlobField,
    Check,
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
        id = TextField(primary_key=True)

    class Event(Base):
        id = BigAutoField()
        at = BigIntegerField(index=True)
        kind = TextField(constraints=[Check('length("kind") BETWEEN 1 AND 31')])
        user = ForeignKeyField(User, null=True, on_delete="CASCADE", index=False)
        session = TextField(constraints=[Check('length("session") BETWEEN 0 AND 12')])
        ip_address = TextField(constraints=[Check('length("ip_address") BETWEEN 0 AND 45')])
        user_agent = TextField(constraints=[Check('length("user_agent") BETWEEN 0 AND 255')])
        detail = TextField(constraints=[Check('length("detail") BETWEEN 0 AND 255')])

        class Meta:
            indexes = ((("user", "at"), False),)

    class Counter(Base):
        id = BlobField(primary_key=True, constraints=[Check('length("id") BETWEEN 16 AND 16')])
        count = BigIntegerField()
        expires_at = BigIntegerField(index=True)

        class Meta:
            without_rowid = db.own_table_options

    db.create_tables([Event, Counter])
