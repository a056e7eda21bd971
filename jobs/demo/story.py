"""The demo's story: people write, the network answers, a newsletter and an invitation go out. Every step is checked."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from jobs import app as jobs_app
from jobs.demo.people import (
    AMINA,
    AMINA_CONFIRMS,
    AMINA_DECLINES,
    AMINA_JOINS,
    AN,
    GRACE,
    GRACE_COMES,
    GRACE_CONFIRMS,
    GRACE_JOINS,
    HANNE,
    HANNE_CONFIRMS,
    HANNE_DOUBTS,
    JEF,
    JEF_LEAVES,
    KARIM,
    LUC,
    LUC_JOINS,
    MEMBERS_CSV,
    NETWORK,
    NOOR,
    NOOR_CRIES,
    PAUL,
    SARA,
    SARA_AWAY,
    TINE,
    TINE_ASKS,
    Actor,
)
from jobs.demo.world import StepFailed, World, links, words


@dataclass(frozen=True, slots=True)
class Step:
    """One scene: what the terminal says, and what has to come true."""

    title: str
    play: Callable[[World, Callable[[str], None]], None]


def _answers(message_id: str) -> Callable[[EmailMessage], bool]:
    return lambda mail: str(mail["In-Reply-To"]) == message_id


def _of_list(stream: str) -> Callable[[EmailMessage], bool]:
    return lambda mail: f"<{stream}." in str(mail["List-Id"] or "")


def _require(true: bool, what: str) -> None:
    if not true:
        raise StepFailed(what)


def prepare(world: World, say: Callable[[str], None]) -> None:
    """The coordinators, and the members who signed the list at the inspiration day."""
    for person in (AN, KARIM):
        world.command("coordinators", "add", person.address, "--name", person.name, "--language", person.language)
    listed = world.folder / "inspiration-day.csv"
    listed.write_text(MEMBERS_CSV, encoding="utf-8")
    world.command("members", "import", str(listed), "--consent", "signed the list at the inspiration day, 2026-10-08")
    say(f"{AN.name} and {KARIM.name} coordinate; {JEF.name}, {SARA.name} and {PAUL.name} are members already")


def people_write(world: World, say: Callable[[str], None]) -> None:
    """Three join in three languages, one asks for guidance, one is in need."""
    joins = [
        (AMINA, world.write(AMINA, "Lerend netwerk", AMINA_JOINS)),
        (LUC, world.write(LUC, "Votre réseau", LUC_JOINS)),
        (GRACE, world.write(GRACE, "Joining", GRACE_JOINS)),
    ]
    asked = world.write(TINE, "De aanbevelingen", TINE_ASKS)
    world.write(NOOR, "hulp", NOOR_CRIES)
    for person, message_id in joins:
        question = world.wait_for(person, "a question to confirm", _answers(message_id))
        say(f"{person.name} asked to join in {person.language}; asked back: “{question['Subject']}”")
    world.wait_for(TINE, "a receipt", _answers(asked))
    say(f"{TINE.name} asked for guidance: a receipt, and the mail waits for a person")


def coordinators_hear(world: World, say: Callable[[str], None]) -> None:
    """What no machine should answer reaches both coordinators, and nobody else."""
    for person in (AN, KARIM):
        world.wait_for(person, "two notices", lambda mail: mail["Auto-Submitted"] == "auto-generated", count=2)
    _require(not world.received(NOOR), "a cry for help must get no automatic answer")
    say("The cry for help got no automatic answer; both coordinators were told at once")


def they_confirm(world: World, say: Callable[[str], None]) -> None:
    """Two by plain reply, one by the link."""
    replies = [
        (AMINA, world.write(AMINA, "Re: vraag", AMINA_CONFIRMS, world.received(AMINA)[-1])),
        (GRACE, world.write(GRACE, "Re: question", GRACE_CONFIRMS, world.received(GRACE)[-1])),
    ]
    link = next(url for url in links(world.received(LUC)[-1]) if "/a/c" in url)
    world.get(link)
    world.get(link)
    different = {str(mail["Message-ID"]) for mail in world.received(LUC)}
    _require(len(different) == 1, "opening a link must change nothing")
    world.post(link, discreet="off")
    world.wait_for(LUC, "a welcome", lambda mail: str(mail["Message-ID"]) not in different)
    say(f"{LUC.name} opened the link (nothing happened), pressed the button, and is welcome")
    for person, message_id in replies:
        world.wait_for(person, "a welcome", _answers(message_id))
        say(f"{person.name} confirmed by plain reply and is welcome")


def newsletter_goes_out(world: World, say: Callable[[str], None]) -> None:
    """Written as a folder, approved by a second coordinator, sent in three languages; one bounces, one is away."""
    world.command("newsletters", "new", "winter")
    world.command("newsletters", "check", "winter")
    world.command("newsletters", "approve", "winter", "--by", KARIM.address)
    world.command("newsletters", "schedule", "winter", "--now")
    for person in (AMINA, LUC, GRACE, JEF, SARA, PAUL):
        mail = world.wait_for(person, "the newsletter", _of_list("newsletter"))
        _require(str(mail["Content-Language"]) == person.language, f"{person.name} should get it in {person.language}")
        say(f"{person.name} gets the newsletter in {person.language}: “{mail['Subject']}”")
    letter = world.received(SARA, _of_list("newsletter"))[-1]
    before = len(world.received(SARA))
    subject = f"Automatisch antwoord: {letter['Subject']}"
    world.write(SARA, subject, SARA_AWAY, letter, Auto_Submitted="auto-replied")
    _member_becomes(world, PAUL, "bounced")
    say(f"{PAUL.name}'s mailbox is gone: the bounce came home, he gets nothing more")
    _require(len(world.received(SARA)) == before, "an out-of-office must never be answered")
    say(f"{SARA.name} is away: her automatic answer was recognised, and not answered")


def jef_leaves(world: World, say: Callable[[str], None]) -> None:
    """Leaving takes effect at once, in one's own words."""
    letter = world.received(JEF, _of_list("newsletter"))[-1]
    sent = world.write(JEF, f"Re: {letter['Subject']}", JEF_LEAVES, letter)
    world.wait_for(JEF, "a goodbye", _answers(sent))
    say(f"{JEF.name} wrote “schrijf mij maar uit” above the newsletter: out at once, with a way back")


