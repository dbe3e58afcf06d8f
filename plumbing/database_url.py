"""DATABASE_URL, read by PostgreSQL's own library, which knows several hosts and every option."""

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg2
from psycopg2.extensions import parse_dsn

EXPECTED = "must look like postgresql://user:password@host:5432/name"


def parse(url: str, *, options: Mapping[str, object], session: Mapping[str, str]) -> dict[str, object]:
    """Django's settings for the database at `url`: its options over our `options`, our `session` over its.

    `session` are PostgreSQL's own settings, such as lock_timeout: what the URL says of others stands beside them.
    Raises ValueError with the end of a sentence that shows nothing of the URL (it holds a password).
    """
    found = _parts(url)
    its_session = found.pop("options", "")
    ours = " ".join(f"-c {name}={_escaped(value)}" for name, value in session.items())
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": found.pop("dbname"),
        "USER": found.pop("user", ""),
        "PASSWORD": found.pop("password", ""),
        "HOST": found.pop("host", ""),
        "PORT": found.pop("port", ""),
        "OPTIONS": {**options, **found, "options": f"{its_session} {ours}".strip()},  # the last one counts
    }


def _parts(url: str) -> dict[str, str]:
    try:
        split = urlsplit(url)
    except ValueError:  # it may quote the password
        raise ValueError(f"{EXPECTED}.") from None
    if split.scheme not in ("postgresql", "postgres"):
        raise ValueError(f"{EXPECTED}.")
    words = split.query.split("&")
    schemas = [word for word in words if word.startswith("currentSchema=")]  # as other libraries say it
    others = "&".join(word for word in words if word not in schemas)
    try:
        found = parse_dsn(urlunsplit(split._replace(query=others)))
    except psycopg2.ProgrammingError as exc:
        unknown = re.search(r'query parameter: "(\w+)"', str(exc))
        problem = f"has an option that PostgreSQL does not know: {unknown[1]}" if unknown else EXPECTED
        raise ValueError(f"{problem}.") from None
    for schema in schemas:
        search_path = _escaped(unquote(schema.partition("=")[2]))
        found["options"] = f"{found.get('options', '')} -c search_path={search_path}".strip()
    hosts, ports = found.get("host", "").split(","), found.get("port", "").split(",")
    if not found.get("dbname") or not all(re.fullmatch(r"|[1-9]\d{0,4}", port) for port in ports):
        raise ValueError(f"{EXPECTED}.")
    if len(ports) not in (1, len(hosts)):
        raise ValueError(f"names {len(hosts)} hosts and {len(ports)} ports: give one port, or one for each host.")
    return found


def _escaped(value: str) -> str:
    """As the server splits the words of `options`."""
    return re.sub(r"([\\\s])", r"\\\1", value)
