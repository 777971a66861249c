"""The file `begun`, by which a program shows that it has begun."""

import os

from supervise.engine.checked import FLAGS, UnusableError, lacks_room
from supervise.engine.directory import SuperviseDirectory
from supervise.engine.posix_spawn import FileAction


def file_actions(supervise: SuperviseDirectory, spare: int) -> list[FileAction]:
    """A successor that finds neither its pid nor the process must know whether it has run.

    To be asked for before the intent is recorded, and to be done last: opening our pipes fails
    where we are killed meanwhile, and it never runs.

    :param spare: a number that the new process has no use for.
    :raises OSError, NoRoomError: for want of memory or of descriptors. Where there can be no
        such file at all, it goes without.
    """
    try:
        path = supervise.reset_begun()
    except (OSError, UnusableError) as error:
        if lacks_room(error):
            raise
        return []
    flags = os.O_WRONLY | os.O_TRUNC | FLAGS
    return [(os.POSIX_SPAWN_OPEN, spare, path, flags, 0), (os.POSIX_SPAWN_CLOSE, spare)]
