"""Realistic random values, chosen by a JSON Schema `format` or by the name of the property.

Dates lie in a fixed range, not around today, so that a seed gives the same value on every day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from mockserver.generation.english_text import EnglishWriter
from mockserver.generation.word_lists import SENTENCES, VALUES_BY_NAME

if TYPE_CHECKING:
    from faker import Faker

MAX_NAME_LENGTH = 100  # characters of a property name that are looked at, from its end
MAX_TEXT_LENGTH = 10_000  # characters; a longer text is not generated


def generate_by_format(format_name: object, faker: Faker) -> str | None:
    """Return a string of a JSON Schema `format`; None if the format is unknown."""
    return _call_provider(FORMAT_PROVIDERS, format_name, faker) if isinstance(format_name, str) else None


def generate_by_name(name: str, faker: Faker) -> str | None:
    """Return a string for a property name; None if the name is unknown.

    A name is looked up by its suffixes: `customer_email` and `customerEmail` as `email`.
    """
    for each in split_name_suffixes(name):
        if each in VALUES_BY_NAME and _is_english(faker):
            return str(faker.random.choice(VALUES_BY_NAME[each]))
        value = _call_provider(NAME_PROVIDERS, each, faker)
        if value or each in VALUES_BY_NAME:  # `product_name` is not a person's name in any language
            return value
    return None


def find_number_range(name: str) -> tuple[float, float, int] | None:
    """Return the usual minimum, maximum and decimals of a number with this property name; None if unknown."""
    found = next((NUMBER_RANGES[each] for each in split_name_suffixes(name) if each in NUMBER_RANGES), None)
    return found or (NUMBER_RANGES["count"] if COUNT_NAME.match(name[-MAX_NAME_LENGTH:]) else None)


def generate_words(faker: Faker, min_length: int = 0, max_length: int | None = None) -> str:
    """Return a text of `min_length` to `max_length` characters: a word, a phrase or several sentences."""
    limit = MAX_TEXT_LENGTH if max_length is None else min(max_length, MAX_TEXT_LENGTH)
    text = _short_phrase(faker) if limit >= 60 else str(faker.word())
    while len(text) < min(min_length, MAX_TEXT_LENGTH):
        text += " " + _sentence(faker)
    return text if len(text) <= limit else text[:limit].rstrip().ljust(min(min_length, limit), "a")


def split_name_suffixes(name: str) -> Iterator[str]:
    """Yield the suffixes of a name in snake case: `customer_first_name`, `first_name`, `name`."""
    parts = [part.lower() for part in NAME_WORD.findall(name[-MAX_NAME_LENGTH:])]
    yield from ("_".join(parts[start:]) for start in range(len(parts)))


def singularize_name(name: str) -> str:
    """Return the singular of a name, by which the items of a list are generated: `tags` gives `tag`."""
    for plural, singular in PLURAL_ENDINGS:
        if name.endswith(plural):
            return name.removesuffix(plural) + singular
    return name


def _call_provider(table: dict[str, Callable[[Faker], str]], key: str, faker: Faker) -> str | None:
    try:
        return table[key](faker) if key in table else None
    except AttributeError:  # some locales of Faker have no states or postcodes
        return None


def _random_datetime(faker: Faker) -> datetime:
    return datetime(2024, 1, 1) + timedelta(seconds=faker.random.randrange(2 * 365 * 86_400))


def _birthday(faker: Faker) -> str:
    return (date(1955, 1, 1) + timedelta(days=faker.random.randrange(50 * 365))).isoformat()


def _random_choice(*choices: str) -> Callable[[Faker], str]:
    return lambda faker: faker.random.choice(choices)


def _is_english(faker: Faker) -> bool:
    return str(faker.locales[0]).startswith("en")


def _short_phrase(faker: Faker) -> str:
    if _is_english(faker):
        return EnglishWriter(faker.random).compose_phrase()
    return str(faker.sentence(nb_words=3)).rstrip(".。")


def _sentence(faker: Faker) -> str:
    return EnglishWriter(faker.random).compose_sentence() if _is_english(faker) else str(faker.sentence())


def _two_sentences(faker: Faker) -> str:
    return " ".join(faker.random.sample(SENTENCES, 2) if _is_english(faker) else faker.sentences(nb=2))


def _person_name(faker: Faker) -> str:
    # Faker's English names include titles and degrees.
    return f"{faker.first_name()} {faker.last_name()}" if _is_english(faker) else str(faker.name())


def _phone(faker: Faker) -> str:
    return str(faker.numerify("+1 ###-555-01##") if _is_english(faker) else faker.phone_number())


def _random_code(template: str) -> Callable[[Faker], str]:
    """Return a provider of codes: `?` is a capital letter, `#` a digit, `%` a digit other than 0."""
    return lambda faker: str(faker.bothify(template, letters="ABCDEFGHJKLMNPRSTUVWXYZ"))


def _email(faker: Faker) -> str:
    name = f"{faker.first_name()}.{faker.last_name()}".lower().replace(" ", "").replace("'", "")
    return f"{name if name.isascii() else faker.user_name()}@example.com"


def _hostname(faker: Faker) -> str:
    word = str(faker.word())
    return f"{word if word.isascii() and word.isalnum() else faker.domain_word()}.example.com"


def _uri(faker: Faker) -> str:
    return f"https://www.example.com/{faker.slug()}"


def _image_uri(faker: Faker) -> str:
    return f"{_uri(faker)}.jpg"


# The ending of a plural, and that of its singular; the first that applies is used.
PLURAL_ENDINGS = (
    ("people", "person"),
    ("ies", "y"),
    ("sses", "ss"),
    ("shes", "sh"),
    ("ches", "ch"),
    ("xes", "x"),
    ("ss", "ss"),
    ("s", ""),
)
COUNT_NAME = re.compile(r"(?:.*_)?(?:num|number|no)(?:_of)?_|.*[a-z]Count$")
NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")

# JSON Schema Validation 2020-12, section 7.3, and formats that other tools add.
FORMAT_PROVIDERS: dict[str, Callable[[Faker], str]] = {
    "date": lambda faker: _random_datetime(faker).date().isoformat(),
    "date-time": lambda faker: _random_datetime(faker).isoformat() + "Z",
    "time": lambda faker: _random_datetime(faker).time().isoformat() + "Z",
    "duration": _random_choice("PT30M", "PT1H", "P1D", "P3DT4H", "P2W"),
    "email": _email,
    "idn-email": _email,
    "hostname": _hostname,
    "idn-hostname": _hostname,
    "ipv4": lambda faker: faker.ipv4(),
    "ipv6": lambda faker: faker.ipv6(),
    "uuid": lambda faker: str(faker.uuid4()),
    "uuid4": lambda faker: str(faker.uuid4()),
    **dict.fromkeys(("uri", "url", "iri", "uri-reference", "iri-reference", "http-url"), _uri),
    "uri-template": lambda faker: f"https://www.example.com/{faker.word()}/{{id}}",
    "json-pointer": lambda faker: f"/{faker.word()}/0",
    "relative-json-pointer": lambda faker: f"1/{faker.word()}",
    "regex": _random_choice("^[a-z]+$", "[0-9]{3}", "a|b"),
    "byte": _random_choice("SGVsbG8=", "d29ybGQh"),
    "base64": _random_choice("SGVsbG8=", "d29ybGQh"),
    "color": lambda faker: faker.hex_color(),
    "decimal": lambda faker: f"{faker.random.uniform(1, 500):.2f}",
}

NAME_PROVIDERS: dict[str, Callable[[Faker], str]] = {
    **dict.fromkeys(("name", "full_name", "person", "people", "contact", "owner", "user"), _person_name),
    **dict.fromkeys(("member", "friend", "author", "artist", "director", "actor", "cast"), _person_name),
    **dict.fromkeys(("speaker", "host", "player", "singer"), _person_name),
    **dict.fromkeys(("customer", "recipient", "sender", "passenger", "guest", "patient", "doctor"), _person_name),
    **dict.fromkeys(("participant", "attendee", "student", "teacher", "employee", "manager", "assignee"), _person_name),
    **dict.fromkeys(("candidate", "driver", "reviewer", "contact_name", "triple_subject"), _person_name),
    **dict.fromkeys(("first_name", "given_name", "firstname"), lambda faker: faker.first_name()),
    **dict.fromkeys(("last_name", "surname", "family_name", "lastname"), lambda faker: faker.last_name()),
    **dict.fromkeys(("username", "user_name", "login", "handle"), lambda faker: faker.user_name()),
    **dict.fromkeys(("email", "mail", "email_address"), _email),
    **dict.fromkeys(("email_to", "email_recipient", "email_cc", "email_from"), _email),
    **dict.fromkeys(("phone", "phone_number", "telephone", "mobile", "fax"), _phone),
    **dict.fromkeys(
        ("city", "town", "location", "place", "destination", "origin", "venue"), lambda faker: faker.city()
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
    **dict.fromkeys(("seller", "buyer", "vendor", "supplier", "merchant", "publisher", "client", "store"),
                    lambda faker: faker.company()),
    **{f"{owner}_name": lambda faker: faker.company()
       for owner in ("seller", "buyer", "vendor", "supplier", "merchant", "publisher", "client", "store",
                   "organization", "employer", "business")},
    **dict.fromkeys(("job", "job_title", "occupation", "profession"), lambda faker: faker.job()),
    **dict.fromkeys(("url", "uri", "link", "website", "homepage", "href", "source"), _uri),
    **dict.fromkeys(("image", "image_url", "photo", "picture", "avatar", "thumbnail", "logo"), _image_uri),
    **dict.fromkeys(("hostname", "domain"), FORMAT_PROVIDERS["hostname"]),
    **dict.fromkeys(("ip", "ip_address"), FORMAT_PROVIDERS["ipv4"]),
    **dict.fromkeys(("id", "uuid", "guid"), FORMAT_PROVIDERS["uuid"]),
    **dict.fromkeys(("date", "day", "deadline", "due"), FORMAT_PROVIDERS["date"]),
    **dict.fromkeys(("birthday", "birth_date", "birthdate", "date_of_birth", "dob"), _birthday),
    **dict.fromkeys(("datetime", "timestamp", "at"), FORMAT_PROVIDERS["date-time"]),
    "time": lambda faker: _random_datetime(faker).strftime("%H:%M"),
    "year": lambda faker: str(_random_datetime(faker).year),
    "month": lambda faker: _random_datetime(faker).strftime("%B"),
    **dict.fromkeys(("weekday", "day_of_week"), lambda faker: _random_datetime(faker).strftime("%A")),
    "duration": FORMAT_PROVIDERS["duration"],
    **dict.fromkeys(("cook_time", "prep_time", "cooking_time", "total_time", "travel_time", "runtime"),
                    lambda faker: f"{faker.random.randrange(10, 120, 5)} minutes"),
    **dict.fromkeys(("price", "amount", "cost", "total"), FORMAT_PROVIDERS["decimal"]),
    **dict.fromkeys(("currency", "currency_code"), _random_choice("USD", "EUR", "GBP", "JPY")),
    "language": lambda faker: faker.language_name(),
    **dict.fromkeys(("language_code", "lang", "locale"), _random_choice("en", "fr", "es", "de", "ja")),
    **dict.fromkeys(("timezone", "time_zone", "tz"), lambda faker: faker.timezone()),
    **dict.fromkeys(("color", "colour"), lambda faker: faker.safe_color_name()),
    **dict.fromkeys(("title", "headline", "subject", "topic", "step", "task", "query", "keyword"), _short_phrase),
    **dict.fromkeys(
        ("description", "summary", "explanation", "reasoning", "content", "body", "text", "overview"), _two_sentences
    ),
    **dict.fromkeys(("answer", "output", "message", "comment", "reason", "bio", "notes", "note"), _two_sentences),
    **dict.fromkeys(("abstract", "analysis", "feedback", "review", "rationale", "justification"), _two_sentences),
    **dict.fromkeys(("thought", "conclusion", "plot", "details", "instructions", "quote", "paragraph"), _two_sentences),
    **dict.fromkeys(("tag", "category", "label", "genre", "slug", "key"), lambda faker: faker.word()),
    "sentiment": _random_choice("positive", "neutral", "negative"),
    "status": _random_choice("open", "active", "done"),
    **dict.fromkeys(("priority", "severity", "urgency", "risk", "level"), _random_choice("low", "medium", "high")),
    "difficulty": _random_choice("easy", "medium", "hard"),
    "role": _random_choice("admin", "editor", "viewer"),
    "gender": _random_choice("female", "male"),
    "unit": _random_choice("kg", "cm", "pieces"),
    **{f"{subject}_unit": _random_choice("celsius", "fahrenheit")
       for subject in ("weather", "temperature", "forecast")},
    "filename": lambda faker: f"{faker.word()}.txt",
    "path": lambda faker: f"/{faker.word()}/{faker.word()}.txt",
    "version": _random_code("%.#.#"),
    "sku": _random_code("???-####"),
    **dict.fromkeys(("ticker", "symbol"), _random_code("????")),
    **dict.fromkeys(("number", "no", "code", "reference", "ref"), _random_code("??-#####")),
    **dict.fromkeys(("booking_reference", "confirmation_code", "confirmation_number"), _random_code("??#?%?")),
    **{f"{subject}_{suffix}": _random_code(f"{subject[:3].upper()}-%####")
       for subject in ("invoice", "order", "ticket", "case") for suffix in ("number", "id", "no")},
    **dict.fromkeys(("flight_number", "flight"), _random_code("?? %##")),
    **dict.fromkeys(("seat", "gate"), _random_code("%?")),
    **dict.fromkeys(("tax_id", "tax_number", "ein"), _random_code("%#-#######")),
    **dict.fromkeys(("vat_number", "vat_id"), _random_code("GB#########")),
    **dict.fromkeys(("account_number", "customer_number", "tracking_number"), _random_code("%#########")),
    "iban": lambda faker: faker.iban(),
    "size": _random_choice("S", "M", "L"),
}  # fmt: skip

# Minimum, maximum and decimals.
NUMBER_RANGES: dict[str, tuple[float, float, int]] = {
    "age": (18, 80, 0),
    **dict.fromkeys(
        ("score", "confidence", "probability", "similarity", "relevance", "likelihood"), (0, 1, 2)
    ),
    **dict.fromkeys(("price", "amount", "cost", "total", "subtotal", "fee", "balance"), (5, 500, 2)),
    **dict.fromkeys(("tax", "discount", "tip", "shipping"), (1, 40, 2)),
    **dict.fromkeys(("salary", "income", "revenue", "budget"), (30_000, 120_000, 0)),
    **dict.fromkeys(("rating", "stars"), (1, 5, 1)),
    **dict.fromkeys(("quantity", "count", "number", "limit", "size", "n"), (1, 10, 0)),
    **dict.fromkeys(("stops", "layovers", "children"), (0, 2, 0)),
    **dict.fromkeys(("servings", "passengers", "guests", "nights", "adults"), (1, 6, 0)),
    **dict.fromkeys(("percent", "percentage"), (0, 100, 1)),
    "humidity": (30, 90, 0),
    "gpa": (2, 4, 1),
    "year": (1990, 2030, 0),
    **dict.fromkeys(("graduation_year", "release_year", "birth_year", "founded"), (1970, 2020, 0)),
    **dict.fromkeys(("years_of_experience", "experience", "years"), (1, 20, 0)),
    "month": (1, 12, 0),
    **dict.fromkeys(("day", "days"), (1, 28, 0)),
    "hour": (0, 23, 0),
    **dict.fromkeys(("hours", "duration_hours"), (1, 12, 0)),
    **dict.fromkeys(("minute", "second", "minutes", "seconds"), (0, 59, 0)),
    **dict.fromkeys(("duration_minutes", "time_minutes", "duration", "runtime"), (20, 180, 0)),
    **dict.fromkeys(("latitude", "lat"), (-60, 70, 4)),
    **dict.fromkeys(("longitude", "lon", "lng"), (-180, 180, 4)),
    "temperature": (-10, 35, 1),
    "wind_speed": (0, 40, 1),
    **dict.fromkeys(("calories", "kcal"), (80, 900, 0)),
    **dict.fromkeys(("weight", "weight_kg", "kg"), (1, 90, 1)),
    **dict.fromkeys(("height", "height_cm", "width", "depth", "length", "cm"), (5, 200, 0)),
    "id": (1, 99_999, 0),
    "population": (10_000, 9_000_000, 0),
    **dict.fromkeys(("reviews", "review_count", "views", "likes"), (3, 2_000, 0)),
    **dict.fromkeys(("page", "index", "rank", "step", "position"), (1, 5, 0)),
    **dict.fromkeys(("line", "line_number"), (1, 300, 0)),
    **dict.fromkeys(("word_count", "characters"), (50, 2_000, 0)),
}