def invitation_goes_out(world: World, say: Callable[[str], None]) -> None:
    """To everybody who is a member now; never to who left."""
    world.command("meetings", "new", "leersessie")
    _move_into_the_future(world.folder / "templates" / "meetings" / "leersessie" / "meeting.toml")
    world.command("meetings", "check", "leersessie")
    world.command("meetings", "invite", "leersessie", "--by", AN.address, "--now")
    for person in (AMINA, LUC, GRACE, SARA):
        mail = world.wait_for(person, "the invitation", _of_list("meetings"))
        say(f"{person.name} is invited: “{mail['Subject']}”")
    _require(not world.received(JEF, _of_list("meetings")), "who left must not be invited")


def they_answer(world: World, say: Callable[[str], None]) -> None:
    """By the calendar button, in prose, and with a no."""
    invitation = world.received(LUC, _of_list("meetings"))[-1]
    world.send(LUC, calendar_reply(LUC, invitation))
    comes = world.received(GRACE, _of_list("meetings"))[-1]
    grace = world.write(GRACE, f"Re: {comes['Subject']}", GRACE_COMES, comes)
    cannot = world.received(AMINA, _of_list("meetings"))[-1]
    amina = world.write(AMINA, f"Re: {cannot['Subject']}", AMINA_DECLINES, cannot)
    world.wait_for(GRACE, "what was noted", _answers(grace))
    world.wait_for(AMINA, "what was noted", _answers(amina))
    expected = {LUC: ("yes", 0), GRACE: ("yes", 1), AMINA: ("no", 0)}
    world.until("every answer is noted", lambda: all(answer_of(world, who) == what for who, what in expected.items()))
    say(f"{LUC.name} pressed Accept in his calendar, {GRACE.name} brings a colleague, {AMINA.name} cannot come")


