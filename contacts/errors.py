"""The exceptions that stop the work; every expected end is a value instead.

ServiceError
├ RuleBroken(code, message)      a person asked for what is not allowed: a 4xx page or a polite mail
├ Unavailable (mailer.errors)    retried; logged once per outage
├ LoginRefused (mailer.errors)   alarm, job paused
├ TemplateError (mailer.errors)  shown to the coordinator
└ ConfigError (jobs.config)      all problems at once, naming the variable; exit 78
"""


class ServiceError(Exception):
    """The root of every exception that is ours."""


class RuleBroken(ServiceError):
    """Somebody asked for what the rules do not allow; `code` is for programs, `message` for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
