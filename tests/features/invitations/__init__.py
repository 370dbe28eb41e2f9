"""Who may sign up (BEHAVIOUR 11)."""
