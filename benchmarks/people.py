"""Tables of invented people, each column labelled: personal or not, under names as tables have them.

The split was written down before the detector was: ``DEVELOPED`` was there to tune on, ``FRESH`` was measured last.
The local names of columns in ``FRESH`` are those of Django's, django-oscar's and django-allauth's translations.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from faker import Faker

ROWS = 200
OPAQUE = 0.2  # of the columns have a name that says nothing

DEVELOPED = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL", "pt_BR", "ro_RO", "fi_FI", "nl_NL", "ja_JP")
FRESH = (
    "sv_SE", "da_DK", "no_NO", "cs_CZ", "sk_SK", "hu_HU", "tr_TR", "pt_PT", "bg_BG", "hr_HR", "el_GR", "es_MX",
    "uk_UA", "ko_KR",
)  # fmt: skip

# first name, last name, e-mail, phone, address, city, country, order number, description, religion: as local tables say.
_WORDS = {
    "en_US": "first name|last name|email address|phone number|address|city|country|order number|description|religion",
    "en_GB": "forename|surname|e-mail|telephone|address line 1|town|country|reference|comments|faith",
    "de_DE": "Vorname|Nachname|E-Mail-Adresse|Telefonnummer|Anschrift|Ort|Land|Bestellnummer|Beschreibung|Konfession",
    "fr_FR": "prénom|nom de famille|adresse électronique|téléphone|adresse|ville|pays|numéro de commande|description|religion",
    "es_ES": "nombre|apellidos|correo electrónico|teléfono|dirección|ciudad|país|número de pedido|descripción|religión",
    "it_IT": "nome|cognome|indirizzo email|cellulare|indirizzo|città|paese|numero ordine|descrizione|religione",
    "pl_PL": "imię|nazwisko|adres e-mail|numer telefonu|ulica|miasto|kraj|numer zamówienia|opis|wyznanie",
    "pt_BR": "nome|sobrenome|e-mail|celular|endereço|cidade|país|número do pedido|descrição|religião",
    "ro_RO": "prenume|nume de familie|adresă de email|telefon|adresa|oraș|țara|număr comandă|descriere|religie",
    "fi_FI": "etunimi|sukunimi|sähköposti|puhelinnumero|katuosoite|kaupunki|maa|tilausnumero|kuvaus|uskonto",
    "nl_NL": "voornaam|achternaam|e-mailadres|telefoonnummer|adres|plaats|land|bestelnummer|omschrijving|geloof",
    "ja_JP": "名|姓|メールアドレス|電話番号|住所|市区町村|国|注文番号|説明|宗教",
    "sv_SE": "förnamn|efternamn|e-postadress|telefonnummer|adress|stad|land|ordernummer|beskrivning|religion",
    "da_DK": "fornavn|efternavn|e-mail-adresse|telefon|adresselinje 1|by|land|ordrenummer|beskrivelse|religion",
    "no_NO": "fornavn|etternavn|e-post adresse|telefonnummer|adresse linje 1|by|land|ordrenummer|beskrivelse|religion",
    "cs_CZ": "křestní jméno|příjmení|e-mailová adresa|telefon|adresa|město|země|číslo objednávky|popis|náboženství",
    "sk_SK": "krstné meno|priezvisko|e-mailová adresa|telefónne číslo|prvý riadok adresy|mesto|krajina|číslo objednávky|popis|náboženstvo",
    "hu_HU": "keresztnév|vezetéknév|e-mail cím|telefonszám|cím|város|ország|rendelésszám|leírás|vallás",
    "tr_TR": "adı|soyadı|e-posta adresi|telefon numarası|adres|şehir|ülke|sipariş numarası|açıklama|din",
    "pt_PT": "primeiro nome|último nome|endereço de e-mail|número de telefone|morada|cidade|país|número do pedido|descrição|religião",
    "bg_BG": "собствено име|фамилно име|имейл адрес|телефон|адрес|град|държава|номер на поръчка|описание|религия",
    "hr_HR": "ime|prezime|adresa e-pošte|broj telefona|adresa|grad|država|broj narudžbe|opis|vjera",
    "el_GR": "όνομα|επώνυμο|ηλεκτρονική διεύθυνση|τηλέφωνο|διεύθυνση|πόλη|χώρα|αριθμός παραγγελίας|περιγραφή|θρησκεία",
    "es_MX": "nombre|apellidos|dirección de correo electrónico|teléfono|primer línea de la dirección|ciudad|país|número del pedido|descripción|religión",
    "uk_UA": "ім'я|прізвище|адреса електронної пошти|номер телефону|адреса|місто|країна|номер замовлення|опис|релігія",
    "ko_KR": "이름|성|이메일 주소|전화번호|주소|시|국가|주문번호|설명|종교",
}  # fmt: skip
_LOCAL = ("first", "last", "email", "phone", "address", "city", "country", "order", "prose", "religion")

# The method of faker that makes ids which follow the country's own rules, where it has one, and what people call them.
_IDS = {
    "en_US": ("ssn", "SSN"), "en_GB": ("ssn", "NI number"), "fr_FR": ("ssn", "numéro de sécurité sociale"),
    "es_ES": ("nif", "DNI"), "it_IT": ("ssn", "codice fiscale"), "pl_PL": ("pesel", "PESEL"), "pt_BR": ("cpf", "CPF"),
    "ro_RO": ("ssn", "CNP"), "fi_FI": ("ssn", "henkilötunnus"), "nl_NL": ("ssn", "BSN"),
    "sv_SE": ("ssn", "personnummer"), "no_NO": ("ssn", "fødselsnummer"), "cs_CZ": ("birth_number", "rodné číslo"),
    "sk_SK": ("birth_number", "rodné číslo"), "hu_HU": ("ssn", "személyi azonosító"), "tr_TR": ("ssn", "TC kimlik no"),
    "hr_HR": ("ssn", "OIB"), "el_GR": ("ssn", "ΑΜΚΑ"), "es_MX": ("curp", "CURP"), "uk_UA": ("ssn", "РНОКПП"),
    "ko_KR": ("ssn", "주민등록번호"),
}  # fmt: skip

_FAITHS = {
    "ja_JP": "仏教 神道 キリスト教 無宗教", "sv_SE": "kristen muslim judisk ateist", "da_DK": "kristen muslim jødisk ateist",
    "no_NO": "kristen muslim jødisk ateist", "cs_CZ": "katolík evangelík muslim ateista",
    "sk_SK": "katolík evanjelik moslim ateista", "hu_HU": "katolikus református zsidó ateista",
    "tr_TR": "müslüman hristiyan yahudi ateist", "pt_PT": "católico protestante muçulmano ateu",
    "bg_BG": "православен католик мюсюлманин атеист", "hr_HR": "katolik pravoslavac musliman ateist",
    "el_GR": "ορθόδοξος καθολικός μουσουλμάνος άθεος", "es_MX": "católico protestante judío ateo",
    "uk_UA": "православний католик мусульманин атеїст", "ko_KR": "개신교 천주교 불교 무교",
    "de_DE": "katholisch evangelisch muslimisch konfessionslos", "fr_FR": "catholique protestant musulman athée",
    "es_ES": "católico protestante musulmán ateo", "it_IT": "cattolico protestante musulmano ateo",
    "pl_PL": "katolickie prawosławne protestanckie bezwyznaniowy", "pt_BR": "católico evangélico espírita ateu",
    "ro_RO": "ortodox catolic protestant ateu", "fi_FI": "luterilainen ortodoksi muslimi ateisti",
    "nl_NL": "katholiek protestants moslim atheïst",
}  # fmt: skip
_ENGLISH_FAITHS = "Christian Muslim Jewish Hindu Buddhist none"

_ENGLISH = {
    "first": ("first_name", "FirstName", "fname", "given_name", "Forename"), "last": ("last_name", "LastName", "surname", "family_name", "lname"),
    "full": ("name", "full_name", "customer_name", "contact_person", "patient"), "email": ("email", "EMail", "e_mail_address", "contact_email"),
    "phone": ("phone", "mobile", "tel_no", "PhoneNumber", "cell"), "address": ("address", "street", "addr_line_1", "StreetAddress"),
    "iban": ("iban", "bank_account", "account_no"), "card": ("card_number", "cc_no", "credit_card"),
    "id": ("national_id", "id_number", "personal_code", "tax_id"), "ip": ("ip", "client_ip", "remote_addr"),
    "birth": ("date_of_birth", "dob", "BirthDate", "birthday"), "lat": ("lat", "latitude"), "lon": ("lon", "longitude", "lng"),
    "user": ("username", "login", "user_name"), "note": ("notes", "comment", "message", "ticket_text"),
    "religion": ("religion", "faith", "religious_affiliation"), "health": ("diagnosis", "icd10", "condition_code"),
    "special": ("sexual_orientation", "ethnicity", "political_party", "union_member"),
    "city": ("city", "branch_city", "destination"), "country": ("country", "country_of_sale"), "company": ("company", "supplier", "employer_name"),
    "product": ("product_name", "item", "name_of_product"), "order": ("order_id", "invoice_no", "reference"),
    "ean": ("ean", "barcode", "sku_code"), "counter": ("row_id", "account_seq", "n"), "big": ("transaction_no", "ticket", "serial_number"),
    "uuid": ("uuid", "session_key", "device"), "price": ("price", "amount", "total"), "created": ("created_at", "order_date", "last_update"),
    "built": ("year_built", "founded", "release_date"), "prose": ("description", "review_text", "body"), "version": ("version", "firmware", "build"),
    "file": ("filename", "file_name", "path"), "host": ("hostname", "server_name", "domain"), "colour": ("color_name", "status_name", "category"),
    "grade": ("race_time", "party_size", "union_distance"), "reading": ("sensor_a", "x", "measurement"), "isbn": ("isbn", "book", "article_no"),
    "job": ("job_title", "occupation", "position"), "currency": ("currency", "unit", "code"),
}  # fmt: skip

_ORIENTATIONS = ("heterosexual", "homosexual", "bisexual", "asexual")
_ORIGINS = ("White", "Black or African American", "Asian", "Hispanic or Latino", "Native American")
_PARTIES = ("Conservative", "Labour", "Liberal Democrat", "Green Party", "none")


@dataclass(frozen=True)
class Labelled:
    """A table, and the kind of each personal column; all others are decoys."""

    frame: pd.DataFrame
    personal: dict[str, str]
    about: str


def tables(locales: tuple[str, ...], seed: int) -> list[Labelled]:
    """Make two tables of each locale: under English names, and under local ones where there are any."""
    return [_table(locale, is_local, seed) for locale in locales for is_local in (False, True)]


def _table(locale: str, is_local: bool, seed: int) -> Labelled:
    chance = random.Random(f"{seed} {locale} {is_local}")
    fake = Faker(locale)
    fake.seed_instance(chance.random())
    personal, decoys = _personal(fake, locale, is_local, chance), _decoys(fake, chance)
    columns = list({**personal, **decoys})
    chance.shuffle(columns)
    local = dict(zip(_LOCAL, _WORDS[locale].split("|"), strict=True)) | {"id": _IDS.get(locale, ("", ""))[1]}
    names: dict[str, str] = {}
    for place, what in enumerate(columns):
        name = local[what] if is_local and local.get(what) else chance.choice(_ENGLISH[what])
        if is_local and chance.random() < 0.5:
            name = name.replace(" ", "_")
        name = f"c{place}" if chance.random() < OPAQUE else name
        names[what] = name if name not in names.values() else f"{name}_{place}"
    makers = {**personal, **decoys}
    frame = pd.DataFrame({names[what]: [makers[what]() for _ in range(ROWS)] for what in columns})
    for what in ("email", "phone", "last", "birth", "city", "prose"):
        frame[names[what]] = frame[names[what]].mask([chance.random() < 0.05 for _ in range(ROWS)])
    return Labelled(frame, {names[what]: what for what in personal}, f"{locale}, {'local' if is_local else 'English'}")


def _personal(fake: Any, locale: str, is_local: bool, chance: random.Random) -> dict[str, Callable[[], Any]]:
    street = fake.street_address if hasattr(fake, "street_address") else fake.address
    faiths = (_FAITHS.get(locale, _ENGLISH_FAITHS) if is_local else _ENGLISH_FAITHS).split()
    special = chance.choice((_ORIENTATIONS, _ORIGINS, _PARTIES))
    as_text = chance.random() < 0.5
    makers: dict[str, Callable[[], Any]] = {
        "first": fake.first_name,
        "last": fake.last_name,
        "full": fake.name,
        "email": lambda: fake.email() if chance.random() > 0.02 else "n/a",
        "phone": fake.phone_number,
        "address": lambda: street().replace("\n", ", "),
        "iban": fake.iban,
        "card": fake.credit_card_number,
        "ip": fake.ipv4,
        "birth": lambda: _written(fake.date_of_birth(minimum_age=18, maximum_age=90), as_text),
        "lat": lambda: float(fake.latitude()),
        "lon": lambda: float(fake.longitude()),
        "user": fake.user_name,
        "note": lambda: _note(fake, chance),
        "religion": lambda: chance.choice(faiths),
        "health": lambda: f"{chance.choice('ABCDEFGHIJKLMNR')}{chance.randint(0, 99):02d}.{chance.randint(0, 9)}",
        "special": lambda: chance.choice(special),
    }
    if locale in _IDS:
        makers["id"] = getattr(fake, _IDS[locale][0])
    return makers


def _note(fake: Any, chance: random.Random) -> str:
    """Write prose in which every fifth has somebody's data in it."""
    told = chance.choice((f"{fake.email()}", f"{fake.phone_number()}", f"{fake.iban()}"))
    return f"{fake.sentence()} {told} {fake.sentence()}" if chance.random() < 0.2 else fake.paragraph(2)


