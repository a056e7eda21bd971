"""The cues of one mail, asked by topic; denied cues do not count, conditional ones are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailer.inbound.understanding.lexicon import Cue
from mailer.inbound.understanding.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Evidence:
    """`sentences` of the author's newest words, and every cue found in them; `by_topic` holds where each topic is."""

    sentences: Sequence[Sentence]
    cues: tuple[Cue, ...]
    by_topic: Mapping[str, list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[int]] = {}
        for at, cue in enumerate(self.cues):
            found.setdefault(cue.topic, []).append(at)
            found.setdefault(cue.topic.partition(".")[0], []).append(at)
        object.__setattr__(self, "by_topic", found)

    def of(self, *topics: str) -> tuple[Cue, ...]:
        """Cues of these topics ("join.strong"; "join" for all of its strengths) that are not denied."""
        return tuple(cue for cue in self.even_denied(*topics) if not cue.negated)

    def has(self, *topics: str) -> bool:
        """Whether any of these topics is there, not denied."""
        return any(not self.cues[at].negated for topic in topics for at in self.by_topic.get(topic, ()))

    def denied(self, *topics: str) -> tuple[Cue, ...]:
        """Cues of these topics that a negation turns round."""
        return tuple(cue for cue in self.even_denied(*topics) if cue.negated)

    def even_denied(self, *topics: str) -> tuple[Cue, ...]:
        """Cues of these topics, whether denied or not: for what must never be missed."""
        places = {at for topic in topics for at in self.by_topic.get(topic, ())}
        return tuple(self.cues[at] for at in sorted(places))

    def where(self, *topics: str) -> frozenset[int]:
        """The sentences in which these topics stand."""
        return frozenset(cue.sentence for cue in self.of(*topics))

    def about(self, *topics: str) -> frozenset[int]:
        """The sentences that speak of these topics, whether they say yes or no to them."""
        return frozenset(cue.sentence for cue in self.even_denied(*topics))

    def clauses(self, cue: Cue) -> frozenset[int]:
        """The numbers of the clauses in which the words of a cue stand."""
        sentence = self.sentences[cue.sentence]
        return frozenset(sentence.clauses[at] for at in cue.words)

    def is_of_others(self, cue: Cue) -> bool:
        """Whether a wish is perhaps somebody else's: a third person in its clause, or near it without an "I"."""
        near = self.clauses(cue)
        third = [one for one in self.even_denied("about.third") if one.sentence == cue.sentence]
        first = [one for one in self.even_denied("about.first") if one.sentence == cue.sentence]
        if any(self.clauses(one) & near for one in third):
            return True
        return bool(third) and not any(self.clauses(one) & near for one in first)


_MEANINGS = {
    "join": "wanting to join", "other": "asking to register others", "leave": "wanting to leave",
    "stay": "wanting to stay", "address": "a change of address", "rename": "a change of name",
    "preference": "a wish about what to get", "language": "a wish about the language", "guidance": "asking for advice",
    "information": "a question", "coming": "coming to a meeting", "away": "not coming to a meeting",
    "unsure": "not being sure to come", "later": "answering later", "guest": "bringing somebody",
    "need": "something needed at the meeting", "yes": "a yes", "no": "a no", "opening": "a plain yes or no",
    "privacy": "asking about their data", "contribution": "offering something", "help": "distress",
    "distinct": "something that is not about the network", "complaint": "a complaint", "death": "somebody's death",
    "sensitive": "a wish for discretion", "spam": "advertising", "already": "being a member already",
    "done": "something done before", "invites": "inviting us", "self_not": "not meaning the writer",
}  # fmt: skip


def say(cue: Cue) -> str:
    """One cue in words a coordinator understands; none of the mail's own words are in it."""
    turned = ", turned round by a “not”" if cue.negated else ", on a condition" if cue.conditional else ""
    meaning = _MEANINGS.get(cue.topic.partition(".")[0], cue.topic)
    return f"sentence {cue.sentence + 1} sounds like {meaning}{turned}"


def say_all(evidence: Evidence, most: int = 12) -> tuple[str, ...]:
    """What the sentences sound like, each thing once, without what they are merely about."""
    cues = (cue for cue in evidence.cues if not cue.topic.startswith("about."))
    return tuple(dict.fromkeys(say(cue) for cue in cues))[:most]
