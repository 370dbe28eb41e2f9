"""The setting of this feature, as app.py has read it."""

OPEN, APPROVAL, INVITE, CLOSED = MODES = ("open", "approval", "invite", "closed")

SIGNUP = OPEN
