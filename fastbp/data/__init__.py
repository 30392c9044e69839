"""Rows as users have them, and the validation of arguments."""