def coordinator_decides(world: World, say: Callable[[str], None]) -> None:
    """What a machine is not sure of waits; one word in reply to the digest carries out the guess."""
    before = _letters(world, AN)
    doubts = world.write(HANNE, "Jullie netwerk", HANNE_DOUBTS)
    world.until("the coordinators hear of it", lambda: _letters(world, AN) != before)
    world.wait_for(HANNE, "a receipt", _answers(doubts))
    _require(state_of(world, HANNE) == "not a member", "an unsure wish must not be acted on by a machine")
    say(f"{HANNE.name} would join “tenzij dat geld kost”: unsure, so a person decides, and a receipt says so")
    world.command("requests", "digest", "--to", AN.address)
    digest = world.wait_for(AN, "the digest", lambda mail: "Zo beslis je" in words(mail))
    guess = re.search(r"Nummer (\d+)\W+h…@buurthuis\.example wil waarschijnlijk erbij horen", words(digest))
    if guess is None:
        raise StepFailed(f"the digest should guess what {HANNE.name} wants")
    say(f"{AN.name} gets the digest: “{digest['Subject']}”; number {guess[1]} probably wants to join")
    sent = world.write(AN, f"Re: {digest['Subject']}", f"{guess[1]} ja\n\nAn", digest)
    question = world.wait_for(HANNE, "a question to confirm", lambda _: True, count=2)
    world.wait_for(AN, "what was done", _answers(sent))
    say(f"{AN.name} answered “{guess[1]} ja”: {HANNE.name} was asked at her own address, and {AN.name} was told so")
    world.write(HANNE, "Re: vraag", HANNE_CONFIRMS, question)
    _member_becomes(world, HANNE, "active")
    world.wait_for(HANNE, "a welcome", lambda _: True, count=3)
    say(f"{HANNE.name} confirmed, and is a member")


def calendar_reply(who: Actor, invitation: EmailMessage) -> EmailMessage:
    """What a calendar program sends when somebody presses Accept (RFC 5546 §3.2.3, RFC 6047)."""
    part = next(part for part in invitation.walk() if part.get_content_type() == "text/calendar")
    asked = str(part.get_content())
    kept = [
        line
        for line in re.sub(r"\r?\n[ \t]", "", asked).splitlines()
        if re.match("UID|SEQUENCE|ORGANIZER|DTSTART|DTEND|SUMMARY", line)
    ]
    stamp = jobs_app.utc_now().strftime("%Y%m%dT%H%M%SZ")
    answer = [f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{who.address}", f"DTSTAMP:{stamp}"]
    lines = ["BEGIN:VCALENDAR", "PRODID:-//Example//Calendar//EN", "VERSION:2.0", "METHOD:REPLY", "BEGIN:VEVENT"]
    event = [line for line in kept if not line.startswith(("DTSTART;", "DTEND;"))]
    data = "\r\n".join([*lines, *event, *answer, "END:VEVENT", "END:VCALENDAR", ""])
    message = EmailMessage()
    message["From"], message["To"] = f"{who.name} <{who.address}>", NETWORK
    message["Subject"], message["Message-ID"] = (
        f"Accepted: {invitation['Subject']}",
        f"<reply-{stamp}@{who.address.partition('@')[2]}>",
    )
    message.set_content("")
    message.add_alternative(data, subtype="calendar", params={"method": "REPLY"})
    return message


def _move_into_the_future(path: Path) -> None:
    """The example's dates, moved on by whole years while they have gone by."""
    text = path.read_text(encoding="utf-8")
    today = jobs_app.utc_now().date().isoformat()
    while min(re.findall(r"\d{4}-\d{2}-\d{2}", text)) <= today:
        text = re.sub(r"(\d{4})(-\d{2}-\d{2})", lambda found: f"{int(found[1]) + 1}{found[2]}", text)
    path.write_text(text, encoding="utf-8")


def _letters(world: World, who: Actor) -> set[str]:
    """The different letters somebody got: one that came twice counts once."""
    return {str(mail["Message-ID"]) for mail in world.received(who)}


def _member_becomes(world: World, who: Actor, state: str) -> None:
    world.until(f"{who.name} is {state}", lambda: state_of(world, who) == state)


def state_of(world: World, who: Actor) -> str:
    """Where somebody stands in the network, as the database knows it."""
    from jobs.demo.look import member_states

    return member_states(world.env_file).get(who.address, "not a member")


def answer_of(world: World, who: Actor) -> tuple[str, int] | None:
    """What the network noted of somebody's answer to the invitation."""
    from jobs.demo.look import answers

    return answers(world.env_file).get(who.address)


STORY = (
    Step("Two coordinators, and a list of members from the inspiration day", prepare),
    Step("People write to the network, in their own words", people_write),
    Step("What a machine should not answer goes to people", coordinators_hear),
    Step("The joiners confirm", they_confirm),
    Step("A newsletter in three languages", newsletter_goes_out),
    Step("Somebody leaves", jef_leaves),
    Step("An invitation to the next learning session", invitation_goes_out),
    Step("They answer: by calendar button and in prose", they_answer),
    Step("A coordinator decides with one word, in reply to the digest", coordinator_decides),
)
PEOPLE = (AMINA, LUC, GRACE, SARA, HANNE, TINE, NOOR, JEF, PAUL, AN, KARIM)
