"""The table of answers."""

from peewee import BigIntegerField, BlobField, TextField

from models import MODELS, BaseModel, between


class Answer(BaseModel):
    """What a form led to, kept for minutes in case it is sent again. The id is a keyed hash of what
    was sent. session: the id of the one that the sender then had, None if logged out.
    """

    id = BlobField(primary_key=True, constraints=[between("id", 32, 32)])
    at = BigIntegerField(index=True)
    session = BlobField(null=True, constraints=[between("session", 32, 32)])
    user_id: str  # not a column: the owner of that session, see answers.find
    content = TextField(null=True, constraints=[between("content", 0, 16383)])

    class Meta:
        without_rowid = True


MODELS.append(Answer)
