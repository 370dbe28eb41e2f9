"""Recovery codes and reset links. Only hashes: a copy of the database opens nothing."""

from peewee import BigIntegerField, BlobField, ForeignKeyField

from models import MODELS, BaseModel, User, between


class RecoveryCode(BaseModel):
    """A code that was not used yet; see codes.hash_code."""

    id = BlobField(primary_key=True, constraints=[between("id", 32, 32)])
    user = ForeignKeyField(User, backref="recovery_codes", on_delete="CASCADE")
    created_at = BigIntegerField()

    class Meta:
        without_rowid = True


class ResetLink(BaseModel):
    """A link that was not used yet. The id is the SHA-256 of its token; a user has one at most."""

    id = BlobField(primary_key=True, constraints=[between("id", 32, 32)])
    user = ForeignKeyField(User, backref="reset_links", unique=True, on_delete="CASCADE")
    created_at = BigIntegerField()
    expires_at = BigIntegerField(index=True)

    class Meta:
        without_rowid = True


MODELS += [RecoveryCode, ResetLink]
