"""Index the events by session, to tell a browser why its session is over."""


def up(migrator, db):
    migrator.migrate(migrator.add_index("event", ("session",)))
