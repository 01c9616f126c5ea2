import pytest

from automation.packing.links import resolve


@pytest.mark.parametrize(
    ("links", "name", "expected"),
    [
        ({"a": "b"}, "a", "b"),
        ({"d/a": "../b"}, "d/a", "b"),
        ({"a": "."}, "a", ""),
        ({"a": "b", "b": "c/d"}, "a", "c/d"),
        ({"here": "sub"}, "here/file", "sub/file"),
        ({}, "plain/file", "plain/file"),
        ({"a": ".."}, "a", None),
        ({"a": "/etc/passwd"}, "a", None),
        ({"d/a": "../../x"}, "d/a", None),
        ({"a": "b", "b": "a"}, "a", None),
        ({"a": "b", "b": "/etc"}, "a", None),
    ],
)
def test_a_link_leads_where_a_file_system_would_take_it(
    links: dict[str, str], name: str, expected: str | None
) -> None:
    assert resolve(name, links) == expected


def test_a_link_that_looks_harmless_leads_out_through_another() -> None:
    links = {"deep/up": "..", "x": "deep/up/.."}
    assert resolve("deep/up", links) == ""
    assert resolve("x", links) is None
