"""Vestibule on PostgreSQL, at the address in BENCH_POSTGRESQL."""

import os

from . import vestibule

vestibule.SETTINGS["DATABASE_URL"] = os.environ["BENCH_POSTGRESQL"]
create_app = vestibule.create_app
