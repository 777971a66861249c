"""Which files a configuration means, and which services are keepalived's."""

from pathlib import Path

import pytest

from supervise.director import service_directory
from supervise.director.configuration import parse

# --- which files are meant


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("conf.d/*.conf", ["b.conf", "c.conf", "of two.conf"]),
        ("conf.d/{c,b}.conf", ["b.conf", "c.conf"]),
        ("conf.d/{a,b}*", ["b.conf"]),
        ("conf.d/b.conf ! {", ["b.conf"]),
        ("conf.d/of two.conf  # words", ["of two.conf"]),
        ("conf.d/*.none", []),
        ("conf.d/{d,e}.conf", []),
        ("conf.d/{d", []),
    ],
)
def test_an_include_may_be_a_pattern_and_mean_no_file(
    tmp_path: Path, pattern: str, names: list[str]
) -> None:
    (tmp_path / "conf.d" / "directory.conf").mkdir(parents=True)
    for name in ("b.conf", "c.conf", "of two.conf"):
        (tmp_path / "conf.d" / name).write_text(f"vrrp_instance '{name}' {{\n}}\n")
    main = tmp_path / "main.conf"
    main.write_text(f" include {pattern}\nvrrp_instance main {{\n}}\n")
    found = parse(str(main), service_directory.read)
    assert [one.name for one in found.vrrp] == [*names, "main"]
    assert [Path(one).name for one in found.files] == ["main.conf", *names]


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("include more.conf\n")
    with pytest.raises(FileNotFoundError, match=r"more\.conf"):
        parse(str(tmp_path / "conf"), service_directory.read)


# --- which services are meant


def test_a_service_whose_comment_names_keepalived_is_none(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("#!/bin/sh\n# beside keepalived\nexec director observe ..\n")
    assert not service_directory.is_director(str(tmp_path))
    (tmp_path / "run").write_text('#!/bin/sh\nexec "$KEEPALIVED" -n\n')
    assert service_directory.is_director(str(tmp_path))
