"""What a name promises, and whether a value keeps it: ``api_key`` and random characters, but not ``sort_key``."""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal

# What a password is called in German, Spanish, French, Portuguese, Italian, Dutch, Polish and Finnish.
_ELSEWHERE: Final = (
    "passwort", "kennwort", "contrasena", "motdepasse", "senha", "parolachiave", "wachtwoord", "haslo", "salasana",
)  # fmt: skip
NOUNS: Final = (
    "pass", "pwd", "pw", "psw", "secret", "token", "key", "auth", "cred", "dsn", "sess", "cookie",
    "kennwort", "contrase", "senha", "parola", "wachtwoord", "haslo", "hasło", "salasana",
)  # fmt: skip
"""Every secret's name has one of these in it (in small letters)."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ENV_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_ADDRESS: Final = re.compile(r"(?i)(?:ur[il]|dsn|conn|connection|conn(?:ection)?_?str(?:ing)?)$")
# With one of these before it a key or a token opens something: secret_key, apiKey.
_OPENER: Final = re.compile(
    "access|account|admin|aes|api|app|application|auth|azure|bearer|bot|cipher|client|consumer|deploy|encryption|fernet"
    "|functions|github|gitlab|hf|hmac|jwt|license|master|personal|private|rapidapi|refresh|secret|service|session"
    "|shared|signing|storage|subscription|user"
)
# With one of these they don't, however random they look.
_HARMLESS: Final = re.compile("bucket|cache|csrf|file|foreign|group|object|page|partition|primary|public|row|sort")
# Words after the noun that change nothing: password_prod, api_key_2, secret_key_base.
_QUALIFIER: Final = re.compile("base|db|default|dev|live|new|old|plain|prod|production|staging|str|string|test|value")
# What only asks for a secret: get_password("database").
_ASKING: Final = re.compile("ask|check|fetch|find|get|has|hash|is|load|lookup|prompt|read|require|validate|verify")

_TEMPLATE: Final = re.compile(r"^(?:\$[\w({]|\{|\[|<.*>|%[(s])|^\W+$|[*]{3}|[.]{3}|…|(?i:x{4})")
_PLACEHOLDER: Final = re.compile(
    r"""(?ix) your | example | place.?holder | change.?(?:me|it)\b | redacted | dummy | replace
    | ^(?:pass|pwd|user|test|none|null|true|false|empty|required|optional|hidden|text|str|string|object|category|word
        |(?:u?int|float|bool|datetime|complex)[\d\[\]a-z]*)$"""
)
_NAMES_ITSELF: Final = re.compile(r"(?i)passw(?:or)?d|passwort|secret|token|(?:api|access|private)[-_ ]?key")
_WORDS: Final = re.compile(r"[\W_]*(?:(?:[a-z]*(?:[A-Z][a-z]{2,})*|[A-Z]+|[0-9]+)(?:[\W_]+|$))*+")
_PATH: Final = re.compile(r"[~.]{0,2}/|[A-Z]+(?:_[A-Z]+)+$")
_CLASSES: Final = str.maketrans(
    string.ascii_lowercase + string.ascii_uppercase + string.digits, "a" * 26 + "A" * 26 + "0" * 10, "+/"
)
_THREE_CLASSES: Final = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[\w+-]{20,}={0,2}")

_Kind = Literal["password", "secret", "token", "key", ""]


@lru_cache(maxsize=4096)
def kind_of(name: str) -> _Kind:
    """Say what a name promises, "" if nothing secret. The last noun counts: ``password_length`` is a length."""
    plain = unicodedata.normalize("NFKD", name.replace("ł", "l")).encode("ascii", "ignore").decode()
    words = [word.lower() for word in _WORD.findall(plain)]
    while len(words) > 1 and _QUALIFIER.fullmatch(words[-1]):
        words.pop()
    *_, before, last = ["", "", *words]
    last = last.removesuffix("s") if is_plural(last) else last
    if last in ("pwd", "psw", "pswd") or last.endswith(("password", "passwd", "passphrase")):
        return "password"
    if last in _ELSEWHERE or "".join(words[-3:]) == "motdepasse" or "".join(words[-2:]) == "parolachiave":
        return "password"
    if last in ("pass", "pw", "authorization") or last.endswith(("secret", "apikey", "accesskey", "secretkey")):
        return "secret"
    if _HARMLESS.fullmatch(before):
        return ""
    if last.endswith("token"):
        return "secret" if _OPENER.fullmatch(before) or _ENV_NAME.fullmatch(name) else "token"
    if last == "key":
        return "secret" if _OPENER.fullmatch(before) else "token" if _ENV_NAME.fullmatch(name) else "key"
    random = ("auth", "credential", "credentials", "creds", "dsn", "cookie", "sessionid", "sessid", "jsessionid")
    return "token" if last in random else ""


def is_plural(name: str) -> bool:
    """Tell whether a name stands for several secrets: ``api_keys``."""
    return name.lower().endswith(("passwords", "secrets", "tokens", "keys"))


def is_asking(name: str) -> bool:
    """Tell whether a function's name asks for a secret, and does not set one: ``get_password``."""
    first = _WORD.match(name.rpartition(".")[2].lstrip("_"))
    return bool(first and _ASKING.fullmatch(first[0].lower()))


