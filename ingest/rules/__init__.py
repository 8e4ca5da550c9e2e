"""Checks that turn canonical features into findings."""
