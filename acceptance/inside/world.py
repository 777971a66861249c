"""All that the article's network has in it."""

from acceptance.inside.director import SVSCAN, Director
from acceptance.inside.servers import Checks, MailServer, RealServer
from acceptance.inside.syslog import Syslog


class Network:
    """Servers, mail and syslog, as they are there when a director boots."""

    def __init__(self) -> None:
        self.dell = RealServer("Dell", "172.16.0.2")
        self.hitachi = RealServer("Hitachi", "172.16.0.3")
        self.checks = {server.name: Checks(server) for server in (self.dell, self.hitachi)}
        self.mail = MailServer("client", "11.11.11.11")
        self.syslog = Syslog()


class World(Network):
    """The article's: with one director."""

    def __init__(
        self, supervisor: tuple[str, ...] = SVSCAN, configuration: str | None = None
    ) -> None:
        super().__init__()
        self.director = Director(supervisor, configuration=configuration)