def is_env_name(name: str) -> bool:
    """Tell whether a name is written as those of environment variables are."""
    return bool(_ENV_NAME.fullmatch(name))


def holds_address(name: str) -> bool:
    """Tell whether a name stands for an address, which may have a password in it: ``DATABASE_URL``."""
    return bool(_ADDRESS.search(name))


def names_secret(name: str, value: str, *, entry: bool = False) -> bool:
    """Tell whether a name and a value together are a secret.

    Parameters
    ----------
    name
        Of a variable, an option, an environment variable …
    value
        Its value.
    entry
        Whether it is an entry of a dict, where a word beside "password" is rather a type or a label.
    """
    kind = kind_of(name)
    if not kind:
        return False
    value = re.sub(r"\{[^{}]*\}", "", value)  # what an f-string fills in
    if is_placeholder(value) or "://" in value:
        return False
    if kind == "password":
        return len(value) >= 4 and not (entry and (" " in value or not re.search(r"[0-9!@#$%^&*?]", value)))
    if re.search(r"\s", value):
        return False
    if kind == "secret":
        return len(value) >= 8 and not _is_wordy(value)
    return len(value) >= 16 and is_random(value) and (kind == "token" or bool(_THREE_CLASSES.fullmatch(value)))


def is_template(value: str) -> bool:
    """Tell whether a value is a gap to fill in: ``$TOKEN``, ``{password}``, ``<your-key>``, ``***``."""
    return bool(_TEMPLATE.search(value))


def is_placeholder(value: str) -> bool:
    """Tell whether a value only stands for a secret: a gap, ``changeme``, ``YOUR_KEY``, ``API_KEY``, a path."""
    if is_template(value) or _PLACEHOLDER.search(value) or len(set(value)) < 3:
        return True
    return _is_wordy(value) and bool(_NAMES_ITSELF.search(value) or _PATH.match(value))


def is_random(value: str) -> bool:
    """Tell random characters from words: they change all the time between small letters, capitals and digits."""
    for chunk in re.findall(r"[A-Za-z0-9+/]{8,}", value):
        classes = chunk.translate(_CLASSES)
        changes = sum(a != b for a, b in pairwise(classes))
        if changes >= max(3, len(classes) * (0.16 if "0" in classes else 0.4)):
            return True
        if len(classes) >= 16 and "A0A" in classes and "a" not in classes:
            return True
    return False


def _is_wordy(value: str) -> bool:
    return bool(_WORDS.fullmatch(value))
