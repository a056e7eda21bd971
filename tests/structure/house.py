"""The house as its source shows it: every module parsed once, and the rules it has to keep, without importing any."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("contacts", "mailer", "web", "jobs")

SQL_ROOMS = (
    "contacts/database.py", "contacts/migrate.py", "contacts/migrations/", "contacts/roster.py", "contacts/agenda.py",
    "contacts/coordinator.py", "contacts/exchange.py", "contacts/privacy.py", "mailer/inbound/register.py",
    "mailer/outbound/outbox.py", "mailer/outbound/claiming.py", "mailer/outbound/recording.py",
    "mailer/outbound/recovery.py", "mailer/outbound/newsletter.py",
)  # fmt: skip
LINE_ROOMS = ("mailer/inbound/mailbox.py", "mailer/outbound/smtp_line.py", "mailer/outbound/oauth.py", "jobs/demo/")
CLOCK_ROOMS = ("jobs/app.py", "jobs/cli", "jobs/demo/")

STATEMENTS = {"select", "insert", "update", "delete", "text", "exists", "union", "literal_column"}
QUERIES = {"query", "execute", "scalar", "scalars", "scalar_one", "exec_driver_sql"}
LINES = {"socket", "socketserver", "smtplib", "imaplib", "poplib", "ftplib", "http.client", "http.server"}
CALLS = {"create_connection", "open_connection", "create_server", "start_server", "start_tls"}
LINES |= {"urllib.request", "imap_tools", "aiosmtpd", "pymap", "httpx", "requests"}
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}
CLOCKS |= {("time", "time"), ("time", "time_ns"), ("time", "localtime"), ("time", "gmtime")}


@dataclass(frozen=True)
class Module:
    """One file of ours: its path from the root, its text, and its syntax tree."""

    path: str
    source: str
    tree: ast.Module

    @classmethod
    def parse(cls, path: str, source: str) -> "Module":
        return cls(path, source, ast.parse(source))

    @property
    def room(self) -> str:
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def imports(self) -> Iterator[tuple[int, str]]:
        """(line, dotted name) of everything imported, relative imports made whole."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node.lineno, f"{self._origin(node)}.{alias.name}") for alias in node.names)

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.path.removesuffix(".py").split("/")[: -node.level]
        return ".".join([*package, *([node.module] if node.module else [])])

    def attributes(self) -> Iterator[tuple[int, str, str]]:
        """(line, what it is asked of, attribute) of every `a.b` and `x.a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute):
                owner = node.value
                if isinstance(owner, ast.Name | ast.Attribute):
                    yield node.lineno, owner.id if isinstance(owner, ast.Name) else owner.attr, node.attr

    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))


Rule = Callable[[Module], Iterator[str]]


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the four rooms and of the templates, in order."""
    files = [file for room in (*ROOMS, "templates") for file in sorted((ROOT / room).rglob("*.py"))]
    return tuple(Module.parse(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files)


def complaints(rule: Rule) -> list[str]:
    """What a rule finds in the whole house, as `path:line: words`."""
    return [f"{module.path}:{found}" for module in modules() for found in rule(module)]


def imports_lead_left(module: Module) -> Iterator[str]:
    """contacts < mailer < web < jobs."""
    here = ROOMS.index(module.room) if module.room in ROOMS else -1
    for line, name in module.imports():
        room = name.partition(".")[0]
        if room in ROOMS and ROOMS.index(room) > here:
            yield f"{line}: {module.room} imports {name}"


def halves_are_apart(module: Module) -> Iterator[str]:
    """mailer/inbound and mailer/outbound do not know each other; answer.py puts its replies in the outbox."""
    other = {"mailer/inbound/": "mailer.outbound", "mailer/outbound/": "mailer.inbound"}
    forbidden = [name for place, name in other.items() if module.path.startswith(place)]
    if module.path == "mailer/inbound/answer.py":
        return
    for line, name in module.imports():
        if any(f"{name}.".startswith(f"{prefix}.") for prefix in forbidden):
            yield f"{line}: imports {name}"


def sql_is_at_home(module: Module) -> Iterator[str]:
    """Statements are written and run in the modules that own the tables."""
    if module.path.startswith(SQL_ROOMS):
        return
    for line, name in module.imports():
        package, _, last = name.rpartition(".")
        if name == "sqlalchemy" or (package.partition(".")[0] == "sqlalchemy" and last in STATEMENTS):
            yield f"{line}: imports {name}"
    for line, owner, attribute in module.attributes():
        if owner in ("session", "connection") and attribute in QUERIES:
            yield f"{line}: {owner}.{attribute}"


def lines_are_at_home(module: Module) -> Iterator[str]:
    """Only the mailbox and the submission talk to other machines; the demo is the other machine."""
    if module.path.startswith(LINE_ROOMS):
        return
    for line, name in module.imports():
        if any(f"{name}.".startswith(f"{library}.") for library in LINES):
            yield f"{line}: imports {name}"
    for line, owner, attribute in module.attributes():
        if attribute in CALLS:
            yield f"{line}: {owner}.{attribute}"


def environment_is_at_home(module: Module) -> Iterator[str]:
    """The environment and the .env are read in jobs/config.py."""
    if module.path == "jobs/config.py":
        return
    for line, name in module.imports():
        if name.startswith(("os.environ", "os.getenv", "dotenv")):
            yield f"{line}: imports {name}"
    for line, owner, attribute in module.attributes():
        if owner == "os" and attribute in ("environ", "environb", "getenv"):
            yield f"{line}: os.{attribute}"


def clock_is_at_home(module: Module) -> Iterator[str]:
    """The time is an argument, called `now`."""
    if module.path.startswith(CLOCK_ROOMS):
        return
    for line, name in module.imports():
        if tuple(name.split(".")) in CLOCKS:
            yield f"{line}: imports {name}"
    for line, owner, attribute in module.attributes():
        if (owner, attribute) in CLOCKS:
            yield f"{line}: {owner}.{attribute}"


def chance_is_at_home(module: Module) -> Iterator[str]:
    """Tokens and jitter are arguments too; jobs makes them."""
    if module.room == "jobs":
        return
    for line, name in module.imports():
        if name.partition(".")[0] in ("random", "secrets", "uuid") or name == "os.urandom":
            yield f"{line}: imports {name}"


def only_jobs_print(module: Module) -> Iterator[str]:
    """What a person sees in a terminal is said by the command line."""
    for node in ast.walk(module.tree):
        named_print = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        if named_print and module.room != "jobs":
            yield f"{node.lineno}: print"


def names_say_something(module: Module) -> Iterator[str]:
    """No drawer for everything: neither as a module nor as a class."""
    if re.fullmatch(r"(utils?|helpers?|common|misc)\.py", module.path.rpartition("/")[2]):
        yield "1: a module that says nothing"
    for node in module.classes():
        declarative = node.name == "Base" and module.path == "contacts/database.py"
        if re.search(r"(Manager|Helper|Service|Util|Utils|Base)$", node.name) and not declarative:
            yield f"{node.lineno}: class {node.name}"


def files_are_short(module: Module) -> Iterator[str]:
    """Fewer than 400 lines."""
    length = len(module.source.splitlines())
    if length >= 400:
        yield f"{length}: too long"


def modules_say_what_they_are(module: Module) -> Iterator[str]:
    """A docstring at the top of each."""
    if not (ast.get_docstring(module.tree) or "").strip():
        yield "1: no docstring"


def cycles(house: tuple[Module, ...]) -> list[str]:
    """Modules that, by what they import, need themselves; a package's own name counts for its __init__ only."""
    known = {module.name for module in house}
    needs = {module.name: sorted(_needed(module, known)) for module in house}
    return [name for name in needs if name in _reached(name, needs)]


def _needed(module: Module, known: set[str]) -> set[str]:
    found = {name if name in known else name.rpartition(".")[0] for _, name in module.imports()}
    return (found & known) - {module.name}


def _reached(start: str, needs: dict[str, list[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(needs[start])
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += needs[name]
    return reached
