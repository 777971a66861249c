"""svc --wait: send letters and return when what they ask for has happened."""

import os

from supervise.commands import plain, svc
from supervise.commands.goals import asked_by
from supervise.commands.seconds import seconds_of
from supervise.commands.waiting import Waiting
from supervise.protocol import client


def run(option: bytes, letters: bytes, directories: list[bytes]) -> int:
    """`option` is `--wait` or `--wait=SECONDS`."""
    if not directories:
        return plain.refuse("svc", "no directory given")
    _, given, text = os.fsdecode(option).partition("=")
    try:
        seconds = seconds_of(text) if given else None
    except ValueError as error:
        return plain.refuse("svc", str(error))
    waiting = Waiting(b"svc")
    for directory in directories:
        _send(waiting, directory, letters)
    return waiting.run(seconds)


def _send(waiting: Waiting, directory: bytes, letters: bytes) -> None:
    try:
        control = client.open_control(directory)
    except OSError as error:
        waiting.fail(directory, error)
        svc.warn(directory, error)
        return
    target = waiting.add(directory, asked_by(letters.decode()))
    if target is None:
        os.close(control)
        return
    waiting.deliver(target, control)
    svc.send(directory, control, letters)
