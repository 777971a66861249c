"""The control letters."""

import signal

import pytest

from supervise.protocol import letters


@pytest.mark.parametrize(("letter", "number"), letters.SIGNALS.items())
def test_the_numbers_are_those_of_the_system(letter, number) -> None:
    names = {
        "h": "HUP",
        "i": "INT",
        "q": "QUIT",
        "k": "KILL",
        "1": "USR1",
        "2": "USR2",
        "a": "ALRM",
        "t": "TERM",
        "w": "WINCH",
    }
    assert number == signal.Signals["SIG" + names[letter]]


def test_the_letters_of_daemontools_are_all_there() -> None:
    assert frozenset("udopchaitkx") <= letters.ALL


def test_a_letter_is_one_byte() -> None:
    assert all(len(letter.encode()) == 1 for letter in letters.ALL)
