"""`verbinden demo`: the whole main job on this machine, over real SMTP and IMAP, told as it happens."""

import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.demo.look import answers, member_states
from jobs.demo.mailserver import HOST
from jobs.demo.people import NETWORK
from jobs.demo.story import PEOPLE, STORY
from jobs.demo.world import StepFailed, World, open_world


def run(once: bool, out: Path | None) -> int:
    """Play the story; returns 0 when every step came true. Without `once` the world stays up until Ctrl-C."""
    _stop_in_order()
    console = Console(highlight=False, width=_width())
    with tempfile.TemporaryDirectory(prefix="verbinden-demo-", ignore_cleanup_errors=True) as folder:
        kept = (out or Path(tempfile.mkdtemp(prefix="verbinden-mails-"))).absolute()
        try:
            with open_world(Path(folder), kept) as world:
                _play(console, world)
                _show_end(console, world)
                if not once:
                    _stay(console, world)
        except StepFailed as failed:
            console.print(f"[bold red]The story stopped:[/] {escape(str(failed))}")
            return 1
        except KeyboardInterrupt:
            console.print("Goodbye.")
            return 130 if once else 0
    return 0


def _stop_in_order() -> None:
    """Being asked to stop, or losing the terminal, ends the daemon and the mail server too."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)


def _width() -> int | None:
    """The terminal's own width, and 110 columns where there is none."""
    return None if sys.stdout.isatty() else 110


def _play(console: Console, world: World) -> None:
    began = time.monotonic()
    for number, step in enumerate(STORY, 1):
        console.print(f"\n[bold]{number}. {step.title}[/]")
        try:
            step.play(world, lambda line: console.print(f"   [green]✓[/] {escape(line)}"))
        except StepFailed as failed:
            raise StepFailed(f"step {number}, “{step.title}”: {failed}") from failed
    console.print(f"\nEvery step came true, in {time.monotonic() - began:.1f} seconds.")


def _show_end(console: Console, world: World) -> None:
    """Who is in the network, and what each of them received."""
    states, said = member_states(world.env_file), answers(world.env_file)
    table = Table(title="Who is in the network, and what each person received", title_justify="left")
    for heading in ("person", "in the network", "answer", "received"):
        table.add_column(heading, overflow="fold")
    for person in PEOPLE:
        answer, guests = said.get(person.address, ("", 0))
        subjects = "\n".join(f"· {escape(str(mail['Subject']))}" for mail in world.received(person)) or "nothing"
        table.add_row(
            person.name, states.get(person.address, "–"), f"{answer}{f' +{guests}' if guests else ''}", subjects
        )
    console.print(table)
    console.print(f"All mails, as bytes and as pages: {world.record.write_index()}", soft_wrap=True)


def _stay(console: Console, world: World) -> None:
    """Go on answering; say how to write."""
    console.print(
        f"\nThe network stays up. Write to it from any mail program: "
        f"SMTP {HOST}:{world.server.smtp_port} (no encryption, no login), to [bold]{NETWORK}[/], as anybody you like.\n"
        f"Read what it answers: IMAP {HOST}:{world.server.imap_port}, user = your address, "
        f"password [bold]{escape(world.server.password)}[/].\n"
        f"Every mail also appears in {world.record.folder}. Ctrl-C ends it.",
        soft_wrap=True,
    )
    seen = len(world.record.mails)
    while True:
        time.sleep(1)
        for accepted, _message, name in world.record.mails[seen:]:
            console.print(f"   {name}.html  →  {escape(accepted.recipient)}", soft_wrap=True)
            seen += 1
        world.record.write_index()
