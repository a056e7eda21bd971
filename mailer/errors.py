"""The mailer's part of the error tree drawn in `contacts.errors`."""

from contacts.errors import ServiceError


class Unavailable(ServiceError):
    """A server cannot be used now; the work stays where it is and is tried again."""


class MailboxUnavailable(Unavailable):
    """The IMAP server is away, broken off, or refuses a command that should work."""


class SubmissionUnavailable(Unavailable):
    """The submission server is away or refuses us as a whole; no recipient is to blame."""


class ClaimLost(ServiceError):
    """A letter we had claimed is not ours any more: withdrawn, erased, or taken over; it must not go out from here."""


class LoginRefused(ServiceError):
    """A server does not accept our name and password: a person has to act."""


class TemplateError(ServiceError):
    """A coordinator's template cannot be used; says where and what to do."""

    def __init__(self, message: str, file: str, line: int | None = None) -> None:
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}")
        self.message = message
        self.file = file
        self.line = line
