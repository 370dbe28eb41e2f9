"""The pages of the hall, and their forms."""
