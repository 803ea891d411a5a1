"""Colours that can be told apart by everybody: those of Okabe and Ito, made for people who see few or no colours.

The same thing has the same colour on every dashboard.
"""

BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
ORANGE = "#E69F00"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#999999"

GOOD, WARNING, BAD = GREEN, ORANGE, VERMILLION

OUTCOMES = {"accepted": BLUE, "processed": GREEN, "failed": VERMILLION}
FLOWS = {"in": BLUE, "out, new": GREEN, "out, duplicate": GREY}
SOURCES = {"facebook": BLUE, "tiktok": ORANGE, "social": GREEN, "custom": PURPLE}
SERVICES = {
    "gateway": SKY,
    "facebook-collector": BLUE,
    "tiktok-collector": ORANGE,
    "social-collector": GREEN,
    "custom-collector": PURPLE,
    "reporter": YELLOW,
    "alerts": VERMILLION,
}
STREAMS = {"EVENTS": BLUE, "DEAD_LETTERS": VERMILLION, "NOTIFICATIONS": GREEN}
PERCENTILES = {"p50": SKY, "p95": ORANGE, "p99": VERMILLION}
