"""Times as text."""

import pytest

from accounts import times


@pytest.mark.parametrize(
    ("moment", "iso", "words"),
    [
        (0, "1970-01-01T00:00:00.000Z", "1 January 1970, 00:00 UTC"),
        (-1, "1969-12-31T23:59:59.999Z", "31 December 1969, 23:59 UTC"),
        (1_764_849_241_999, "2025-12-04T11:54:01.999Z", "4 December 2025, 11:54 UTC"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z", "31 December 9999, 23:59 UTC"),
        (253_402_300_800_000, "253402300800000 ms", "253402300800000 ms"),
        (2**63 - 1, f"{2**63 - 1} ms", f"{2**63 - 1} ms"),
    ],
)
def test_a_moment_is_utc_to_the_millisecond_and_no_number_is_too_large(
    moment: int, iso: str, words: str
) -> None:
    assert times.iso_time(moment, "milliseconds") == iso
    assert times.iso_time(moment) == iso.replace(iso[-5:], "Z" if iso.endswith("Z") else iso[-5:])
    assert times.in_words(moment) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(20 * 86_400, "20 days ago"), (400 * 86_400, "400 days ago")]
)
def test_a_length_of_time_has_no_unit_above_the_longest(seconds: int, words: str) -> None:
    assert times.ago(times.now() - seconds * 1000, "day") == words