def _decoys(fake: Any, chance: random.Random) -> dict[str, Callable[[], Any]]:
    counter = iter(range(100_001, 200_000))
    as_text = chance.random() < 0.5
    return {
        "city": fake.city,
        "country": fake.country,
        "company": fake.company,
        "job": fake.job,
        "product": fake.catch_phrase if hasattr(fake, "catch_phrase") else fake.bs,
        "order": lambda: f"{chance.choice('ABX')}-{chance.randint(10_000, 99_999)}",
        "ean": fake.ean13,
        "counter": lambda: next(counter),
        "big": lambda: chance.randint(10**9, 10**11),
        "uuid": fake.uuid4,
        "price": lambda: round(chance.lognormvariate(3, 1), 2),
        "created": lambda: _written(fake.date_time_between("-3y", "-1d"), as_text),
        "built": lambda: chance.randint(1900, 2024),
        "prose": lambda: fake.paragraph(3),
        "version": lambda: f"{chance.randint(0, 9)}.{chance.randint(0, 20)}.{chance.randint(0, 99)}",
        "file": fake.file_name,
        "host": fake.hostname,
        "colour": fake.color_name,
        "grade": lambda: round(chance.uniform(1, 60), 1),
        "reading": lambda: chance.uniform(-80, 80),
        "isbn": fake.isbn13,
        "currency": fake.currency_code,
    }


def _written(moment: Any, as_text: bool) -> Any:
    return str(moment) if as_text else pd.Timestamp(moment)
