"""A made value reads as real: by its format, by its property's name, and else as a few English words.

Nothing depends on the day: dates lie between fixed ends, so that the same seed gives the same value tomorrow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faker import Faker

LONGEST = 10_000  # characters of a text, however many a schema asks for


def by_format(form: object, faker: Faker) -> str | None:
    """A text of a JSON Schema `format`, None for a format nobody knows."""
    return _made(FORMATS, form, faker) if isinstance(form, str) else None


def by_name(name: str, faker: Faker) -> str | None:
    """A text for a property of that name: `customer_email` and `customerEmail` read as `email`."""
    return next((made for each in endings(name) if (made := _made(NAMES, each, faker))), None)


def measure(name: str) -> tuple[float, float, int] | None:
    """The least and the greatest number usual for a property of that name, and its decimals."""
    return next((MEASURES[each] for each in endings(name) if each in MEASURES), None)


def words(faker: Faker, least: int = 0, most: int | None = None) -> str:
    """A text of so many characters: a word or two where it is short, else a sentence and more."""
    room = LONGEST if most is None else min(most, LONGEST)
    text = faker.sentence() if room >= 60 else str(faker.word())
    while len(text) < min(least, LONGEST):
        text += " " + faker.sentence()
    return text if len(text) <= room else text[:room].rstrip().ljust(min(least, room), "a")


def endings(name: str) -> Iterator[str]:
    """`customerFirstName` as `customer_first_name`, `first_name`, `name`."""
    parts = [part.lower() for part in WORD.findall(name)]
    yield from ("_".join(parts[start:]) for start in range(len(parts)))


def singular(name: str) -> str:
    """What one of these is called: the items of `tags` read as a `tag`."""
    return name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")


def _made(table: dict[str, Callable[[Faker], str]], key: str, faker: Faker) -> str | None:
    try:
        return table[key](faker) if key in table else None
    except AttributeError:  # not every locale has states and postcodes
        return None


def _moment(faker: Faker) -> datetime:
    return datetime(2024, 1, 1) + timedelta(seconds=faker.random.randrange(2 * 365 * 86_400))


def _birthday(faker: Faker) -> str:
    return (date(1955, 1, 1) + timedelta(days=faker.random.randrange(50 * 365))).isoformat()


def _one_of(*choices: str) -> Callable[[Faker], str]:
    return lambda faker: faker.random.choice(choices)


def _phrase(faker: Faker) -> str:
    return str(faker.sentence(nb_words=4)).rstrip(".")


def _passage(faker: Faker) -> str:
    return " ".join(faker.sentences(nb=2))


def _email(faker: Faker) -> str:
    name = f"{faker.first_name()}.{faker.last_name()}".lower().replace(" ", "").replace("'", "")
    return f"{name if name.isascii() else faker.user_name()}@example.com"


def _host(faker: Faker) -> str:
    word = str(faker.word())
    return f"{word if word.isascii() and word.isalnum() else faker.domain_word()}.example.com"


def _uri(faker: Faker) -> str:
    return f"https://www.example.com/{faker.slug()}"


WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")

# JSON Schema 2020-12, section 7.3, and the names that other tools add.
FORMATS: dict[str, Callable[[Faker], str]] = {
    "date": lambda faker: _moment(faker).date().isoformat(),
    "date-time": lambda faker: _moment(faker).isoformat() + "Z",
    "time": lambda faker: _moment(faker).time().isoformat() + "Z",
    "duration": _one_of("PT30M", "PT1H", "P1D", "P3DT4H", "P2W"),
    "email": _email,
    "idn-email": _email,
    "hostname": _host,
    "idn-hostname": _host,
    "ipv4": lambda faker: faker.ipv4(),
    "ipv6": lambda faker: faker.ipv6(),
    "uuid": lambda faker: str(faker.uuid4()),
    "uuid4": lambda faker: str(faker.uuid4()),
    **dict.fromkeys(("uri", "url", "iri", "uri-reference", "iri-reference", "http-url"), _uri),
    "uri-template": lambda faker: f"https://www.example.com/{faker.word()}/{{id}}",
    "json-pointer": lambda faker: f"/{faker.word()}/0",
    "relative-json-pointer": lambda faker: f"1/{faker.word()}",
    "regex": _one_of("^[a-z]+$", "[0-9]{3}", "a|b"),
    "byte": _one_of("SGVsbG8=", "d29ybGQh"),
    "base64": _one_of("SGVsbG8=", "d29ybGQh"),
    "color": lambda faker: faker.hex_color(),
    "decimal": lambda faker: f"{faker.random.uniform(1, 500):.2f}",
}

NAMES: dict[str, Callable[[Faker], str]] = {
    **dict.fromkeys(
        ("name", "full_name", "author", "person", "customer", "recipient"), lambda faker: faker.name()
    ),
    **dict.fromkeys(("first_name", "given_name", "firstname"), lambda faker: faker.first_name()),
    **dict.fromkeys(("last_name", "surname", "family_name", "lastname"), lambda faker: faker.last_name()),
    **dict.fromkeys(("username", "user_name", "login", "handle"), lambda faker: faker.user_name()),
    **dict.fromkeys(("email", "mail", "email_address"), _email),
    **dict.fromkeys(("phone", "phone_number", "telephone", "mobile"), lambda faker: faker.phone_number()),
    **dict.fromkeys(
        ("city", "town", "location", "place", "destination", "origin"), lambda faker: faker.city()
    ),
    **dict.fromkeys(("state", "region", "province"), lambda faker: faker.state()),
    "country": lambda faker: faker.country(),
    "country_code": lambda faker: faker.country_code(),
    "address": lambda faker: f"{faker.street_address()}, {faker.city()}",
    **dict.fromkeys(("street", "street_address"), lambda faker: faker.street_address()),
    **dict.fromkeys(
        ("zip", "zip_code", "zipcode", "postal_code", "postcode"), lambda faker: faker.postcode()
    ),
    **dict.fromkeys(("company", "organization", "employer", "company_name"), lambda faker: faker.company()),
    **dict.fromkeys(("job", "job_title", "occupation", "profession"), lambda faker: faker.job()),
    **dict.fromkeys(("url", "uri", "link", "website", "homepage", "href"), _uri),
    **dict.fromkeys(("hostname", "domain"), FORMATS["hostname"]),
    **dict.fromkeys(("ip", "ip_address"), FORMATS["ipv4"]),
    **dict.fromkeys(("id", "uuid", "guid"), FORMATS["uuid"]),
    **dict.fromkeys(("date", "day", "deadline", "due"), FORMATS["date"]),
    **dict.fromkeys(("birthday", "birth_date", "birthdate", "date_of_birth", "dob"), _birthday),
    **dict.fromkeys(("datetime", "timestamp", "at"), FORMATS["date-time"]),
    "time": lambda faker: _moment(faker).strftime("%H:%M"),
    "year": lambda faker: str(_moment(faker).year),
    "duration": FORMATS["duration"],
    **dict.fromkeys(("price", "amount", "cost", "total"), FORMATS["decimal"]),
    **dict.fromkeys(("currency", "currency_code"), lambda faker: faker.currency_code()),
    "language": lambda faker: faker.language_name(),
    **dict.fromkeys(("language_code", "lang", "locale"), lambda faker: faker.language_code()),
    **dict.fromkeys(("timezone", "time_zone", "tz"), lambda faker: faker.timezone()),
    **dict.fromkeys(("color", "colour"), lambda faker: faker.safe_color_name()),
    **dict.fromkeys(("title", "headline", "subject", "topic", "step", "task", "query", "keyword"), _phrase),
    **dict.fromkeys(
        ("description", "summary", "explanation", "reasoning", "content", "body", "text"), _passage
    ),
    **dict.fromkeys(("answer", "output", "message", "comment", "reason", "bio", "notes"), _passage),
    **dict.fromkeys(("tag", "category", "label", "genre", "slug", "key"), lambda faker: faker.word()),
    "sentiment": _one_of("positive", "neutral", "negative"),
    "status": _one_of("open", "active", "done"),
    "priority": _one_of("low", "medium", "high"),
    "gender": _one_of("female", "male"),
    "unit": _one_of("celsius", "metric"),
    "filename": lambda faker: f"{faker.word()}.txt",
    "path": lambda faker: f"/{faker.word()}/{faker.word()}.txt",
    "sku": lambda faker: faker.bothify("???-####").upper(),
    **dict.fromkeys(("ticker", "symbol"), lambda faker: faker.lexify("????").upper()),
}

# The least, the greatest, the decimals.
MEASURES: dict[str, tuple[float, float, int]] = {
    "age": (18, 80, 0),
    **dict.fromkeys(
        ("score", "confidence", "probability", "similarity", "relevance", "likelihood"), (0, 1, 2)
    ),
    **dict.fromkeys(("price", "amount", "cost", "total", "subtotal", "fee", "balance"), (5, 500, 2)),
    **dict.fromkeys(("salary", "income"), (30_000, 120_000, 0)),
    **dict.fromkeys(("rating", "stars"), (1, 5, 1)),
    **dict.fromkeys(("quantity", "count", "number", "limit", "size", "n"), (1, 10, 0)),
    **dict.fromkeys(("percent", "percentage"), (0, 100, 1)),
    "year": (1990, 2030, 0),
    "month": (1, 12, 0),
    "day": (1, 28, 0),
    "hour": (0, 23, 0),
    **dict.fromkeys(("minute", "second", "minutes", "seconds"), (0, 59, 0)),
    **dict.fromkeys(("latitude", "lat"), (-60, 70, 4)),
    **dict.fromkeys(("longitude", "lon", "lng"), (-180, 180, 4)),
    "temperature": (-10, 35, 1),
    "id": (1, 99_999, 0),
    "population": (10_000, 9_000_000, 0),
    **dict.fromkeys(("page", "index", "rank", "step", "position"), (1, 5, 0)),
}
