"""What forms led to, for those who send them again."""

import peewee as pw


def length(column, least, most):
    return [pw.Check(f'length("{column}") BETWEEN {least} AND {most}')]


def up(migrator, db):
    class Answer(pw.Model):
        id = pw.BlobField(primary_key=True, constraints=length("id", 32, 32))
        at = pw.BigIntegerField(index=True)
        session = pw.BlobField(null=True, constraints=length("session", 32, 32))
        content = pw.TextField(null=True, constraints=length("content", 0, 16383))

        class Meta:
            database = db
            legacy_table_names = False
            strict_tables = db.has_sqlite_table_options
            without_rowid = db.has_sqlite_table_options

    db.create_tables([Answer])
