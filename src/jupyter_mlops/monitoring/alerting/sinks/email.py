"""A letter, by SMTP: over TLS, with a certificate that is checked."""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from typing import Final

from ....ways import EmailSettings
from ..message import Message
from .way import NotSent, secret

_TIMEOUT: Final = 4.0


def send(message: Message, settings: EmailSettings) -> str:
    """Send it to all, and say of how many the server would have nothing: the others have it, and get it once."""
    letter = EmailMessage()
    letter["Subject"] = f"[mlops] {' '.join(message.subject.split())}"
    letter["From"], letter["To"] = settings.sender, ", ".join(settings.to)
    letter["Date"] = format_datetime(localtime())
    letter["Message-ID"] = f"<{message.id}@{settings.sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    password = secret(settings.password_env) if settings.password_env else None
    try:
        with _connected(settings) as server:
            if settings.user is not None and password is not None:
                server.login(settings.user, password)
            refused = server.send_message(letter)
    except smtplib.SMTPAuthenticationError:
        raise NotSent(f"{settings.host} does not take the user and the password in {settings.password_env}") from None
    except ssl.SSLError:
        raise NotSent(f"the certificate of {settings.host} is not one to trust") from None
    except smtplib.SMTPNotSupportedError:
        raise NotSent(f"{settings.host} has no {'TLS' if settings.security == 'starttls' else 'login'}") from None
    except smtplib.SMTPRecipientsRefused:
        raise NotSent(f"{settings.host} takes nothing for these addresses") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{settings.host} answered {error.smtp_code}") from None
    except TimeoutError:
        raise NotSent(f"{settings.host} did not answer within {_TIMEOUT:g} s") from None
    except (smtplib.SMTPException, OSError, socket.gaierror, UnicodeError):
        raise NotSent(f"{settings.host} can't be reached at port {settings.port}, or hung up") from None
    return f"not for {len(refused)} of {len(settings.to)} addresses" if refused else ""


def _connected(settings: EmailSettings) -> smtplib.SMTP:
    if settings.security == "tls":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=_TIMEOUT, context=ssl.create_default_context())
    server = smtplib.SMTP(settings.host, settings.port, timeout=_TIMEOUT)
    try:
        if settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
    except BaseException:
        server.close()
        raise
    return server
