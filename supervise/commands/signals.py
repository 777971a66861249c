"""Names of signals."""

import signal


def name_of(number: int) -> str:
    """SIGKILL, SIGRTMIN+3, or SIG99 for one that this system does not know."""
    try:
        return signal.Signals(number).name
    except ValueError:
        pass
    if signal.SIGRTMIN < number < signal.SIGRTMAX:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
    return f"SIG{number}"
