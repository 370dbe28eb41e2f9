"""Find the event that tells a browser why its session is over."""


def up(migrator, db):
    migrator.migrate(migrator.add_index("event", ("session",)))
