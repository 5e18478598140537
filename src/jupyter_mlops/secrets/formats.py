"""Secrets that their format gives away, or the place where they stand: tokens, URLs, headers, shell lines, key files.

The formats are those that their makers publish, as gitleaks collects them (its ``config/gitleaks.toml``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from .names import is_placeholder, is_random, is_template
from .scan import Span, anchored

# A token begins a word. In JSON a line begins after the two characters "\n", in a diff after a sign.
_BEGIN: Final = r"(?:(?<![\w+/\\-])|(?<=\\[nrt])|(?<=[\s\"'][+-])|(?<=//))"
_END: Final = r"(?![\w+])"

_TOKENS: Final = tuple(
    (kind, prefix, re.compile(f"{_BEGIN}{re.escape(prefix)}({rest}){_END}"))
    for kind, prefixes, rest in (
        ("AWS access key", "AKIA ASIA ABIA ACCA", r"[A-Z2-7]{16}"),
        ("AWS Bedrock key", "ABSK", r"[A-Za-z0-9+/]{109,269}={0,2}"),
        ("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36,255}"),
        ("GitHub token", "github_pat_", r"\w{60,255}"),
        ("GitLab token", "glpat- gldt- glrt- glptt- glcbt- gloas- glsoat- glft-", r"[\w.-]{20,300}"),
        ("Hugging Face token", "hf_ api_org_", r"[A-Za-z0-9]{30,40}"),
        ("Databricks token", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
        ("Anthropic key", "sk-ant-", r"[\w-]{24,120}"),
        ("OpenAI key", "sk-proj- sk-svcacct- sk-admin- sk-or-v1-", r"[\w-]{24,200}"),
        ("OpenAI key", "sk-", r"[A-Za-z0-9]{20,64}"),
        ("key of an AI service", "gsk_ nvapi- pplx- r8_ xai- tvly- lsv2_pt_ lsv2_sk_ pcsk_", r"[\w-]{24,120}"),
        ("Slack token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxo- xapp-", r"[A-Za-z0-9.-]{20,200}"),
        ("Google API key", "AIza", r"[\w-]{35}"),
        ("Google OAuth secret", "GOCSPX- ya29.", r"[\w.-]{24,400}"),
        ("SendGrid key", "SG.", r"[\w-]{16,32}\.[\w-]{16,64}"),
        ("npm token", "npm_", r"[A-Za-z0-9]{36}"),
        ("PyPI token", "pypi-", r"[\w-]{50,1000}"),
        ("Docker token", "dckr_pat_ dckr_oat_", r"[\w-]{20,64}"),
        ("Stripe key", "sk_live_ sk_test_ rk_live_ rk_test_ rk_prod_ whsec_", r"[A-Za-z0-9]{16,120}"),
        ("Facebook token", "EAA", r"[A-Za-z0-9]{60,400}"),
        ("Vault token", "hvs. hvb. hvr.", r"[\w-]{24,300}"),
        ("DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", r"[0-9a-f]{64}"),
        ("Grafana token", "glsa_ glc_", r"[\w+/=]{32,400}"),
        ("Prefect key", "pnu_ pnb_", r"[A-Za-z0-9]{36}"),
        ("Notion token", "ntn_ secret_", r"[A-Za-z0-9]{43,46}"),
        ("Shopify token", "shpat_ shpca_ shppa_ shpss_", r"[0-9a-fA-F]{32}"),
        ("Sentry token", "sntrys_ sntryu_", r"[\w+/=]{40,600}"),
        ("Sonar token", "sqp_ squ_ sqa_", r"[0-9a-fA-F]{40}"),
        ("Sourcegraph token", "sgp_", r"(?:[0-9a-fA-F]{16}_|local_)?[0-9a-fA-F]{40}"),
        ("1Password token", "ops_eyJ", r"[\w+/=-]{100,4000}"),
        ("Fly.io token", "fm1r_ fm1a_ fm2_ fo1_", r"[\w+/=-]{43,2000}"),
        ("Linear key", "lin_api_", r"[A-Za-z0-9]{40}"),
        ("Postman key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
        ("age key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),
        ("JSON Web Token", "eyJ", r"[\w-]{10,2000}\.eyJ[\w-]{10,8000}(?:\.[\w-]{10,2000})?"),
    )
    for prefix in prefixes.split()
)


class _Place(NamedTuple):
    """Where a secret stands: a word to look for, and what has to match from there on. Its one group is the secret."""

    kind: str
    anchors: str
    pattern: str
    accept: Callable[[str], bool]


def _is_filled(value: str) -> bool:
    return not is_template(value)


def _is_no_example(value: str) -> bool:
    """Leave the password alone that manuals have in their addresses: ``user:password@localhost``."""
    return not is_template(value) and value.lower() not in ("password", "passwd", "changeme")


def _is_personal(value: str) -> bool:
    return _is_real(value) and not value.startswith("anonymous")


def _has_digit(value: str) -> bool:
    """Tell a password in a sentence from the word that goes on with it: "the password is required"."""
    return _is_real(value) and any(character.isdigit() for character in value)


def _is_real(value: str) -> bool:
    return not is_placeholder(value)


_USER: Final = r"[^\s/\"'`@:\\<>]{0,100}"
# How databases are set up for a try, on the machine itself.
_NOBODYS: Final = (
    r"(?!(?:postgres:postgres|root:root|admin:admin|guest:guest|test:test|user:user)@(?:localhost|127\.0\.0\.1))"
)
_HOST: Final = r"(?=[\w\[{.-])"
_ARGUMENTS: Final = r"\s(?:[^\n]|\\\n){0,160}?(?<=\s)"  # what stands before an option of a shell line
_ARGUMENT: Final = r"[ =]?\\*[\"']?([^\s\"'\\]{4,200})"
_LITERAL: Final = r"\\*[\"'][^\"'\n\\]{1,100}\\*[\"']"

_PLACES: Final = (
    _Place("password in a URL", "://", rf"://{_NOBODYS}{_USER}:([^\s/\"'`\\<>]{{1,200}})@{_HOST}", _is_no_example),
    _Place("token in a URL", "://", rf"://([^\s/\"'`@:\\]{{12,300}})(?::[\w-]{{0,20}})?@{_HOST}", is_random),
    _Place("token in a URL", "key= appid= code=", r"(?<=[?&_])\w+=([\w%-]{16,200})", is_random),
    _Place("signature in a URL", "sig= Signature=", r"(?<=[?&-])[sS]ig\w*=([\w%+/=~-]{16,700})", is_random),
    _Place("Azure client secret", "Q~", r"(?<=[\w~.]{3}\d)Q~([\w~.-]{31,34})(?![\w~-])", _is_real),
    _Place("Anaconda token", "/t/", r"/t/([a-z]{2}-[0-9a-f]{8}-[0-9a-f-]{27})(?=/)", _is_real),
    _Place("Azure storage key", "AccountKey=", r"AccountKey=([\w+/]{40,100}={0,2})", _is_real),
    _Place("Azure storage key", "account.key.", rf"[\w.]+\\*[\"']\s*,\s*{_ARGUMENT}", _is_real),
    _Place("Slack webhook", "hooks.slack.com/", r"[\w.]+/(?:services|workflows|triggers)/([\w+/]{20,90})", _is_real),
    _Place("Discord webhook", "/api/webhooks/", r"/api/webhooks/\d{8,20}/([\w-]{40,100})", _is_real),
    _Place("Telegram token", ":AA", r"(?<=\d{8}):(AA[\w-]{33})(?![\w-])", _is_real),
    _Place("bearer token", "Bearer bearer", r"\w+ {1,3}([\w.~+/=-]{16,4000})", is_random),
    _Place(
        "password",
        "curl wget http",
        rf"\w+{_ARGUMENTS}(?:-u|--user)[ =]*\\*[\"']?[^\s:\"'{{$<]{{0,100}}\\*[\"']?:\\*[\"']?([^\s\"'\\]{{3,200}})",
        _is_filled,
    ),
    _Place(
        "password",
        "echo ",
        rf"echo (?:-n )?{_ARGUMENT}\\*[\"']?\s*\|[^\n]{{0,80}}(?:login|stdin|sudo|passwd)",
        _is_filled,
    ),
    _Place("password", "PASSWORD IDENTIFIED identified", r"\w+ (?:[bB][yY] )?'([^'\s\\]{4,100})'", _is_real),
    _Place("token of a login", "login ", r"login (?:--?[\w-]+ ){0,3}([\w-]{20,200})", is_random),
    _Place("token of a login", "authtoken ", r"authtoken (?:add )?([\w-]{20,200})", is_random),
    _Place("token of a login", "config set ", r"config set -n key -v ([\w-]{16,200})", is_random),
    _Place("API key", "pi key  PI key  pi_key  PI_KEY ", r"[pP][iI][ _](?:key|KEY) ([\w-]{16,200})", is_random),
    _Place(  # an account may stand before it
        "key of a client",
        "Client( _api( Api( API( Auth( Experiment( Fernet( Service( Translator( login( .init(",
        rf"\.?\w+\(\s*(?:{_LITERAL}\s*,\s*(?=b?\\*[\"']))?+b?\\*[\"']([\w+/=:-]{{20,200}})\\*[\"']\s*[,)]",
        is_random,
    ),
    _Place("private key", "from_key(", r"from_key\(\s*\\*[\"'](0x[0-9a-fA-F]{64})\\*[\"']", _is_real),
    _Place(
        "recovery phrase",
        "nemonic seed_phrase recovery_phrase",
        r"\w+\s*=\s*\\*[\"']((?:[a-z]{3,8} ){11,23}[a-z]{3,8})\\*[\"']",
        _is_real,
    ),
    _Place(
        "password",
        "FTP( FTP_TLS(",
        rf"\w+\((?:\s*(?:{_LITERAL}|[\w.]{{1,60}})\s*,){{2}}\s*\\*[\"']([^\"'\n\\]{{4,100}})\\*[\"']",
        _is_personal,
    ),
    _Place("password", "connect( thin:", r"\w+[(:]\\*[\"']?\w{1,60}/([^\s\"'@/\\]{4,100})@", _is_real),  # Oracle's
    _Place("cookie", "Cookie", r"Cookie\\*[\"']?\s*:\s*\\*[\"']?([\w.-]{1,60}=[^\"'\n\\]{16,2000})", is_random),
    _Place("password", "mysql mariadb", rf"\w+{_ARGUMENTS}-p([^\s\"'\\]{{4,100}})", _is_filled),
    _Place("password", "docker podman", rf"\w+ login{_ARGUMENTS}-p{_ARGUMENT}", _is_filled),
    _Place("password", "redis-cli", rf"[\w-]+{_ARGUMENTS}-a{_ARGUMENT}", _is_filled),
    _Place("password", "dvc remote", r"dvc remote modify (?:--\w+ )*\S{1,100} password ([^\s\"']{4,200})", _is_filled),
    _Place("password", "assword is", r"\w+ is:? ([^\s\"'\\]{6,100})", _has_digit),
    _Place(
        "password",
        "pymssql.connect(",
        rf"[\w.]+\((?:\s*{_LITERAL}\s*,){{2}}\s*\\*[\"']([^\"'\n\\]{{4,100}})\\*[\"']",
        _is_real,
    ),
    _Place(
        "password",
        "cx_Oracle.connect( oracledb.connect(",
        rf"[\w.]+\(\s*{_LITERAL}\s*,\s*\\*[\"']([^\"'\n\\]{{4,100}})\\*[\"']",
        _is_real,
    ),
    _Place(
        "signing key",
        "jwt.encode( jwt.decode(",
        r"[\w.]+\(\s*[\w.]{1,60}\s*,\s*\\*[\"']([^\"'\n\\]{8,200})\\*[\"']",
        _is_real,
    ),
    _Place("password", "sshpass", rf"sshpass -p{_ARGUMENT}", _is_filled),
    _Place(
        "password", "machine ", r"machine\s+\S{1,100}\s+login\s+\S{1,100}\s+password\s+([^\s\"'\\]{4,200})", _is_filled
    ),
    _Place(
        "password",
        "auth Auth( login( set_password(",
        rf"(?:auth\s?=\s?|\w+)\(\s*(?:{_LITERAL}\s*,\s*){{1,2}}\\*[\"']([^\"'\n\\]{{4,100}})\\*[\"']\s*\)",
        _is_personal,
    ),
)
_COMPILED: Final = tuple((place, re.compile(place.pattern)) for place in _PLACES)

_PEM_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_RUN: Final = re.compile(r"\\[nr]|([A-Za-z0-9+/=]{2,})")
_PEM_LONGEST: Final = 20_000


def formatted(text: str) -> Iterator[Span]:
    """Find the secrets that their format or their place gives away."""
    for kind, prefix, pattern in _TOKENS:
        for match in anchored(text, [prefix], pattern):
            if not is_placeholder(match[1]):
                yield Span(*match.span(), kind)
    for place, pattern in _COMPILED:
        for match in anchored(text, place.anchors.split(), pattern):
            if place.accept(match[1]):
                yield Span(*match.span(1), place.kind)
    yield from _private_keys(text)


def _private_keys(text: str) -> Iterator[Span]:
    """Find private keys, run by run of their characters: what stands between (lines, quotes, a diff's signs) stays."""
    end = 0
    while begin := _PEM_BEGIN.search(text, end):
        end = text.find("-----END", begin.end(), begin.end() + _PEM_LONGEST)
        cut_off, end = end < 0, end if end >= 0 else begin.end() + _PEM_LONGEST
        runs = [run for run in _PEM_RUN.finditer(text, begin.end(), end) if run[1]]
        longest = max((len(run[1]) for run in runs), default=0)
        shortest = 40 if cut_off or longest < 40 else 2  # whole lines are a key's; shorter runs might be words
        kind = "private key"
        for run in runs:
            if len(run[1]) >= shortest:
                yield Span(*run.span(1), kind)
                kind = ""
