"""Capabilities that can be taken out, each in a folder of its own."""
