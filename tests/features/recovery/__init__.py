"""A way back for those who lost their password (BEHAVIOUR 9)."""
