"""What a client does with a service directory."""

import os
from pathlib import Path

import pytest

from supervise.protocol import client


def test_to_try_to_enter_needs_neither_our_directory_nor_a_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what is wrong with these would be said of the service directory."""

    def refuse(path: bytes, flags: int) -> int:
        raise PermissionError(13, "not from here")

    monkeypatch.setattr(os, "open", refuse)
    client.enter(bytes(tmp_path))


def test_what_cannot_be_entered(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    for name, kind in ((b"file", NotADirectoryError), (b"none", FileNotFoundError)):
        with pytest.raises(kind):
            client.enter(bytes(tmp_path) + b"/" + name)
    with pytest.raises(FileNotFoundError):
        client.enter(b"")
    with pytest.raises(OSError, match="symbolic links"):
        client.enter(bytes(tmp_path) + b"/circle")
