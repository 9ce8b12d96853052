"""What is wrong with a page: where, what."""

from __future__ import annotations


class Wrong(Exception):
    """A page that says what is not so: a command that fails, an option that is not there, a link that leads nowhere."""
