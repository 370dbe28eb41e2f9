"""What a user has not acknowledged yet."""

from peewee import BigIntegerField, CompositeKey, ForeignKeyField, TextField

from models import MODELS, BaseModel, User, between


class Notice(BaseModel):
    """A happening, as its event says; user.notices is how many are not acknowledged. id: counts up
    for each user, whose row is locked meanwhile: a higher one is never seen before a lower one. The
    highest stays, acknowledged or not: an id that came back would be acknowledged by a page that
    never showed it. number: of failed log-ins; since: the first of them, at: the last. began: when
    the sessions that caused it began, since their handles change; blanks between.
    """

    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    id = BigIntegerField()
    kind = TextField(constraints=[between("kind", 1, 31)])
    number = BigIntegerField()
    since = BigIntegerField()
    at = BigIntegerField()
    session = TextField(constraints=[between("session", 0, 12)])
    ip_address = TextField(constraints=[between("ip_address", 0, 45)])
    user_agent = TextField(constraints=[between("user_agent", 0, 255)])
    detail = TextField(constraints=[between("detail", 0, 255)])
    actor = TextField(null=True, constraints=[between("actor", 1, 255)])
    began = TextField()  # no bound: a failure here would keep a failed log-in out of the events
    acknowledged_at = BigIntegerField(null=True)

    class Meta:
        primary_key = CompositeKey("user", "id")
        without_rowid = True


MODELS.append(Notice)
