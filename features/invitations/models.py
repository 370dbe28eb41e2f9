"""The table of this feature."""

from peewee import BigIntegerField, BlobField, Check, TextField

from models import HANDLE_BYTES, MODELS, BaseModel, between

LABEL_MAX = 100


class Invitation(BaseModel):
    """Lets people sign up. The id is the SHA-256 of the token in its address, which is shown once:
    neither a row nor a copy of the database opens anything.
    """

    id = BlobField(primary_key=True, constraints=[between("id", 32, 32)])
    label = TextField(constraints=[between("label", 0, LABEL_MAX)])
    uses_left = BigIntegerField(constraints=[Check('"uses_left" >= 0')])
    created_at = BigIntegerField()
    expires_at = BigIntegerField(index=True)
    admin = BigIntegerField(constraints=[Check('"admin" IN (0, 1)')])  # of the account it makes

    class Meta:
        without_rowid = True

    @property
    def handle(self) -> str:
        """How operators name this invitation: 12 hex digits, which let no one in."""
        return bytes(self.id)[:HANDLE_BYTES].hex()


MODELS.append(Invitation)
