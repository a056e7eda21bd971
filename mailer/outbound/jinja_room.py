"""The closed room in which coordinators' templates run: no reflection, no calls, no files, only facts and slots."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Literal

from jinja2 import BaseLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError, Undefined, UndefinedError
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from mailer.errors import TemplateError
from mailer.outbound.edition import Slot
from mailer.outbound.line_numbers import LineNumbers
from mailer.outbound.slots import ROOTS, Misuse, SlotValue, slot_values, unknown
from mailer.outbound.template_filters import TESTS, filters_for
from mailer.outbound.template_rules import check_rules

Place = Literal["markdown", "mjml", "line"]
_LOOP = ("index", "index0", "first", "last", "length")
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
_PRIVATE = re.compile("[\ue000-\uf8ff]")


class Room:
    """Renders the texts it is given (name to content) for one language; nothing else can be reached from it."""

    def __init__(self, texts: Mapping[str, str], facts: Mapping[str, Any], language: str, timezone: str | None) -> None:
        self._texts = texts
        self.book: dict[str, Slot] = {}
        self._known = {**{name: _frozen(value) for name, value in facts.items()}, **slot_values(self.book)}
        self._filters = filters_for(language, timezone)

    def render(self, name: str, place: Place, extra: Mapping[str, Any] | None = None) -> str:
        """The text `name` with its facts written in, escaped for `place`; raises TemplateError with file and line."""
        known = {**self._known, **(extra or {})}
        environment = _Environment(_Texts(self._texts, self._check(known)), place, self._filters)
        try:
            return environment.get_template(name).render(known)
        except TemplateError:
            raise
        except TemplateSyntaxError as error:
            raise TemplateError(_plain(str(error.message)), error.name or name, error.lineno) from None
        except TemplateNotFound as error:
            raise TemplateError(f"there is no layout {unknown(str(error.name), self._texts)}", name) from None
        except RecursionError:
            raise TemplateError("this template goes round in circles", name) from None
        except (Misuse, UndefinedError, SecurityError, TemplateRuntimeError, TypeError, ValueError) as error:
            file, line = _place(error.__traceback__, self._texts)
            raise TemplateError(_plain(str(error)), file or name, line) from None

    def _check(self, known: Mapping[str, Any]) -> Callable[["_Environment", str, str], None]:
        def check(environment: "_Environment", name: str, content: str) -> None:
            tree = environment.parse(content, name, name)
            check_rules(tree, name, known, environment.filters, environment.tests)

        return check


class _Texts(BaseLoader):
    """Gives Jinja the texts of the room, each checked before it is compiled."""

    def __init__(self, texts: Mapping[str, str], check: Callable[["_Environment", str, str], None]) -> None:
        self._texts, self._check = texts, check

    def get_source(self, environment: Any, template: str) -> tuple[str, str, None]:
        if template not in self._texts:
            raise TemplateNotFound(template)
        self._check(environment, template, self._texts[template])
        return self._texts[template], template, None


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja without its globals; a dot reads a key of a fact and nothing else."""

    def __init__(self, loader: BaseLoader, place: Place, filters: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            autoescape=place != "line",
            finalize=lambda value: _show(value, place),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            cache_size=0,
            extensions=[LineNumbers],
        )
        self.place = place
        self.globals.clear()
        self.filters.clear()
        self.filters.update(filters)
        self.tests.clear()
        self.tests.update(TESTS)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return super().getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, SlotValue):
            return obj[argument]
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        if isinstance(obj, tuple) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        if isinstance(obj, Undefined):
            return super().getitem(obj, argument)
        known = obj if isinstance(obj, Mapping) else ()
        return self.undefined(unknown(str(argument), known), obj=obj, name=str(argument))


def _show(value: Any, place: Place) -> Any:
    if isinstance(value, SlotValue):
        return value if place == "line" else Markup(value.__html__())  # noqa: S704 - a mark is letters and digits
    if isinstance(value, (Undefined, Markup)):
        return value
    if value is None or isinstance(value, bool):
        raise Misuse('there is no value to write here; write {{ … | or_else("…") }} or use {% if … %}')
    if not isinstance(value, (str, int, float)):
        raise Misuse("this is a list or a group of values; write one of them, or use {% for … %}")
    if place == "markdown":
        line = " ".join(_PRIVATE.sub("", str(value)).split())
        return Markup(_MARKDOWN.sub(r"\\\1", line))  # noqa: S704 - Markdown is escaped later
    return str(value)


def _frozen(value: Any) -> Any:
    """Plain data that no template can change: mappings, tuples, words, numbers."""
    if isinstance(value, Mapping):
        return MappingProxyType({str(key): _frozen(one) for key, one in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(one) for one in value)
    return value


def _place(trace: TracebackType | None, texts: Mapping[str, str]) -> tuple[str | None, int | None]:
    """The innermost frame that lies in one of our texts; Jinja rewrites its traces to template lines."""
    found: tuple[str | None, int | None] = (None, None)
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name in texts:
            found = (name, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _plain(message: str) -> str:
    """Jinja's own words, without the names of our classes."""
    for root in ROOTS:
        message = message.replace(f"{root} object", root)
    return re.sub(r"'(?:mailer|jinja2|types|builtins)[\w.]*( object)?'", "this", message)
