"""What our older self has handed to us at an upgrade in place, until each has taken its own."""

import os

from supervise.engine.checked import Identity
from supervise.protocol import handover
from supervise.protocol.handover import HandedEntry, HandedService, Handover

VARIABLE = "SUPERVISE_HANDOVER"
"""The descriptor of the hand-over, in the environment of the new program."""


class Heir:
    """:param data: the hand-over; empty at any other start.

    :ivar upgraded: whether this is one, whatever can be made of it.
    :ivar trouble: why nothing can be made of it: then we go on from disk, as at any start.
    """

    def __init__(self, data: bytes = b"") -> None:
        self.upgraded = bool(data)
        self.trouble = ""
        self._unclaimed = dict.fromkeys(fd for _, fd in handover.descriptors(data))
        for fd in self._unclaimed:
            os.set_inheritable(fd, False)
        self._handed = Handover()
        if self.upgraded:
            try:
                self._handed = handover.unpack(data)
            except ValueError as error:
                self.trouble = str(error)
                self._release_locks(data)
        self._services = {
            (one.record.device, one.record.inode): one for one in self._handed.services
        }

    @property
    def home(self) -> bytes:
        """The scan directory; empty where there is none."""
        return self._handed.home

    @property
    def limit(self) -> int:
        """The soft limit of descriptors that our first self was started with; 0: not known."""
        return self._handed.limit

    @property
    def entries(self) -> tuple[HandedEntry, ...]:
        return self._handed.entries

    def claim_lock(self) -> int:
        """That of the scan directory, once; -1: none."""
        fd, self._handed = self._handed.lock_fd, self._handed._replace(lock_fd=-1)
        return self._claim(fd)

    def claim_pipe(self, entry: HandedEntry) -> int:
        """Its log FIFO; -1: none."""
        return self._claim(entry.pipe_fd)

    def claim(self, identity: Identity) -> HandedService | None:
        """What was handed over of this service, once."""
        found = self._services.pop(identity, None)
        if found is not None:
            for name, value in found._asdict().items():
                if name.endswith("_fd"):
                    self._claim(value)
        return found

    def _claim(self, fd: int) -> int:
        self._unclaimed.pop(fd, None)
        return fd

    def _release_locks(self, data: bytes) -> None:
        """Else we would wait for ourselves. What else is open stays so until it was opened anew,
        so that no letter and no line is lost."""
        for name, fd in handover.descriptors(data):
            if name == "lock_fd":
                os.close(self._claim(fd))

    def close(self) -> None:
        """All that can be taken over is. What nobody has claimed is let go."""
        for fd in self._unclaimed:
            os.close(fd)
        self._unclaimed.clear()
        self._services.clear()
        self._handed = Handover()
