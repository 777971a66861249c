"""The real servers and the mail server."""

import re
import socket
import socketserver
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

from acceptance.inside.namespaces import enter, namespace

ETHERNET_IPV4 = 0x0800
DIRECTOR = "172.16.0.1"


class RealServer:
    """A web server that says its name, and can be stopped and started as an Apache can."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self._http: HTTPServer | None = None
        self.start()

    def start(self) -> None:
        body = f"{self.name}\n".encode()

        class Page(BaseHTTPRequestHandler):
            timeout = 5.0  # seconds: where a director died, no end of the connection comes

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing."""

        with namespace(self.name.lower()):
            self._http = ThreadingHTTPServer((self.address, 80), Page)
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """From now on connections are refused."""
        assert self._http
        self._http.shutdown()
        self._http.server_close()
        self._http = None


class Checks:
    """When the director itself opened a connection to a real server: what tcpdump shows of it."""

    def __init__(self, server: RealServer) -> None:
        self.times: list[float] = []
        threading.Thread(target=self._listen, args=(server.name.lower(),), daemon=True).start()

    def since(self, moment: float) -> list[float]:
        """Seconds on the monotonic clock."""
        return [time for time in self.times if time >= moment]

    def _listen(self, name: str) -> None:
        enter(name)
        director = socket.inet_aton(DIRECTOR)
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETHERNET_IPV4))
        while True:
            packet = raw.recv(256)
            header = (packet[0] & 15) * 4
            tcp = packet[header : header + 20]
            if packet[9] != socket.IPPROTO_TCP or packet[12:16] != director or len(tcp) < 20:
                continue
            port, flags = struct.unpack_from("!2xH9xB", tcp)
            if port == 80 and flags & 0x12 == 0x02:  # SYN without ACK
                self.times.append(time.monotonic())


class MailServer:
    """Takes every mail and keeps its text."""

    def __init__(self, name: str, address: str) -> None:
        mails: list[str] = []
        self.mails = mails

        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    self.converse()
                except ConnectionError:  # the director was killed meanwhile
                    pass

            def converse(self) -> None:
                self.wfile.write(b"220 ready\r\n")
                for line in self.rfile:
                    verb = line.strip().upper()
                    if verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        text = b"".join(iter(self.rfile.readline, b".\r\n"))
                        mails.append(text.decode(errors="replace"))
                    self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                    if verb == b"QUIT":
                        return

        with namespace(name):
            server = socketserver.ThreadingTCPServer((address, 25), Session)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def subjects(self) -> list[str]:
        return [
            match[1].strip()
            for mail in self.mails
            if (match := re.search(r"^Subject:(.*)$", mail, re.MULTILINE))
        ]
