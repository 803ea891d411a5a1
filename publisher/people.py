"""The people who cause events: a fixed cast of personas, rendered once into the JSON that events carry.

An event picks a persona by index and gives it a user id. A persona is everything that demographics look at,
so the generator's own counts need the index only. The cast does not depend on a seed: two runs differ in who
acts, not in who exists.
"""

import math
import random
from functools import cache
from typing import NamedTuple

import msgspec

from publisher.places import CITIES, COUNTRIES, COUNTRY_WEIGHTS

PERSONAS = 16_384  # a power of two: an index is a random number cut to 14 bits
MIN_AGE, MAX_AGE = 13, 80
MAX_FOLLOWERS = 5_000_000
GENDERS = ("male", "female", "non-binary")
DEVICES = ("Android", "iOS", "Desktop")

_FIRST_NAMES = """
Ada Alan Ahmed Aisha Björn Carlos Chiara Chloé Dmytro Elena Emeka Fatima Grace Hannah Hiroshi Ingrid
Ivan Jamal João Kenji Linh Łukasz Maria Mei Mohammed Nadia Noah Olivia Priya Quentin Rosa Sofía
Tariq Uma Víctor Wei Ximena Yara Zoë Élodie
"""
_LAST_NAMES = """
Abe Almeida Andersson Bauer Chen Costa Díaz Eriksen Fischer García Haddad Ito Jansen Kaya Kim
Kowalski López Müller Nguyễn Novák O'Brien Okafor Patel Quispe Rossi Santos Schmidt Sharma Silva
Smith Tanaka Usman Vargas Wang Weber Yücel Zhang
"""
_FIRST = tuple(_FIRST_NAMES.split())
_LAST = tuple(_LAST_NAMES.split())


class FacebookPersona(NamedTuple):
    """`user` is the inside of `data.user` after `userId`."""

    user: bytes
    name: str
    age: int
    gender: str
    country: str
    city: str


class TikTokPersona(NamedTuple):
    """`user` as with Facebook; `viewing` is the device and country that a top event reports."""

    user: bytes
    viewing: bytes
    username: str
    followers: int
    device: str
    country: str


@cache
def facebook_cast() -> tuple[FacebookPersona, ...]:
    """`PERSONAS` Facebook users: ages uniform, countries skewed."""
    rng = random.Random("facebook personas")
    countries = rng.choices(COUNTRIES, cum_weights=COUNTRY_WEIGHTS, k=PERSONAS)
    return tuple(_facebook_persona(rng, country) for country in countries)


@cache
def tiktok_cast() -> tuple[TikTokPersona, ...]:
    """`PERSONAS` TikTok users: followers log-uniform from 0 to five million."""
    rng = random.Random("tiktok personas")
    countries = rng.choices(COUNTRIES, cum_weights=COUNTRY_WEIGHTS, k=PERSONAS)
    return tuple(_tiktok_persona(rng, country) for country in countries)


def _facebook_persona(rng: random.Random, country: str) -> FacebookPersona:
    name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
    age = rng.randint(MIN_AGE, MAX_AGE)
    gender = rng.choice(GENDERS)
    city = rng.choice(CITIES[country])
    location = {"country": country, "city": city}
    user = _inside({"name": name, "age": age, "gender": gender, "location": location})
    return FacebookPersona(user, name, age, gender, country, city)


def _tiktok_persona(rng: random.Random, country: str) -> TikTokPersona:
    username = f"{rng.choice(_FIRST).lower()}_{rng.choice(_LAST).lower()}{rng.randrange(1000)}"
    followers = int(math.exp(rng.random() * math.log(MAX_FOLLOWERS + 1))) - 1
    device = rng.choice(DEVICES)
    user = _inside({"username": username, "followers": followers})
    viewing = _inside({"device": device, "country": country})
    return TikTokPersona(user, viewing, username, followers, device, country)


def _inside(fields: dict[str, object]) -> bytes:
    """A JSON object without its braces, to be put into a larger one."""
    return msgspec.json.encode(fields)[1:-1]
