from decimal import Decimal

import pytest

from reporter.revenue import money


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("5.5", "5.50"),
        ("12345678901234567890.12", "12345678901234567890.12"),
        ("1.2345", "1.2345"),
        ("1E+3", "1000.00"),
        ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999.00"),
    ],
)
def test_money_keeps_its_digits_and_has_at_least_two(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text
