"""How columns of personal data are named, in many languages.

Words are folded: without marks, in small letters. ``word*`` is how a word begins; ``*word*`` is anywhere in one. Words
of scripts without spaces are looked for anywhere. More than one word is a phrase.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Final

NAMES: Final[dict[str, str]] = {
    "e-mail": "email* | e mail* | *mailadres* | courriel | correo electronico | correo | correio eletronico | posta elettronica | e post* | epost* | sahkoposti* | el posti | eposta* | e posta* | elektronska posta | drusus pastas | elektroniczny | elektronnoi pochty | имеил* | имейл* | электронная почта | почта | e поща | електронна поща | електронно* пошт* | електронна адреса | електронноi пошти | ηλεκτρονικη διευθυνση | ηλεκτρονικη | adresse electronique | メール | 電子メール | 邮箱 | 邮件 | 電郵 | 이메일 | 전자우편 | بريد | דואל",
    "IP address": "ip | ip addr* | ip adres* | adresa ip | direccion ip | endereco ip | ipv4 | ipv6 | ipaddr* | client ip | remote addr | remote ip | ip адрес* | ip διευθυνση | ipアドレス | ip地址 | ip 주소",
    "phone number": "phone* | telephone* | telefon* | tel | telno | mobile | mobil | mobilnr | mobilnummer | cell | cellphone | cellulare | celular | handy* | handynummer | gsm | msisdn | fax | faxnr | portable | movil | telemovel | komorka | komorkowy | puhelin* | matkapuhelin* | puh | puhnro | simi | talefon* | telefoan* | telefono* | telefone* | telephon* | kontakttelefon | gsm nummer | τηλεφων* | κινητο | телефон* | мобильный | тел | gsm broj | talrunis | telef* | 電話* | 携帯* | 手机* | 电话* | 전화* | 휴대폰 | 핸드폰 | هاتف | טלפון | whatsapp",
    "IBAN": "iban | bank account | bankkonto | kontonummer | kontonr | kontoverbindung | account no | account number | bankrekening* | rekeningnummer | numer konta | nr konta | cuenta bancaria | numero de cuenta | conta bancaria | conto corrente | compte bancaire | rib | tilinumero | cislo uctu | broj racuna | bankszamlaszam | hesap no | iban cont | cont bancar | bankszamla | 口座番号 | 银行账号 | 계좌번호 | банковский счет | банковска сметка | рахунок",
    "card number": "card number | card no | cardno | cardnumber | credit card | creditcard | debit card | cc no | cc num | cc number | pan number | kreditkarte* | kartennummer | carte bancaire | carte de credit | numero carte | tarjeta* | cartao* | carta di credito | numer karty | luottokortti* | kreditkort* | cislo karty | broj kartice | kredi karti | numar card | クレジットカード | 信用卡 | 신용카드",
    "national id": "ssn | social security | national id* | national insurance | ni number | nino | id card | id number | identity number | identity card | personal code | personal id | personal number | passport* | tax id | tin | taxid | steuer id | steueridentifikation* | steuernummer | sozialversicherung* | svnr | ausweis* | personalausweis* | reisepass* | driver licen* | drivers licen* | driving licen* | fuhrerschein* | numero de securite sociale | securite sociale | nir | insee | passeport | carte d identite | dni | nif | nie | cedula | pasaporte | curp | rfc | rut | documento | codice fiscale | cf | passaporto | pesel | dowod osobisty | nr dowodu | paszport | cpf | rg | nis | passaporte | cartao de cidadao | cnp | cod numeric personal | serie buletin | hetu | henkilotunnus | sotu | passi | bsn | burgerservicenummer | rijksregisternummer | paspoort | personnummer | samordningsnummer | fodselsnummer | cpr* | rodne cislo | rc | szemelyi azonosito* | szemelyi szam | taj* | tc kimlik* | kimlik no | tckn | vatandaslik | egn | егн | еднен граждански номер | единен граждански номер | oib | jmbg | emso | amka | αμκα | αφμ | isikukood | asmens kodas | personas kods | kennitala | aadhaar | pan | снилс | инн | паспорт* | рнокпп | іпн | ідентифікаційний код | マイナンバー | 身份证* | 주민등록번호 | 주민번호 | תעודת זהות",
    "date of birth": "birth | birthdate | birth date | birth dt | date of birth | dob | d o b | birthday | bday | born | birthyear | birth year | year of birth | geburtsdatum | geburtstag | geburtsjahr | geboren | geb datum | gebdat | date de naissance | naissance | date naiss | ne le | fecha de nacimiento | nacimiento | fecha nac* | f nacimiento | data di nascita | nascita | data nascita | data urodzenia | urodzenia | data de nascimento | nascimento | dt nascimento | data nasterii | nasterii | syntymaaika | syntymapaiva | geboortedatum | geboortejaar | fodelsedatum | fodelsear | fodselsdato | fodselsdag | datum narozeni | narozeni | datum narodenia | narodenia | szuletesi* | szuletesnap | dogum* | dogum tarihi | datum rodenja | rodenja | datum rojstva | sunniaeg | gimimo data | dzimsanas datums | ημερομηνια γεννησης | γεννησης | дата рождения | рождения | дата на раждане | раждане | дата народження | народження | 生年月日 | 誕生日 | 出生日期 | 出生 | 생년월일 | 생일 | تاريخ الميلاد",
    "address": "address | address line* | addr | addr line* | addr1 | addr2 | street | street address | streetaddress | postal address | mailing address | home address | residence | anschrift | adresse | adresse linje* | adresselinje* | strasse | str | wohnort | hausnummer | adresse postale | rue | voie | domicile | direccion | calle | domicilio | direccion postal | indirizzo | via | residenza | adres* | ulica | zamieszkania | endereco | logradouro | rua | morada* | adresa | adresy | strada | domiciliu | osoite | katuosoite | lahiosoite | kotiosoite | straat | straatnaam | woonadres | adress | gatuadress | gata | bostad | gateadresse | vejnavn | bopael | ulice | bydliste | cim | lakcim | utca | sokak | cadde | ulica i broj | naslov stalnega | aadress | adresas | gatve | διευθυνση | οδος | адрес* | улица | вулиця | 住所 | 番地 | 地址 | 住址 | 주소 | عنوان",
    "geo-position": "lat | latitude | lng | lon | long | longitude | gps | geo | geolocation | geoloc | coordinates | coords | coord | latlng | latlon | latlong | breitengrad | langengrad | latitud | longitud | latitudine | longitudine | szerokosc geograficzna | dlugosc geograficzna | leveysaste | pituusaste | breedtegraad | lengtegraad | latitud | longitud | enlem | boylam | szelesseg | hosszusag | широта | долгота | 緯度 | 経度 | 纬度 | 经度 | 위도 | 경도 | location point",
    "user name": "username | user name | login | loginname | login name | userid | user handle | handle | screen name | nickname | nick | benutzername | nutzername | anmeldename | identifiant | nom d utilisateur | pseudo | nombre de usuario | usuario | nome utente | utente | nazwa uzytkownika | nome de usuario | nome de utilizador | utilizador | nume utilizator | utilizator | kayttajanimi | kayttajatunnus | gebruikersnaam | anvandarnamn | brukernavn | brugernavn | uzivatelske jmeno | pouzivatelske meno | felhasznalonev | kullanici adi | korisnicko ime | uporabnisko ime | kasutajanimi | vartotojo vardas | ονομα χρηστη | имя пользователя | логин | потребителско име | им'я користувача | ユーザー名 | 用户名 | 사용자 이름 | 아이디 | twitter | instagram | telegram | skype | facebook | linkedin",
    "name": "first name | firstname | fname | given name | givenname | forename | middle name | middlename | mname | last name | lastname | lname | surname | family name | familyname | maiden name | full name | fullname | customer name | client name | person name | patient name | employee name | student name | contact name | contact person | passenger name | guest name | author name | cardholder* | account holder | holder name | next of kin | spouse | mother name | father name | vorname | nachname | familienname | rufname | geburtsname | kundenname | ansprechpartner | kontaktperson | inhaber | prenom | nom de famille | nom | nom complet | nom et prenom | apellido* | primer apellido | segundo apellido | nombres | nombre completo | nombre y apellidos | cognome | nominativo | nome e cognome | imie | imiona | nazwisko* | imie i nazwisko | sobrenome | primeiro nome | ultimo nome | nome completo | apelido | prenume* | nume de familie | nume complet | nume si prenume | etunimi | etunimet | sukunimi | kokonimi | voornaam | achternaam | familienaam | tussenvoegsel | roepnaam | fornamn | efternamn | tilltalsnamn | fornavn | etternavn | efternavn | mellomnavn | krestni jmeno | prijmeni | jmeno a prijmeni | krstne meno | priezvisko | meno a priezvisko | keresztnev | vezeteknev | utonev | csaladnev | csaladi nev | teljes nev | soyad | soyadi | soyisim | ad soyad | adi soyadi | prezime | ime i prezime | ime prezime | priimek | ime in priimek | eesnimi | perekonnanimi | vardas | pavarde | vards | uzvards | επωνυμο | ονοματεπωνυμο | фамилия | фамилно име | собствено име | имя | отчество | фио | прізвище | по батькові | піб | 姓 | 氏名 | 名前 | お名前 | 姓名 | 성 | 성명 | 성함 | اسم العائلة | שם משפחה",
}  # fmt: skip

# Names that may be somebody's, if what stands below looks like it.
MAYBE_NAME: Final = "name | names | nome | nombre | nombres | nom | nome | nume | naam | navn | namn | nimi | jmeno | meno | nev | ad | adi | isim | ime | име | ім'я | iм'я | ονομα | имя | 名 | 名前 | 姓名 | 이름 | 성명 | اسم | שם | person | patient | contact | customer | client | employee | owner | student | passenger | author | kunde | klient | cliente | kontakt | osoba | mitarbeiter | assignee | manager | agent | doctor | member | user"

# What makes a name or an address that of a thing.
OF_THINGS: Final = "file | filename | product* | produkt* | produit | producto | produto | item | article | artikel | company | firm | firma | entreprise | empresa | azienda | supplier | vendor | lieferant | employer | brand | marke | host | hostname | server | domain | url | web | site | column | feature | field | table | color | colour | farbe | category | kategorie | status | event | model | device | version | city | town | stadt | ort | ville | ciudad | citta | miasto | cidade | oras | kaupunki | stad | country | land | pays | pais | paese | kraj | state | region | branch | department | team | project | campaign | mac | memory | class | type | group | species | course | job | occupation | position | bank | hotel | store | shop | school | station | ship | game | song | movie | book | currency | tag | label | title | method | function | metric | variable | parameter | material | drug | disease | gene"

SPECIAL: Final[dict[str, str]] = {
    "health": "diagnosis | diagnose* | diagnostic | icd | icd10 | icd 10 | disease* | illness | health | health status | medical* | medication | symptom* | allerg* | disability | disabled | handicap | blood type | blood group | bloodtype | pregnan* | hiv | hiv status | mental health | treatment | surgery | sick days | sick leave | sickness | vaccin* | bmi | gesundheit* | krankheit* | krankmeldung | behinderung* | schwerbehindert | blutgruppe | schwanger* | medikament* | sante | maladie* | grossesse | groupe sanguin | salud | enfermedad* | discapacidad | embarazo | grupo sanguineo | saude | doenca* | deficiencia | salute | malattia* | disabilita | gruppo sanguigno | zdrowie | choroba | niepelnosprawnosc | grupa krwi | sanatate | boala | grupa sanguina | terveys* | sairaus | veriryhma | diagnoosi | gezondheid* | ziekte* | halsa | sjukdom* | helse | sykdom | sygdom | helbred | blodtype | zdravi | zdravotni | nemoc | zdravotny | betegseg | egeszseg* | saglik | hastalik | zdravlje | bolest | υγεια | ασθενεια | διαγνωση | здоровье | диагноз | болезнь | заболяване | здраве | діагноз | хвороба | 病歴 | 病名 | 血液型 | 疾病 | 诊断 | 진단 | 혈액형 | 질병",
    "religion": "religio* | faith | denomination | church | konfession* | kirchensteuer | kirche | confession | culto | confessione | wyznanie | religie | religia | religiao | uskonto | uskontokunta | geloof* | godsdienst | trossamfund | trossamfunn | trosretning | nabozenstvi | nabozenstvo | vallas | felekezet | din | dini | vjera | vjeroispovijest | veroispovest | usk | tikyba | θρησκεια | θρησκευμα | религия | вероисповедание | вяра | релігія | віросповідання | 宗教 | 信仰 | 종교 | ديانة | דת",
    "origin": "race | racial* | ethnic* | ethnicity | ethnie | origine ethnique | origen etnico | etnia | etnico | raza | raca | cor raca | etnicitate | narodowosc | pochodzenie | ethnisch* | herkunft | migrationshintergrund | etniciteit | afkomst | etnicitet | etnisk* | etninen | narodnost | nemzetiseg | etnikum | nemzetisegi | etnik koken | narodnost | nacionalnost | εθνικοτητα | раса | этническ* | национальность | етнически | етнічн* | 人種 | 民族 | 种族 | 인종 | 민족 | tribe | caste | skin color | skin colour",
    "sexual orientation": "sexual orientation | orientation sexuelle | sexuality | sexual preference | sexuelle orientierung | sexualitat | orientacion sexual | orientacao sexual | orientamento sessuale | orientacja seksualna | orientare sexuala | seksuaalinen suuntautuminen | seksuele geaardheid | sexuell laggning | seksuell legning | seksuel orientering | sexualni orientace | sexualna orientacia | szexualis iranyultsag | cinsel yonelim | seksualna orijentacija | сексуальная ориентация | сексуална ориентация | 性的指向 | 性取向 | 성적 지향 | lgbt* | gender identity | sex life",
    "politics": "political* | politics | political party | party affiliation | party membership | voted for | vote intention | partei* | parteizugehorigkeit | politische | parti politique | opinion politique | partido politico | afiliacion politica | partito politico | partia | poglady polityczne | partid politic | puolue | politieke voorkeur | politiska asikter | politisk* | politicka strana | politicke* | siyasi parti | politicka stranka | πολιτικη | политическая партия | политически* | політичн* | 支持政党 | 政党 | 政治面貌 | 정당 | 정치",
    "trade union": "trade union | union member* | labor union | labour union | gewerkschaft* | syndicat | sindicato | sindacato | afiliacion sindical | zwiazek zawodowy | sindicat | ammattiliitto | vakbond* | fackforening | fagforening | odbory | szakszervezet | sendika | sindikat | συνδικατο | профсоюз | профспілка | 労働組合 | 노동조합",
    "genetics or biometrics": "genetic* | genome | genotype | dna | snp | fingerprint | fingerabdruck | biometric* | biometrisch* | retina | iris scan | iris code | face embedding | faceid | voiceprint | faceprint",
    "criminal record": "criminal record | criminal history | conviction* | convicted | arrest* | felony | vorstrafe* | casier judiciaire | antecedentes penales | casellario | karalnosc | strafblad | straffregister | rejstrik trestu",
}  # fmt: skip

QUASI: Final = "age | alter | edad | eta | wiek | idade | varsta | ika | leeftijd | alder | vek | kor | yas | sex | gender | geschlecht | sexe | sexo | sesso | genere | plec | sukupuoli | geslacht | kon | kjonn | pohlavi | nem | cinsiyet | spol | zip* | zipcode | postcode | post code | postal code | postal | plz | postleitzahl | code postal | codigo postal | cap | kod pocztowy | cep | cod postal | postinumero | postnummer | psc | iranyitoszam | posta kodu | city | town | stadt | ort | wohnort | ville | ciudad | comune | citta | miasto | cidade | oras | kaupunki | kunta | stad | plaats | woonplaats | kommun | county | state | district | region | municipality | country | nationality | staatsangehorigkeit | nationalite | nacionalidad | nazionalita | obywatelstwo | marital status | marital | civil status | familienstand | job | job title | occupation | profession | beruf | education | education level | degree | workclass | relationship | native country | household size | children | race | ethnicity | hire date | employer"

# Of those, what few people share.
FINE: Final = "zip* | zipcode | postcode | post code | postal code | postal | plz | postleitzahl | code postal | codigo postal | kod pocztowy | cep | cod postal | postinumero | postnummer | psc | iranyitoszam | posta kodu | hire date"
# And what only people have; and what a decision may not hang on (the Charter's Art. 21).
OF_PEOPLE: Final = "age | alter | edad | eta | wiek | idade | varsta | ika | leeftijd | alder | vek | kor | yas | sex | gender | geschlecht | sexe | sexo | sesso | genere | plec | sukupuoli | geslacht | kon | kjonn | pohlavi | nem | cinsiyet | spol | nationality | staatsangehorigkeit | nationalite | nacionalidad | nazionalita | obywatelstwo | marital status | marital | civil status | familienstand | occupation | profession | beruf | education | workclass | relationship | native country | household size | race | ethnicity"
PROTECTED: Final = "sex | gender | geschlecht | sexe | sexo | sesso | genere | plec | sukupuoli | geslacht | kon | kjonn | pohlavi | nem | cinsiyet | spol | age group | ageband | nationality | staatsangehorigkeit | nationalite | nacionalidad | nazionalita | obywatelstwo | citizenship | native country | marital status | disability | disabled | race | ethnicity"

# A "long term debt" is nowhere on the map, nor is a "lat ms", which is a time.
_LENGTHY: Final = re.compile(
    r"(?<!\S)(long (?!lat|deg|wgs|coord)|lat(ency)? (?=(ms|us|ns|sec|secs|seconds|s|p\d+|avg|mean|max)(?!\S)))"
)
# What makes it a thing that people of any origin or faith may have to do with.
_CULTURAL: Final = "food | foods | cuisine | restaurant* | dish | recipe* | music | essen | kuche | comida | cucina"
_CAMEL: Final = re.compile(r"(?<=[a-zα-ω0-9])(?=[A-ZÄÖÜ])|(?<=[A-Z])(?=[A-Z][a-z])")
_SIGNS: Final = re.compile(r"[^\w']+|_+")
_WITHOUT_SPACES: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_FOLDS: Final = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "’": "'", "ð": "d", "þ": "th"})  # fmt: skip


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Write text in small letters and without marks; Cyrillic й and Hangul stay whole."""
    lowered = text.lower().translate(_FOLDS)
    if lowered.isascii():
        return lowered
    plain = "".join(c for c in unicodedata.normalize("NFD", lowered) if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", plain)


def split(label: str) -> str:
    """Take the name of a column apart: ``customerFirst_name`` is ``customer first name``."""
    return " ".join(_SIGNS.sub(" ", fold(_CAMEL.sub(" ", label))).split())


@cache
def _pattern(words: str) -> re.Pattern[str]:
    parts = []
    for word in (fold(word.strip()) for word in words.split(" | ")):
        if _WITHOUT_SPACES.search(word):
            # One sign alone is part of too many words: it must be the whole name.
            parts.append(f"^{re.escape(word)}$" if len(word) == 1 else re.escape(word.strip("*")))
            continue
        body = re.escape(word.strip("*")).replace(r"\ ", " ").replace(r"\*", r"\w*")
        begin, end = "" if word.startswith("*") else r"(?<!\S)", r"\w*" if word.endswith("*") else ""
        parts.append(f"{begin}{body}{end}(?!\\S)")
    return re.compile("|".join(parts))


def says(words: str, label: str) -> bool:
    """Whether the name of a column, taken apart, has one of these words or phrases."""
    return bool(_pattern(words).search(label))


@lru_cache(maxsize=8192)
def kind_of(label: str) -> str | None:
    """Say which kind of personal data the name of a column promises; the narrowest first."""
    apart = _LENGTHY.sub("", split(label))
    for kind, words in NAMES.items():
        if says(words, apart) and not (kind in ("name", "address", "IP address") and _is_of_a_thing(kind, apart)):
            return kind
    return None


def says_anything(label: str) -> bool:
    """Whether the name of a column promises anything personal."""
    return kind_of(label) is not None or special_of(label) is not None


def may_name_people(label: str) -> bool:
    """Whether the name of a column may stand over people's names."""
    apart = split(label)
    return says(MAYBE_NAME, apart) and not says(OF_THINGS, apart)


def is_of_a_thing(label: str) -> bool:
    """Whether the name of a column says that it is about a thing."""
    return says(OF_THINGS, split(label))


@lru_cache(maxsize=8192)
def special_of(label: str) -> str | None:
    """Say which special category the name of a column promises."""
    apart = split(label)
    if says(_CULTURAL, apart):
        return None
    return next((kind for kind, words in SPECIAL.items() if says(words, apart)), None)


def is_quasi(label: str) -> bool:
    """Whether the name of a column is that of something by which, together with others, people are found."""
    return says(QUASI, split(label))


def is_of_people(label: str) -> bool:
    """Whether the name of a column is that of something only people have."""
    return says(OF_PEOPLE, split(label))


def is_fine(label: str) -> bool:
    """Whether the name of a column is that of something that few people share, such as a postcode."""
    return says(FINE, split(label))


def is_protected(label: str) -> bool:
    """Whether the name of a column is that of a protected attribute."""
    return says(PROTECTED, split(label))


def _is_of_a_thing(kind: str, apart: str) -> bool:
    return says(OF_THINGS, apart) or (kind == "address" and says("mac | memory | web | url | hash | wallet", apart))
