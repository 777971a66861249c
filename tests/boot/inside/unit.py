"""What systemd says of svscan.service."""

from tests.boot.inside.services import shell


def main_pid() -> int:
    return int(property_of("MainPID") or 0)


def property_of(name: str) -> str:
    return shell(f"systemctl show -p {name} --value svscan")
