"""The pages, and what stands between them and the domain."""
