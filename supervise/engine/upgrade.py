"""Upgrade in place: we become what our program file is now, and let go of nothing.

An exec: the same process, so children stay children. All that is open for the services stays open,
and all signals stay blocked until the new code serves them. The new code is tried before, in a
process of its own, while we go on.
"""

import os
import signal
from collections.abc import Callable

from supervise.core.situation import NEVER
from supervise.engine.heir import VARIABLE
from supervise.engine.host import Host, now
from supervise.engine.loop import Alarm
from supervise.engine.trial import PATIENCE, Trial, memory
from supervise.protocol import handover
from supervise.protocol.handover import Handover


class Upgrade:
    """:param command: absolute path of the program file, and the arguments.
    :param hand_over: what the new code needs to go on.
    :param last: called before the exec.
    """

    def __init__(
        self,
        host: Host,
        command: list[bytes],
        hand_over: Callable[[], Handover],
        last: Callable[[], None],
    ) -> None:
        self._host = host
        self._command = command
        self._program = os.fsdecode(os.path.basename(command[0]))
        self._hand_over = hand_over
        self._last = last
        self._trial: Trial | None = None
        self._late = Alarm(self._too_late)
        self._tried = Alarm(self._become)
        self._called_off = False

    def begin(self) -> None:
        """Try the new code; what is asked again meanwhile is the same."""
        if self._trial is not None or self._tried.when != NEVER:
            return
        data = handover.pack(self._hand_over())
        try:
            self._trial = Trial(self._host, self._command, data, self._ended)
        except OSError as error:
            self._refuse(Trial.explain(self._command[0], error))
            return
        self._host.loop.set(self._late, now() + PATIENCE)

    def call_off(self) -> None:
        """The end has been asked for: there is nothing left to go on with."""
        self._called_off = True

    def _too_late(self) -> None:
        if self._trial is not None:
            self._trial.kill()

    def _ended(self, trouble: str) -> None:
        self._trial = None
        self._host.loop.set(self._late, NEVER)
        if trouble:
            self._refuse(trouble)
        elif not self._called_off:
            # Not from here: we may be called in the midst of what a service is told.
            self._host.loop.set(self._tried, now())

    def _become(self) -> None:
        if self._called_off:
            return
        self._host.spawner.wait_for_outcomes()
        self._last()
        data = handover.pack(self._hand_over())
        inherited = [fd for _, fd in handover.descriptors(data)]
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._exec(data, inherited)
        except OSError as error:
            for fd in inherited:
                os.set_inheritable(fd, False)
            self._refuse(Trial.explain(self._command[0], error))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _exec(self, data: bytes, inherited: list[int]) -> None:
        fd = memory(data)
        try:
            for one in inherited:
                os.set_inheritable(one, True)
            os.set_inheritable(fd, True)
            os.execve(
                self._command[0], self._command, os.environb | {VARIABLE.encode(): b"%d" % fd}
            )
        finally:
            os.close(fd)

    def _refuse(self, why: str) -> None:
        self._host.say(self._program, f"warning: not upgraded, the old version goes on: {why}")
