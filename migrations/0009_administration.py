"""Find locked, waiting and admin users, and what admins did, among millions."""

import peewee as pw


def up(migrator, db):
    class User(pw.Model):
        id = pw.TextField(primary_key=True)
        created_at = pw.BigIntegerField()
        locked_at = pw.BigIntegerField(null=True)
        waiting_since = pw.BigIntegerField(null=True)
        admin_since = pw.BigIntegerField(null=True)

        class Meta:
            database = db
            legacy_table_names = False

    class Event(pw.Model):
        at = pw.BigIntegerField()
        actor = pw.TextField(null=True)

        class Meta:
            database = db
            legacy_table_names = False

    migrator.migrate(
        migrator.drop_index("user", "user_created_at"),
        migrator.add_index("user", ("created_at", "id")),
    )
    for rare in (User.locked_at, User.waiting_since, User.admin_since):
        columns = User.created_at, User.id
        db.execute(User.index(*columns, where=rare.is_null(False), name=f"user_{rare.name}"))
    db.execute(Event.index(Event.at, where=Event.actor.is_null(False), name="event_actor"))
