"""Where a service is."""

import os
from typing import NamedTuple

from supervise.engine.checked import Identity, unable
from supervise.engine.messages import legible


class Place(NamedTuple):
    """A service directory: where it is, what it is called in messages, and its identity."""

    path: bytes
    name: bytes
    device: int
    inode: int

    @property
    def identity(self) -> Identity:
        return self.device, self.inode

    def normally_up(self) -> bool:
        """Whether there is no `down` file.

        :raises UnusableError: where that cannot be seen.
        """
        try:
            os.stat(self.path + b"/down")
        except FileNotFoundError:
            return True
        except OSError as error:
            raise unable("stat", legible(self.name) + "/down", error) from None
        return False
