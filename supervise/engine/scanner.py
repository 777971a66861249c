"""The scan directory: which names in it are services, and what becomes of those that are not."""

import contextlib
import gc
import os
import stat
from collections.abc import Callable

from supervise.core.situation import NEVER
from supervise.engine import admission, checked
from supervise.engine.candidates import Candidates
from supervise.engine.caution import Caution
from supervise.engine.checked import BusyError, Identity, UnusableError
from supervise.engine.entry import Entry
from supervise.engine.host import Host, now
from supervise.engine.loop import Alarm
from supervise.engine.messages import legible
from supervise.engine.own_list import OwnList
from supervise.engine.place import Place
from supervise.engine.unlinked import Unlinked
from supervise.engine.ways import Ways
from supervise.protocol.errors import text
from supervise.protocol.handover import HandedEntry

_AFRESH = 1.0
"""Seconds until a service that was given up is taken up afresh, where its link is still there."""

_TIDY = 2.0
"""Seconds after the end of a service until what is left of it in memory is looked for. It has
cycles, and Python by itself would look only after hundreds more."""


class Scanner:
    """:param home: absolute path of the scan directory.
    :param changed: called when a service has come or gone.
    """

    def __init__(self, host: Host, home: bytes, changed: Callable[[], None]) -> None:
        self._host = host
        self._home = home
        self._changed = changed
        self._own = OwnList(home)
        self._candidates = Candidates(host, home, self._own, self.look, self._refound)
        self._caution = Caution(host, home, self._refuse)
        self._ways = Ways(host.notices, home, self.look, self._refound)
        self._tidy = Alarm(_collect)
        self._own_told = self._closed = False
        self._named: dict[bytes, Entry] = {}  # to which a name led when it was looked at last
        self.entries: dict[Identity, Entry] = {}
        self._unlinked = Unlinked(
            host, self._own, self._candidates, self._caution, self.entries, self._gone
        )

    def begin(self) -> None:
        """The first scan: what is there is complete."""
        self._scan(self.look)

    def resume(self) -> None:
        """In place of the first scan: go on with what our older self supervised. What has come
        since may still be filled, and is looked at with the next scan."""
        for handed in self._host.heir.entries:
            self._resume(handed)

    def move_in(self) -> None:
        """Into the scan directory, or another one at its place: that has no list of its own yet.
        Nothing is written there before."""
        self._own.begin((identity, one.place.path) for identity, one in self.entries.items())
        self._host.handling.open(self._own.handling, self._host.heir.upgraded)

    def move_out(self) -> None:
        """What is there now is not ours."""
        self._own.end()

    def _resume(self, handed: HandedEntry) -> None:
        place = Place(handed.path, handed.name, handed.device, handed.inode)
        entry = Entry(self._host, place, self._gone)
        self._attempt(handed.name, lambda: self._enter(entry, lambda: entry.resume(handed)))

    def scan(self) -> None:
        """Another one: what is new may still be filled."""
        self._ways.begin()
        self._scan(lambda name: (self.look if name in self._candidates else self.appeared)(name))

    def _scan(self, look: Callable[[bytes], None]) -> None:
        """Look at every name, then at what was supervised without a name any more."""
        try:
            names = os.listdir(self._home)
        except OSError as error:
            self._host.say("svscan", f"warning: unable to read directory: {text(error)}")
            return
        for name in sorted(names):
            if not self._candidates.is_filling(name):
                look(name)
        self._candidates.drop_others(names)
        for name in self._named.keys() - set(names):
            self._out_of_sight(name)
        for entry in list(self.entries.values()):
            if self._named.get(entry.place.name) is not entry:
                self._look_whether_removed(entry)
        self._unlinked.look()
        if self._own.trouble and not self._own_told:
            self._own_told = True
            self._host.say("svscan", f"warning: unable to write .svscan: {self._own.trouble}")

    def look(self, name: bytes) -> None:
        """Take up what this name stands for, if it is a service and not taken up yet."""
        if self._closed or name.startswith(b"."):
            return
        self._caution.look(name, lambda: self._look(name))

    def _look(self, name: bytes) -> None:
        self._ways.follow(name)
        try:
            found = os.stat(self._path(name))
        except OSError as error:
            self._out_of_sight(name)
            if os.path.lexists(self._path(name)):
                self._candidates.unseen(name, error)
            else:
                self._candidates.drop(name)
            return
        if stat.S_ISDIR(found.st_mode):
            self._admit(name, found)
        else:
            self._candidates.refuse(name, f"{legible(name)} is not a directory")

    def appeared(self, name: bytes) -> None:
        """As `look`, but a directory of its own, not a link, may still be filled."""
        if name.startswith(b".") or self._candidates.is_filling(name):
            return
        self._caution.look(name, lambda: self._appeared(name))

    def _appeared(self, name: bytes) -> None:
        if os.path.islink(self._path(name)):
            self.look(name)
        else:
            self._fill(name)

    def _refound(self, name: bytes) -> None:
        """A directory has appeared behind a link: as one that appears here."""
        if not self._closed:
            self._caution.look(name, lambda: self._fill(name))

    def _fill(self, name: bytes) -> None:
        path = self._path(name)
        if not os.path.isdir(path) or checked.identity_at(path) in self.entries:
            self.look(name)
            return
        self._ways.follow(name)
        try:
            self._candidates.fill(name, lambda: self._filled(name))
        except OSError:
            self.look(name)

    def _filled(self, name: bytes) -> None:
        self._candidates.drop(name)
        self.look(name)

    def vanished(self, name: bytes) -> None:
        """A service goes on without its link, as 0.76, until `svc -dx`."""
        if not os.path.lexists(self._path(name)):
            self._out_of_sight(name)
            self._candidates.drop(name)
            self._ways.forget(name)

    def _path(self, name: bytes) -> bytes:
        return self._home + b"/" + name

    # Taking up

    def _admit(self, name: bytes, found: os.stat_result) -> None:
        identity = checked.identity(found)
        entry = self.entries.get(identity)
        if self._named.get(name) is not entry:
            self._out_of_sight(name)
        if entry is not None:
            self._named[name] = entry
            self._follow(entry, name)
        if entry is not None and entry.complete:
            self._candidates.drop(name)
            return
        self._attempt(name, lambda: self._take_up(name, found))

    def _take_up(self, name: bytes, found: os.stat_result) -> None:
        identity = checked.identity(found)
        self._host.admission.check("svscan", legible(name), found)
        admission.check_room(legible(name))
        entry = self.entries.get(identity)
        if entry is None:
            place = Place(checked.real_path(self._path(name)), name, *identity)
            entry = Entry(self._host, place, self._gone)
        self._enter(entry, entry.take_up)

    def _attempt(self, name: bytes, take_up: Callable[[], None]) -> None:
        """What fails is told, and tried again."""
        try:
            take_up()
        except BusyError as error:
            self._candidates.wait(name, error, lambda: self.look(name))
        except UnusableError as error:
            self._candidates.refuse(name, str(error))
        except OSError as error:
            self._candidates.refuse(name, f"unable to supervise {legible(name)}: {text(error)}")
        except Exception as error:
            self._candidates.refuse(
                name, f"unable to supervise {legible(name)}: supervisor fault: {error!r}"
            )
        else:
            self._candidates.drop(name)

    def _enter(self, entry: Entry, take_up: Callable[[], None]) -> None:
        """Of an entry, one of the two may be supervised where the other one cannot be."""
        try:
            take_up()
        finally:
            if entry.empty:
                entry.close()
            else:
                self.entries[entry.place.identity] = self._named[entry.place.name] = entry
                self._own.add(entry.place.identity, entry.place.path)
                self._changed()

    def _follow(self, entry: Entry, name: bytes) -> None:
        """A service directory may be moved, or its link renamed, while it is supervised."""
        with contextlib.suppress(OSError):
            place = entry.place._replace(path=checked.real_path(self._path(name)), name=name)
            renamed = checked.identity_at(self._path(entry.place.name)) != place.identity
            if place != entry.place and (renamed or entry.place.name == name):
                entry.follow(place)
                self._own.add(place.identity, place.path)

    def _refuse(self, name: bytes, why: str) -> None:
        """For now: what the name stands for is not to be looked at."""
        if b"/" in name:
            self._unlinked.refuse(name, why)
        else:
            self._candidates.refuse(name, why)

    # The end of a service

    def _out_of_sight(self, name: bytes) -> None:
        """No name leads to what went by this one: it may have been removed, and live on."""
        entry = self._named.pop(name, None)
        if entry is not None:
            self._look_whether_removed(entry)

    def _look_whether_removed(self, entry: Entry) -> None:
        self._caution.look(entry.place.path, entry.end_if_removed)

    def _gone(self, entry: Entry) -> None:
        """Its supervision, or its logger's, has ended. Where all is taken down, the list is left as
        it is: the records tell the next svscan what has ended, and most will be there again."""
        identity = entry.place.identity
        if entry.empty and self.entries.pop(identity, None) is not None:
            entry.close()
            if self._named.get(entry.place.name) is entry:
                del self._named[entry.place.name]
            if not self._closed:
                self._own.remove(identity)
        if not self._closed:
            alarm = Alarm(lambda: self._afresh(entry))
            self._host.loop.set(alarm, now() + _AFRESH)
            if self._tidy.when == NEVER:
                self._host.loop.set(self._tidy, now() + _TIDY)
        self._changed()

    def _afresh(self, entry: Entry) -> None:
        """Take it up once more, where a link still leads to it, be it another one."""
        with contextlib.suppress(OSError):
            for name in (entry.place.name, *os.listdir(self._home)):
                if checked.identity_at(self._path(name)) == entry.place.identity:
                    self.look(name)
                    return

    def close(self) -> None:
        """Take up nothing more."""
        self._closed = True
        self._caution.close()
        self._candidates.close()
        self._ways.close()


def _collect() -> None:
    gc.collect()
