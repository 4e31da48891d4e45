"""Mail through an Airflow connection of type `smtp`, as Airflow's own provider connects: TLS, passwords, OAuth 2."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException
from airflow.providers.smtp.hooks.smtp import SmtpHook

from mlsys.errors import TransientError
from mlsys.notification.outbox import Notice


class MailServer(SmtpHook):  # type: ignore[misc]
    """The mail server of a connection that was looked up already."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection.conn_id)
        self._found = connection

    def get_connection(self, conn_id: str) -> Any:  # noqa: ARG002 - there is one
        """Return the connection."""
        return self._found

    @property
    def smtp_starttls(self) -> bool:
        """Whether TLS begins after the first words: never where it began before them."""
        return bool(super().smtp_starttls) and not self.use_ssl

    @property
    def smtp_retry_limit(self) -> int:
        """No further attempts: a notice waits in the outbox, which tries again."""
        return 0

    @property
    def timeout(self) -> int:
        """Seconds to wait for the server."""
        return int(self.conn.extra_dejson.get("timeout", 10))

    @property
    def sender(self) -> str:
        """Who writes."""
        return str(self.from_email or self.smtp_user or "mlsys@localhost")

    def send(self, to: str, notice: Notice) -> None:
        """Send a notice.

        Raises:
            TransientError: the server does not answer, or does not take it.
        """
        try:
            with self:
                self._smtp_client.send_message(_mail(self.sender, to, notice))
        except (OSError, smtplib.SMTPException, AirflowException) as error:
            where = f"{self._found.host}:{self._found.port}"
            raise TransientError(f"The mail was not taken: {error}", where=where) from error


def _mail(sender: str, to: str, notice: Notice) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = notice.subject, sender, to
    mail["Date"] = format_datetime(notice.at)
    mail["Message-ID"] = f"<{notice.key}@mlsys>"  # mail programs show a repetition once
    mail["X-Mlsys-Event"] = notice.event
    mail.set_content(notice.text)
    return mail
