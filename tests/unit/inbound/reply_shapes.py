"""Answers as the mail programs of this world build them: for each client the text part and the HTML part."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from tests.unit.inbound.reply_tongues import Tongue

WHO = "Lerend netwerk <netwerk@v.example>"
NAME = "Lotte Maes"


@dataclass(frozen=True, slots=True)
class Answer:
    """Both bodies (either may be empty) and what is to be found in them; empty lines do not count.

    `heading`: who and when, where only the HTML holds it within the quote.
    """

    text: str
    html: str
    own: str
    signature: str = ""
    quoted: str = ""
    forwarded: str = ""
    heading: str = ""


def _prefixed(text: str, mark: str = "> ") -> str:
    return "\n".join(f"{mark}{line}" for line in text.split("\n"))


def _br(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>\n")


def _divs(text: str) -> str:
    return "".join(f"<div>{escape(line, quote=False) or '<br>'}</div>" for line in text.split("\n"))


def _word(text: str) -> str:
    lines = text.split("\n")
    return "".join(f'<p class="MsoNormal">{escape(line, quote=False) or "<o:p>&nbsp;</o:p>"}</p>\n' for line in lines)


def _block(tongue: Tongue, space: str = "", bold: str = "", subject: str = "Nieuws") -> str:
    values = (WHO, "23/11/2026 10:12", NAME, subject)
    lines = (f"{bold}{name}{space}:{bold} {value}" for name, value in zip(tongue.fields, values, strict=True))
    return "\n".join(lines)


def _signed(tongue: Tongue) -> str:
    return f"{tongue.closing}\n{NAME}"


def _wrapped(line: str, width: int = 60) -> str:
    head = line.rfind(" ", 0, width)
    return f"{line[:head]}\n{line[head + 1 :]}" if len(line) > width else line


def gmail_web(tongue: Tongue) -> Answer:
    """Attribution broken by the 78 columns of the text part; quote in a blockquote in a frame."""
    said, line = f"{tongue.own}\n\n{_signed(tongue)}", tongue.gmail.format(who=WHO)
    html = (
        f'<div dir="ltr">{_divs(said)}</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" '
        f'class="gmail_attr">{_br(line)}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;'
        f'border-left:1px solid rgb(204,204,204);padding-left:1ex">{_br(tongue.asked)}</blockquote></div>'
    )
    text = f"{said}\n\n{_wrapped(line)}\n\n{_prefixed(tongue.asked)}\n"
    return Answer(text, html, tongue.own, _signed(tongue), tongue.asked)


def gmail_between(tongue: Tongue) -> Answer:
    """Answers between the lines of the quote."""
    first, second = tongue.asked.split("\n")
    line = tongue.gmail.format(who=WHO)
    html = (
        f'<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{_br(line)}<br></div><blockquote '
        f'class="gmail_quote">{_br(first)}</blockquote><div>{tongue.own}</div><blockquote class="gmail_quote">'
        f"{_br(second)}</blockquote><div>OK</div></div>"
    )
    text = f"{line}\n\n> {first}\n\n{tongue.own}\n\n> {second}\n\nOK"
    return Answer(text, html, f"{tongue.own}\nOK", "", tongue.asked)


def gmail_signed_below(tongue: Tongue) -> Answer:
    """Gmail puts the signature under the quote."""
    line = tongue.gmail.format(who=WHO)
    html = (
        f'<div dir="ltr">{tongue.own}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{_br(line)}'
        f'</div><blockquote class="gmail_quote">{_br(tongue.asked)}</blockquote></div><br clear="all"><div><br></div>'
        f'<span class="gmail_signature_prefix">-- </span><br><div dir="ltr" class="gmail_signature">{NAME}<br>'
        "Tel. 03 123 45 67</div>"
    )
    text = f"{tongue.own}\n\n{line}\n\n{_prefixed(tongue.asked)}\n\n\n-- \n{NAME}\nTel. 03 123 45 67"
    return Answer(text, html, tongue.own, f"--\n{NAME}\nTel. 03 123 45 67", tongue.asked)


def gmail_forward(tongue: Tongue) -> Answer:
    """A forward with a wish above it."""
    block = _block(tongue)
    html = (
        f'<div dir="ltr">{tongue.own}<br><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">---------- '
        f"{tongue.forward} ---------<br>{_br(block)}<br></div><br><br>{_br(tongue.asked)}</div></div>"
    )
    text = f"{tongue.own}\n\n---------- {tongue.forward} ---------\n{block}\n\n\n{tongue.asked}"
    return Answer(text, html, tongue.own, "", "", f"{block}\n{tongue.asked}")


def apple_mail(tongue: Tongue) -> Answer:
    line = tongue.apple.format(who=WHO)
    html = (
        f'<html><body dir="auto">{tongue.own}<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">{tongue.phone}'
        f'</div><div dir="ltr"><br><blockquote type="cite">{_br(line)}<br><br></blockquote></div><blockquote '
        f'type="cite"><div dir="ltr">{_br(tongue.asked)}</div></blockquote></body></html>'
    )
    text = f"{tongue.own}\n{tongue.phone}\n\n> {line}\n> \n{_prefixed(tongue.asked)}\n"
    return Answer(text, html, tongue.own, tongue.phone, f"{line}\n{tongue.asked}")


def apple_desktop(tongue: Tongue) -> Answer:
    line = tongue.apple.format(who=WHO)
    html = (
        f'<body><div>{tongue.own}</div><div><br><blockquote type="cite"><div>{_br(line)}</div><br><div>'
        f"{_br(tongue.asked)}</div></blockquote></div></body>"
    )
    return Answer(f"{tongue.own}\n\n> {line}\n> \n{_prefixed(tongue.asked)}\n", html, tongue.own, "",
                  f"{line}\n{tongue.asked}")  # fmt: skip


def apple_forward(tongue: Tongue) -> Answer:
    """A forward of an iPhone, with nothing above but what the telephone adds."""
    block = _block(tongue, bold="")
    html = (
        f'<div dir="ltr"></div><div dir="ltr">{tongue.phone}</div><div dir="ltr"><br>{tongue.apple_forward}<br><br>'
        f'</div><blockquote type="cite"><div dir="ltr">{_br(block)}<br><br></div></blockquote><blockquote type="cite">'
        f'<div dir="ltr">{_br(tongue.asked)}</div></blockquote>'
    )
    text = f"{tongue.phone}\n\n{tongue.apple_forward}\n\n{_prefixed(block)}\n> \n{_prefixed(tongue.asked)}"
    return Answer(text, html, "", tongue.phone, "", f"{block}\n{tongue.asked}")


def outlook_desktop(tongue: Tongue) -> Answer:
    """The header block under a line; in the text part nothing but the block."""
    block, said = _block(tongue), f"{tongue.own}\n\n{_signed(tongue)}"
    html = (
        f'<div class="WordSection1">{_word(said)}<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;'
        f'padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">{_br(block)}<o:p></o:p></p></div></div>{_word(tongue.asked)}'
        "</div>"
    )
    return Answer(f"{said}\n\n{block}\n\n{tongue.asked}", html, tongue.own, _signed(tongue), f"{block}\n{tongue.asked}")


def outlook_bold(tongue: Tongue) -> Answer:
    """The text part some servers make of it: bold as stars, French spaces, an empty line after every line."""
    block = _block(tongue, " ", "*")
    spread = block.replace("\n", "\n\n")
    return Answer(f"{tongue.own}\n\n{spread}\n\n{tongue.asked}", "", tongue.own, "", f"{block}\n{tongue.asked}")


def outlook_web(tongue: Tongue) -> Answer:
    block, rule = _block(tongue), "________________________________"
    html = (
        f'<div class="elementToProof">{tongue.own}</div><div id="Signature"><div>{NAME}</div></div><div '
        f'id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" '
        f'dir="ltr"><font face="Calibri">{_br(block)}</font><div>&nbsp;</div></div><div>{_br(tongue.asked)}</div>'
    )
    text = f"{tongue.own}\n\n{NAME}\n\n{rule}\n{block}\n\n{tongue.asked}"
    return Answer(text, html, tongue.own, NAME, f"{block}\n{tongue.asked}")


def outlook_mobile(tongue: Tongue) -> Answer:
    block, rule = _block(tongue), "________________________________"
    html = (
        f'<div dir="ltr">{tongue.own}</div><div id="ms-outlook-mobile-signature" dir="ltr">{_br(tongue.outlook)}</div>'
        f'<div id="mail-editor-reference-message-container"><hr><div id="divRplyFwdMsg">{_br(block)}</div>'
        f"<div>{_br(tongue.asked)}</div></div>"
    )
    text = f"{tongue.own}\n\n{tongue.outlook}\n{rule}\n{block}\n\n{tongue.asked}"
    return Answer(text, html, tongue.own, tongue.outlook, f"{block}\n{tongue.asked}")


def thunderbird(tongue: Tongue) -> Answer:
    """Below the quote, as many people of Thunderbird write."""
    html = (
        f'<div class="moz-cite-prefix">{tongue.thunderbird}<br></div><blockquote type="cite" cite="mid:1@v.example">'
        f'<pre class="moz-quote-pre" wrap="">{tongue.asked}</pre></blockquote><p>{tongue.own}</p><pre '
        f'class="moz-signature" cols="72">-- \n{NAME}\nvzw De Brug</pre>'
    )
    text = f"{tongue.thunderbird}\n{_prefixed(tongue.asked)}\n\n{tongue.own}\n\n-- \n{NAME}\nvzw De Brug"
    return Answer(text, html, tongue.own, f"--\n{NAME}\nvzw De Brug", tongue.asked)


def thunderbird_forward(tongue: Tongue) -> Answer:
    block = _block(tongue)
    html = (
        f'<p>{tongue.own}</p><div class="moz-forward-container"><br><br>-------- {tongue.forward} --------<table '
        f'class="moz-email-headers-table"><tr><td>{_br(block)}</td></tr></table><br>{_br(tongue.asked)}<blockquote '
        f'type="cite">Dag</blockquote>Slot</div>'
    )
    text = f"{tongue.own}\n\n-------- {tongue.forward} --------\n{block}\n\n{tongue.asked}\n> Dag\nSlot"
    return Answer(text, html, tongue.own, "", "", f"{block}\n{tongue.asked}\nDag\nSlot")


def proton(tongue: Tongue) -> Answer:
    line = tongue.gmail.format(who=WHO)
    html = (
        f"<div>{tongue.own}</div><div><br></div><div class=\"protonmail_signature_block\"><div>{NAME}</div></div>"
        f'<div class="protonmail_quote">{_br(line)}<br><blockquote class="protonmail_quote" type="cite">'
        f"{_br(tongue.asked)}</blockquote><br></div>"
    )
    text = f"{tongue.own}\n\n{NAME}\n\n{line}\n\n{_prefixed(tongue.asked)}"
    return Answer(text, html, tongue.own, NAME, tongue.asked)


def yahoo(tongue: Tongue) -> Answer:
    line = tongue.gmail.format(who=WHO)
    html = (
        f'<div class="ydp1">{tongue.own}</div><div id="ydp2yahoo_quoted_1" class="ydp2yahoo_quoted"><div>{_br(line)}'
        f"</div><div><br></div><div>{_br(tongue.asked)}</div></div>"
    )
    text = f"   {tongue.own}\n\n    {line} \xa0\n \n {tongue.asked}  "
    return Answer(text, html, tongue.own, "", tongue.asked, heading=line)


def zimbra(tongue: Tongue) -> Answer:
    block = _block(tongue)
    html = (
        f'<div><div>{tongue.own}</div><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__">'
        f'{_br(block)}</div><div data-marker="__QUOTED_TEXT__">{_br(tongue.asked)}</div></div>'
    )
    text = f"{tongue.own}\n\n----- {tongue.original} -----\n{block}\n\n{tongue.asked}"
    return Answer(text, html, tongue.own, "", f"{block}\n{tongue.asked}")


def samsung(tongue: Tongue) -> Answer:
    """A telephone without HTML structure: only lines."""
    block = _block(tongue)
    mark = f"-------- {tongue.original} --------"
    html = f"<div>{tongue.own}</div><div>{tongue.phone}</div><div>{_br(mark)}</div><div>{_br(block)}</div>"
    html += f"<div><br></div>{_br(tongue.asked)}"
    text = f"{tongue.own}\n\n{tongue.phone}\n\n{mark}\n{block}\n\n{tongue.asked}"
    return Answer(text, html, tongue.own, tongue.phone, f"{block}\n{tongue.asked}")


def groupwise(tongue: Tongue) -> Answer:
    mark = ">>> Netwerk <netwerk@v.example> 23/11/2026 10:12 >>>"
    return Answer(f"{tongue.own}\n\n{mark}\n{tongue.asked}", "", tongue.own, "", tongue.asked)


def notes(tongue: Tongue) -> Answer:
    """Lotus Notes and the forms of GMX and Orange: a block with other fields, indented with tabs."""
    names = tongue.fields
    block = f"{names[0]}:\t{WHO}\n{names[2]}:\t{NAME}\n{names[1]}:\t23/11/2026 10:12\n{names[3]}:\tRe: nieuws"
    return Answer(f"{tongue.own}\n\n\n{block}\n\n\n{tongue.asked}", "", tongue.own, "", f"{block}\n{tongue.asked}")


def gmx(tongue: Tongue) -> Answer:
    """The date stands first, and the quote in a named element."""
    names = tongue.fields
    block = f"{names[1]}: 23. 11. 2026 10:12\n{names[0]}: {WHO}\n{names[2]}: {NAME}\n{names[3]}: Nieuws"
    html = (
        f'<div>{tongue.own}<div name="quote" style="margin:10px 5px 5px 10px; border-left:2px solid #C3D9E5;">'
        f'<div>{_br(block)}</div><div name="quoted-content">{_br(tongue.asked)}</div></div></div>'
    )
    return Answer(f"{tongue.own}\n\n{block}\n\n{tongue.asked}", html, tongue.own, "", f"{block}\n{tongue.asked}")


def roundcube(tongue: Tongue) -> Answer:
    line = tongue.thunderbird
    html = (
        f'<p id="reply-intro">{line}</p><blockquote type="cite" style="padding: 0 0.4em; border-left: #1010ff 2px '
        f'solid; margin: 0">{_br(tongue.asked)}</blockquote><p>{tongue.own}</p><div id="_rc_sig">-- <br>{NAME}</div>'
    )
    text = f"{line}\n{_prefixed(tongue.asked)}\n\n{tongue.own}\n\n-- \n{NAME}"
    return Answer(text, html, tongue.own, f"--\n{NAME}", tongue.asked)


def nextcloud(tongue: Tongue) -> Answer:
    """Who and when, but no word for writing."""
    line = '"Lerend netwerk" netwerk@v.example – 23 november 2026 10:12'
    quote = f"{_br(line)}<br><blockquote>{_br(tongue.asked)}</blockquote>"
    html = f'<p>{tongue.own}</p><p></p><div class="quote">{quote}</div>'
    return Answer(f"{tongue.own}\n\n\n{line}\n{_prefixed(tongue.asked)}", html, tongue.own, "", tongue.asked)


def unprefixed(tongue: Tongue) -> Answer:
    """An attribution with nothing to show where its quote goes: Hey, K-9, Telenet and others."""
    line = tongue.gmail.format(who=WHO)
    return Answer(f"{tongue.own}\n\n{line}\n\n{tongue.asked}", "", tongue.own, "", tongue.asked)


def only_quote(tongue: Tongue) -> Answer:
    line = tongue.gmail.format(who=WHO)
    html = (
        f'<div dir="ltr"><br></div><div class="gmail_quote"><div class="gmail_attr">{_br(line)}</div><blockquote '
        f'class="gmail_quote">{_br(tongue.asked)}</blockquote></div>'
    )
    return Answer(f"\n{line}\n\n{_prefixed(tongue.asked)}", html, "", "", tongue.asked)


SHAPES: tuple[Callable[[Tongue], Answer], ...] = (
    *(gmail_web, gmail_between, gmail_signed_below, gmail_forward, apple_mail, apple_desktop, apple_forward),
    *(outlook_desktop, outlook_bold, outlook_web, outlook_mobile, thunderbird, thunderbird_forward, proton, yahoo),
    *(zimbra, samsung, groupwise, notes, gmx, roundcube, nextcloud, unprefixed, only_quote),
)
