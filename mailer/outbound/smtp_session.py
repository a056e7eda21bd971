"""Letters over one connection (RFC 5321 §3.3), pipelined where the server offers it (RFC 2920), else one by one.

Pipelined, the envelope of the next letter rides on the content and dot of the one before: one write and one round trip
a letter. What each reply means for whom is a queue of expectations, in the order in which replies must come.
"""

from collections import deque
from collections.abc import Callable

from mailer.outbound.desk import Desk
from mailer.outbound.smtp_envelope import Letter, Offers, commands, stuffed
from mailer.outbound.smtp_line import Line, Timeouts
from mailer.outbound.smtp_reply import Answer, Reply

_LETTERS_PER_CONNECTION = 100
_SECONDS_PER_CONNECTION = 300
#: Up to so many bytes a content leaves in one write with its dot; more, and the dot waits until the rest is away.
_ONE_WRITE = 65536

_Step = Callable[[Letter, Answer], None]


class Session:
    """A connection at work: takes letters from the desk while there are some, and tells it how each ended.

    Before the dot is written nothing is in doubt. Afterwards a letter is `dot_sent` until a reply to it was read.
    """

    def __init__(self, line: Line, offers: Offers, timeouts: Timeouts, left: Callable[["Session"], None]) -> None:
        self.is_idle = True
        self._desk: Desk | None = None
        self._line, self._offers, self._timeouts, self._left = line, offers, timeouts, left
        self._is_pipelining = "pipelining" in offers
        self._expected: deque[tuple[_Step, Letter, float]] = deque()
        self._unsaid: deque[tuple[bytes, _Step, float]] = deque()
        self._letters: deque[Letter] = deque()
        self._writing: Letter | None = None
        self._sent = 0
        self._tired_at = line.loop.time() + _SECONDS_PER_CONNECTION
        self._needs_reset = False
        self._is_going = False
        line.hear, line.lost = self._hear, self._lose
        line.watch(min(1.0, timeouts.shortest / 4))
        if line.has_more:
            line.break_off("the server spoke out of turn")

    @property
    def is_gone(self) -> bool:
        """Whether the connection has ended."""
        return bool(self._line.reason)

    # --- between letters

    def work(self, desk: Desk) -> None:
        """Take letters from this desk from now on."""
        self._desk = desk
        self.advance()

    def advance(self) -> None:
        """Begin with the next letter, if this connection has nothing to do."""
        if self._letters or self._is_going or self._line.reason:
            return
        if self._line.has_more:
            self._line.break_off("the server spoke out of turn")
            return
        if self._is_tired():
            self.leave()
            return
        letter = self._next()
        self.is_idle = letter is None
        if letter is None:
            self._line.be_patient()
            return
        self._line.write(self._begin(letter))
        self._line.allow(self._expected[0][2])

    def leave(self) -> None:
        """Say QUIT and hang up when it was answered, or soon."""
        self.is_idle = False
        self._line.hear = lambda _: self._line.break_off("bye")
        self._line.write(b"QUIT\r\n")
        self._line.allow(self._timeouts.quit)
        self._left(self)

    async def end(self) -> None:
        """QUIT, unless something is under way; returns when the connection is closed."""
        if self.is_idle and not self._line.reason:
            self.leave()
        elif self._letters:
            self._line.break_off("given up")
        await self._line.closed

    def _is_tired(self) -> bool:
        """Servers count on clients that do not stay for ever (SMT-07); and the relay may want fewer of us."""
        if self._sent >= _LETTERS_PER_CONNECTION or self._line.loop.time() > self._tired_at:
            return True
        return self._desk is not None and self._desk.is_crowded()

    def _next(self) -> Letter | None:
        return self._desk.take(self._offers) if self._desk and not self._is_tired() else None

    # --- one letter

    def _begin(self, letter: Letter) -> bytes:
        """What to write to begin with a letter; what has to come back is expected from now on."""
        letter.begin(is_first=not self._sent)
        self._sent += 1
        self._letters.append(letter)
        steps = self._steps(letter)
        if self._is_pipelining:
            self._expected.extend((step, letter, seconds) for _, step, seconds in steps)
            return b"".join(words for words, _, _ in steps)
        words, step, seconds = steps[0]
        self._unsaid.extend(steps[1:])
        self._expected.append((step, letter, seconds))
        return words

    def _steps(self, letter: Letter) -> tuple[tuple[bytes, _Step, float], ...]:
        wait = self._timeouts.command
        mail, rcpt = commands(letter, self._offers)
        steps = (
            (mail, self._on_mail, wait), (rcpt, self._on_rcpt, wait), (b"DATA\r\n", self._on_data, self._timeouts.data)
        )  # fmt: skip
        if not self._needs_reset:
            return steps
        self._needs_reset = False
        return (b"RSET\r\n", self._on_reset, wait), *steps

    def _hear(self, answer: Answer) -> None:
        """One reply, for whom it must be."""
        if not self._expected:
            self._hear_unasked(answer)
            return
        step, letter, _ = self._expected.popleft()
        self._is_going = answer.code == 421
        step(letter, answer)
        if self._is_going:
            self._line.break_off("the server is going away")
        elif self._expected:
            self._line.allow(self._expected[0][2])

    def _hear_unasked(self, answer: Answer) -> None:
        """Before the dot is written it cannot be an acceptance (SMT-20): nothing is in doubt. Between letters it tells
        that the server will hang up."""
        if self._writing and self._letters:
            self._end(self._letters.popleft(), answer.reply("in_data"))
        self._line.break_off("the server spoke out of turn")

    def _say_next(self, letter: Letter) -> None:
        """In lock-step: the next command, now that the one before is answered, and answered once."""
        if self._unsaid and self._line.has_more:
            self._line.break_off("the server spoke out of turn")
        elif self._unsaid:
            words, step, seconds = self._unsaid.popleft()
            self._expected.append((step, letter, seconds))
            self._line.write(words)

    def _on_reset(self, letter: Letter, answer: Answer) -> None:
        if answer.code != 250:
            self._line.break_off("the server refuses RSET")
        else:
            self._say_next(letter)

    def _on_mail(self, letter: Letter, answer: Answer) -> None:
        if answer.code // 100 == 2:
            letter.phase = "rcpt"
            self._say_next(letter)
            return
        # A server that is going away, or has not forgotten the letter before: this one has not begun.
        letter.again = answer.code in (421, 503) and not letter.is_first
        self._refuse(letter, answer, "mail")

    def _on_rcpt(self, letter: Letter, answer: Answer) -> None:
        if answer.code // 100 == 2:
            letter.is_taken = True
            letter.phase = "mail" if letter.refusal else "data"
            self._say_next(letter)
        else:
            self._refuse(letter, answer, "rcpt")

    def _on_data(self, letter: Letter, answer: Answer) -> None:
        if answer.code // 100 != 3:
            self._refuse(letter, answer, "data")
            if self._is_pipelining:
                self._close(letter)
        elif not letter.refusal:
            self._send(letter)
        elif letter.is_taken:
            self._line.break_off("a recipient without a sender")  # a dot would send an empty letter to somebody
        else:
            # RFC 2920 §3.1: nobody is left to get it; an empty content ends what the server should not have begun.
            self._expected.append((self._on_lone_dot, letter, self._timeouts.after_dot))
            self._line.write(b".\r\n")

    def _on_lone_dot(self, letter: Letter, answer: Answer) -> None:
        self._close(letter)

    def _refuse(self, letter: Letter, answer: Answer, phase: str) -> None:
        """The first refusal is the one that counts; the later ones follow from it."""
        letter.refusal = letter.refusal or answer.reply(phase)
        if not self._is_pipelining:
            self._unsaid.clear()
            self._close(letter)

    def _close(self, letter: Letter) -> None:
        """A letter that was refused: the next one begins with RSET, or it could get this one's sender."""
        self._letters.popleft()
        self._needs_reset = True
        if letter.again:
            self._put_back(letter, "the server refuses MAIL")
        elif letter.refusal:
            self._end(letter, letter.refusal)
        self.advance()

    # --- content and dot

    def _send(self, letter: Letter) -> None:
        letter.phase = "in_data"
        if self._line.has_more:  # the content was not begun: what the server said cannot be about it
            self._line.break_off("the server spoke out of turn")
            return
        content = stuffed(letter.parcel)
        if len(content) <= _ONE_WRITE:
            self._write_dot(letter, content)
            return
        self._writing = letter
        self._line.write_all(content, self._timeouts.block, self._finish_large)

    def _finish_large(self) -> None:
        letter, self._writing = self._writing, None
        if letter:
            self._write_dot(letter, b"")
            self._line.allow(self._timeouts.after_dot)

    def _write_dot(self, letter: Letter, content: bytes) -> None:
        """Everything up to the dot, and what rides on it."""
        assert self._desk
        following = self._next() if self._is_pipelining else None
        self._expected.append((self._on_dot, letter, self._timeouts.after_dot))
        riding = self._begin(following) if following else b""
        if not self._line.is_open:
            return  # it was lost while the content was written: `_lose` comes next
        if not self._desk.dot(letter):
            self._line.break_off("its dot may not be written")
            return
        letter.phase = "dot_sent"
        letter.sent_at = self._line.loop.time()
        self._line.write(b"".join((content, b".\r\n", riding)))

    def _on_dot(self, letter: Letter, answer: Answer) -> None:
        assert self._desk
        self._letters.popleft()
        if answer.code // 100 == 3:
            self._end(letter, Reply("dot_sent", text=answer.text))
            self._line.break_off("an answer that cannot be")
            return
        self._desk.time(self._line.loop.time() - letter.sent_at)
        self._needs_reset = answer.code // 100 != 2 and not self._letters
        self._end(letter, answer.reply("replied"))
        self.advance()

    # --- the end of the connection

    def _lose(self, reason: str) -> None:
        letters, self._letters = self._letters, deque()
        self._expected.clear()
        self._unsaid.clear()
        self._writing = None
        self.is_idle = False
        self._left(self)
        for letter in letters:
            self._give_up(letter, reason)

    def _give_up(self, letter: Letter, reason: str) -> None:
        if letter.again or (letter.phase == "mail" and not letter.refusal and not letter.is_first):
            self._put_back(letter, reason)
        else:
            self._end(letter, letter.refusal or Reply(letter.phase, text=reason))

    def _put_back(self, letter: Letter, reason: str) -> None:
        if self._desk:
            self._desk.put_back(letter, reason)

    def _end(self, letter: Letter, reply: Reply) -> None:
        if self._desk:
            self._desk.end(letter, reply)
