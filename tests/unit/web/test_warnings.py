"""Warnings: what a header line cannot hold is left out, and none pushes out another."""

from calotype.web.warnings import together, warning


def test_texts_become_one_header_value():
    assert warning("first", 'with "quotes"\r\nand \u5f20') == '299 calotype "first", 299 calotype "with quotesand "'


def test_warnings_of_several_stand_side_by_side():
    assert together({"Vary": "Accept", "Warning": warning("a")}, {}, {"Warning": warning("b"), "ETag": "x"}) == {
        "Vary": "Accept",
        "ETag": "x",
        "Warning": '299 calotype "a", 299 calotype "b"',
    }


def test_where_nobody_warns_there_is_no_warning():
    assert together({"Vary": "Accept"}, {}) == {"Vary": "Accept"}
