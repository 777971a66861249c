"""What keepalived -t says, as keepalived/start-check takes it: an error, or a warning only."""

import pytest

from tests.director.service import INSTANCE, Service, needs_root, real

pytestmark = needs_root


@real
@pytest.mark.parametrize(
    ("name", "file"),
    [
        *((name, "k.conf") for name in ("default", "notice", "deprecated", "warning:")),
        ("VI_1", "default"),
        ("VI_1", "warning (is deprecated)"),
    ],
)
def test_the_users_own_names_are_no_warnings(service: Service, name: str, file: str) -> None:
    configuration = service.configuration.parent / file / "k.conf"
    configuration.parent.mkdir()
    service.set("CONFIGURATION", str(configuration))
    text = INSTANCE.replace("VI_1", name)
    configuration.write_text(text)
    service.passes()
    configuration.write_text(text.replace("    interface bond0.2\n", ""))
    assert f"({name}) Unknown interface!" in service.refusal()
    configuration.write_text(text.replace("priority", "default"))
    assert "Unknown keyword 'default'" in service.refusal()


def test_what_is_a_warning_and_what_is_none(service: Service) -> None:
    """The first ones are keepalived's own; each with another that is much the same."""
    for warning, error in (
        ("Keyword 'a' is deprecated - please use 'b'", "Unknown keyword 'deprecated'"),
        ("(/d/k: Line 3) (a) 'b' in vrrp instance deprecated - use c", "(deprecated) no good"),
        ("(d) A (b) is c. Defaulting to multicast. This usage is deprecated - d", "(a) b default"),
        ("(/d/k: Line 2) Warning - script a is not used", "(warning - a) no good"),
        ("(a) - warning, VRID 1 for IPv4 is currently duplicated on b", "(- warning, a) no good"),
        ("Configuration warning: BFD instance a is b", "BFD instance warning is b"),
        ("NOTICE: setting sysctl a", "(/notice: /k: Line 1) no good"),
        ("SECURITY VIOLATION - scripts are being executed", "script 'security violation - a': b"),
        ("(k: Line 3) Truncating auth_pass to 8 characters", "(a) no truncating auth_pass"),
        ("Process name a more than 15 characters, truncating", "Process name truncating: b"),
        ("(a) VRRPv2 interval 0.5s must be an integer. rounding", "(a) no interface rounding"),
        ("Virtual server a: no protocol set - defaulting to UDP", "Virtual server default: no b"),
        ("(a): vrrp script fall value '-1' invalid, defaulting to 1", "(, defaulting to) b"),
        ("Virtual server a: no scheduler set, setting default 'b'", "default_interface requires a"),
        ("(a) Priority not valid! 1 & 254. Using default 100", "Failed to set default user for a"),
        ("interface a doesn't currently exist - will use if created", "(will use if created) a"),
    ):
        text = f'echo "{warning}"; [ -e one ] || echo "{error}"; exit 5'
        service.stub("Keepalived v2.2.7", text)
        assert service.passes(": >one; ./start-check; code=$?; rm one; exit $code") != ""
        assert error in service.refusal()


def test_a_file_that_is_missing_is_named_last(service: Service) -> None:
    """It need not be there where braces name it. Else it is all that is said."""
    missing = "(Line 10) Some config files missing: 'a'."
    service.stub("Keepalived v2.2.7", f'echo "{missing}"; echo "no good"; exit 5')
    assert service.refusal() == f"keepalived -t: {service.configuration}: no good"
    service.stub("Keepalived v2.2.7", f'echo "{missing}"; exit 6')
    assert service.refusal() == f"keepalived -t: {service.configuration}: {missing}"


def test_what_the_test_says_with_an_exit_code_of_another_version(service: Service) -> None:
    service.stub("Keepalived v2.3.1", "echo 'some.conf is deprecated - please use other'; exit 77")
    assert "deprecated" in service.passes()
    service.stub("Keepalived v2.3.1", "echo 'gw is deprecated'; echo 'no good'; exit 77")
    assert service.refusal() == f"keepalived -t: {service.configuration}: no good"
    service.stub("Keepalived v2.3.1", "exit 77")
    assert "exit 77, and not a word why" in service.refusal()


def test_2_1_5_exits_0_whatever_it_says(service: Service) -> None:
    """As seen of it: with a missing interface it would end at once, and -t exits 0."""
    unknown = f"({service.configuration}: Line 5) Unknown keyword 'priorty'"
    service.stub("Keepalived v2.1.5 (07/13,2020)", f'echo "{unknown}"')
    assert service.refusal() == f"keepalived -t: {unknown}"
    missing = "(/a.conf: Line 3) WARNING - interface eth9 for vrrp_instance VI_1 doesn't exist"
    stub = f'echo "{missing}"; echo "Non-existent interface specified in configuration"'
    service.stub("Keepalived v2.1.5 (07/13,2020)", stub)
    assert service.refusal() == f"keepalived -t: {missing}"
    service.stub("Keepalived v2.1.5 (07/13,2020)", 'echo "nb_get_retry is deprecated"')
    assert "deprecated" in service.passes()
    service.stub("Keepalived v2.2.8", f'echo "{unknown}"')
    assert service.passes() == "", "others mean their exit code"
