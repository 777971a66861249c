"""Numbers of seconds on the command line."""

LONGEST = 1e6
"""Eleven days, which is less than what poll can wait in one go."""


def seconds_of(text: str) -> float:
    """:raises ValueError: where the text is no number of seconds, with a line for the user."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"not a number of seconds: {text or 'nothing'}")
    return seconds
