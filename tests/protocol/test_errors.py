"""What the classic programs call an error."""

import errno

import pytest

from supervise.protocol.errors import text


@pytest.mark.parametrize(
    ("number", "classic"),
    [
        (errno.ENOENT, "file does not exist"),
        (errno.EACCES, "access denied"),
        (errno.ENXIO, "device not configured"),
        (errno.ENOTDIR, "not a directory"),
        (errno.EAGAIN, "temporary failure"),
        (errno.EWOULDBLOCK, "temporary failure"),
    ],
)
def test_the_texts_are_those_of_daemontools(number, classic) -> None:
    assert text(OSError(number, "what the system calls it")) == classic


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_every_error_has_a_text_that_fits_into_a_line(number) -> None:
    words = text(OSError(number, ""))
    assert words
    assert "\n" not in words


def test_an_error_without_a_number_has_a_text_too() -> None:
    assert text(OSError("something"))


@pytest.mark.parametrize("number", [99999, -1])
def test_an_unknown_number_has_a_text_too(number) -> None:
    assert text(OSError(number, "?"))
