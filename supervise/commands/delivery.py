"""Letters on their way: whether the supervisor has served what was written to its control FIFO.

Once the FIFO is empty the letters were read, but maybe not served yet. So a newline follows, which
every supervisor of this family ignores: when that has been read too, the letters before it have
been served, because a supervisor serves what it has read before it reads on.
"""

import fcntl
import os
import sys
import termios

_FENCE = b"\n"


class Delivery:
    """Holds a descriptor on the control FIFO until the letters in it are served."""

    def __init__(self, control: int) -> None:
        self._control = control
        self._fenced = False

    @property
    def closed(self) -> bool:
        return self._control < 0

    def over(self) -> bool:
        """Whether the letters are served; to be asked again after each reading of the FIFO."""
        if self.closed:
            return True
        if self._unread():
            return False
        if not self._fenced:
            self._fenced = True
            os.write(self._control, _FENCE)
            if self._unread():
                return False
        self.close()
        return True

    def _unread(self) -> int:
        return int.from_bytes(fcntl.ioctl(self._control, termios.FIONREAD, bytes(4)), sys.byteorder)

    def close(self) -> None:
        if self._control >= 0:
            os.close(self._control)
        self._control = -1
