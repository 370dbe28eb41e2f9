"""What an installation of the tutorial (Lucia v2, Prisma) holds: data/lucia-prisma-dev.json."""

import json
from pathlib import Path

FIXTURE = json.loads((Path(__file__).parent / "data/lucia-prisma-dev.json").read_text())
USERS = FIXTURE["users"]
V2_HASH = USERS[0]["keys"][0]["hashed_password"]
V2_PASSWORD = USERS[0]["password"]
