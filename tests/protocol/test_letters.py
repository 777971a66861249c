"""The control letters."""

from supervise.protocol import letters


def test_the_letters_of_daemontools_are_all_there() -> None:
    assert frozenset("udopchaitkx") <= letters.ALL


def test_a_letter_is_one_byte() -> None:
    assert all(len(letter.encode()) == 1 for letter in letters.ALL)
