"""What of each table may be shown, by the names of tables and their columns.

A column that is not here is masked: nothing of it leaves the database, and no one can sort or
filter by it, which would tell what it holds. So a new column is safe until it is listed.
"""

HANDLE, SET = "handle", "set"  # the first bytes of an id; whether there is anything

PLAIN: dict[str, tuple[str, ...]] = {
    "user": ("id", "username", "created_at", "locked_at", "admin_since", "waiting_since",
             "notices"),
    "key": ("provider", "provider_user_id", "user_id"),
    "session": ("user_id", "created_at", "authenticated_at", "last_seen_at", "active_expires_at",
                "idle_expires_at", "ip_address", "user_agent"),
    "event": ("id", "at", "kind", "user_id", "session", "ip_address", "user_agent", "detail",
              "actor"),
    "counter": ("count", "expires_at"),
    "answer": ("at",),
    "invitation": ("label", "uses_left", "created_at", "expires_at", "admin"),
    "notice": ("user_id", "id", "kind", "number", "since", "at", "session", "ip_address",
               "user_agent", "detail", "began", "acknowledged_at", "actor"),
    "recovery_code": ("user_id", "created_at"),
    "reset_link": ("user_id", "created_at", "expires_at"),
}  # fmt: skip
IN_PART: dict[str, dict[str, str]] = {
    "key": {"password_hash": SET},
    "session": {"id": HANDLE},
    "answer": {"session": HANDLE, "content": SET},
    "invitation": {"id": HANDLE},
}
