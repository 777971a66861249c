"""A client that asks through the virtual address, whether it is answered or not."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

from acceptance.inside.namespaces import enter, namespace

VIRTUAL_ADDRESS = "192.168.0.151"
EVERY = 0.05  # seconds from one request to the next
PATIENCE = 1.0  # seconds after which a request has failed
NAMESPACE = "client"


class Answer(NamedTuple):
    begin: float
    end: float
    body: str  # empty: it failed


def ask() -> str:
    """What one request is answered, or nothing."""
    try:
        with socket.create_connection((VIRTUAL_ADDRESS, 80), PATIENCE) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            whole = b"".join(iter(lambda: connection.recv(4096), b""))
    except OSError:
        return ""
    return whole.rpartition(b"\r\n\r\n")[2].decode().strip()


def ask_times(count: int) -> list[str]:
    """The answers to so many requests, one after the other."""
    with namespace(NAMESPACE):
        return [ask() for _ in range(count)]


class Client:
    """Asks every 50 ms until it is stopped; none waits for the one before."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(64, initializer=enter, initargs=(NAMESPACE,))
        self._clock = threading.Thread(target=self._ask_on)
        self._clock.start()

    def stop(self) -> None:
        self._stop.set()
        self._clock.join()
        self._pool.shutdown()

    def served_for(self, seconds: float) -> bool:
        """Every request of the last so many seconds that is through was answered."""
        since = time.monotonic() - seconds
        recent = [answer for answer in list(self.answers) if answer.end >= since]
        return bool(recent) and all(each.body and each.begin >= since - 0.5 for each in recent)

    def failed(self) -> int:
        return sum(not answer.body for answer in self.answers)

    def longest_gap(self) -> float:
        """Seconds between two answers, at most."""
        ends = sorted(answer.end for answer in self.answers if answer.body)
        return max((later - earlier for earlier, later in pairwise(ends)), default=0.0)

    def _ask_on(self) -> None:
        following = time.monotonic()
        while not self._stop.is_set():
            self._pool.submit(self._ask_once)
            following += EVERY
            self._stop.wait(max(0.0, following - time.monotonic()))

    def _ask_once(self) -> None:
        begin = time.monotonic()
        body = ask()
        self.answers.append(Answer(begin, time.monotonic(), body))
