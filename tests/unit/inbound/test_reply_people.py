"""What people write themselves, and what their programs and servers add, whatever it looks like."""

import pytest

from mailer.inbound.reply_text import Words, read_words, split_text
from tests.unit.inbound.mails import message, plain

LOTTE = frozenset({"lotte", "maes"})
FAITHFUL = [
    "Van: Antwerpen\n\nIk wil me graag inschrijven.",
    "Van: Lotte Maes, vzw De Brug\nAan: het netwerk\n\nSchrijf mij in.",
    "Naam: Lotte Maes\nOrganisatie: De Brug\nE-mail: lotte@post.example\nTelefoon: 03 123 45 67",
    "Op dinsdag 3 november 2026 om 10:12 schreef ik jullie:\nkan ik me inschrijven? Ik kreeg geen antwoord.",
    "Le 3 novembre 2026 à 10:12 j'ai écrit :\nJe voudrais m'inscrire.",
    "On 3 November 2026 at 10:12 I wrote:\nplease add me. Nobody answered.",
    "Am 3. November 2026 um 10:12 schrieb ich:\nBitte tragen Sie mich ein.",
    "My colleague wrote: you can join by mail. So please add me.",
    "My colleague wrote:\nyou can join by mail. So please add me.",
    "Op maandag schreef mijn collega:\nje kan je inschrijven. Dat wil ik ook.",
    "Hier is het bericht dat ik heb doorgestuurd:\nschrijf me in.",
    "Here is what I forwarded:\nplease add me.",
    "Inschrijving\n---\nGraag inschrijven aub",
    "Deel een.\n--\nIk wil me ook inschrijven, net als mijn collega.",
    "Bedankt!\nIk kom met twee.",
    "Dag,\n\nBedankt voor alles!\n\nIk wil me graag inschrijven voor de nieuwsbrief.",
    "Merci\n\nJe voudrais m'inscrire à votre liste.",
    "Thanks, add me",
    "Kindly unsubscribe me",
    "Merci de m'inscrire",
    "Groetjes aan iedereen daar.\nIk kom de 19de met twee collega's.",
    "Bedankt",
    "Ok",
    "👍",
    "-> ik kom\n-> met twee",
    "- an@a.example\n- bo@a.example\n- cas@a.example",
    "Ik heb jullie mail per vergissing ontvangen, schrijf me uit.",
    "Mijn vraag is vertrouwelijk en dringend: ik word bedreigd.",
    "Mijn Avast houdt jullie mails tegen.",
    "Ik krijg jullie externe e-mails niet.",
    "Externe experts mogen ook komen?",
    "Wie komt:\nBo Claes\nLotte Maes\nSofie Peeters",
    "Ik heb volgende vraag: wanneer is het?\nDatum: liefst in mei\nPlaats: Antwerpen",
    "Verzonden via de post heb ik ook nog een brief, kregen jullie die?",
    "Lotte komt ook",
    "Please add Sofie to your mailing list.",
    "Dit is dringend.\n==========\nBel mij.",
]


@pytest.mark.parametrize("text", FAITHFUL)
def test_what_only_looks_like_a_quote_or_a_signature_stays(text: str) -> None:
    words = read_words(plain(text))
    assert (words.own.split(), words.quoted, words.forwarded) == (text.split(), "", "")


def test_who_writes_with_arrows_in_a_new_mail_is_heard() -> None:
    text = "Dag,\n> ik wil me inschrijven\n> en mijn collega ook"
    assert read_words(plain(text)).own == "Dag,\nik wil me inschrijven\nen mijn collega ook"
    assert read_words(plain(text, "Re: nieuws")).own == "Dag,"
    answered = plain(text, "", "Lotte Maes <lotte@post.example>", "In-Reply-To: <1@v.example>")
    assert read_words(answered).quoted == "ik wil me inschrijven\nen mijn collega ook"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Ja, ik kom. Op ma 23 nov 2026 om 10:12 schreef Bo <bo@v.example>:\n> Kom je?", "Ja, ik kom."),
        ("Ja, ik kom\nOp ma 23 nov 2026 om 10:12 schreef Bo <bo@v.example>:\n\nKom je?", "Ja, ik kom"),
        ("Schrijf me uit. Jullie schreven:\n> Kom je?", "Schrijf me uit. Jullie schreven:"),
        ("Ik kom met 2 personen op 19/11 om 10.30 uur graag\nBo Claes schreef op 2026-11-03 10:12:\n> Kom je?", None),
        ("Mijn adres: an@a.example, 0470 12 34 56\n> Kom je?", "Mijn adres: an@a.example, 0470 12 34 56"),
        ("Bo <bo@v.example>, 23 Kas 2026 Pzt, tarihinde saat tam\n10:12 tarihinde şunu yazdı:\n\nKom je?", ""),
        ("On Mon, Nov 23, 2026 at 10:12 AM Learning network of Antwerp <\nn@v.example> wrote:\n\nKom je?", ""),
    ],
)
def test_own_words_beside_an_attribution_stay(text: str, own: str | None) -> None:
    assert split_text(text).own == (own if own is not None else text.split("\n")[0])
    assert split_text(text).quoted == "Kom je?"


SIGNATURES = [
    "Met vriendelijke groeten,\n\nLotte Maes\ncoördinator vzw De Brug\nTel. 03 123 45 67 | www.debrug.example",
    "Groetjes van Lotte",
    "Groeten uit Gent,\nLotte",
    "Mvg, Lotte Maes",
    "MVG\nLotte\n\nUitschrijven voor onze nieuwsbrief: antwoord met STOP",
    "Lotte Maes\nvzw De Brug\nUitschrijven voor onze nieuwsbrief: antwoord met STOP",
    "Lotte Maes - coördinator\n+32 470 12 34 56\nIk werk niet op vrijdag",
    "lotte",
    "Avec mes salutations respectueuses,\nLotte Maes\nSe désinscrire de notre lettre : répondez STOP",
    "Cordialement\nLotte Maes\n\nCe message et ses annexes sont confidentiels.",
    "God bless you and your work,\nLotte",
    "Mit besten Grüßen\nLotte Maes\nDiese E-Mail enthält vertrauliche Informationen.",
    "Hartelijke groet,\nLotte\n\n🌈 Regenboogstraat 1, 2000 Antwerpen\nfacebook.com/debrug | instagram.com/debrug",
    "-- \nLotte Maes\nDe Brug",
    "--\nDe Brug\n03 123 45 67",
    "____________________________________\nNetwerk mailing list\nnetwerk@lists.example\nhttps://lists.example/options",
    "Saludos\nLotte",
    "Cordiali saluti\nLotte Maes",
    "Com os melhores cumprimentos,\nLotte Maes",
    "Z poważaniem\nLotte Maes",
    "Saygılarımla,\nLotte Maes",
    "مع التحية\nLotte",
    "З повагою,\nLotte",
    "С уважением,\nLotte",
]


@pytest.mark.parametrize("tail", SIGNATURES)
def test_signatures_are_kept_apart(tail: str) -> None:
    words = split_text(f"Schrijf me in voor de bijeenkomst van november.\n\n{tail}", LOTTE)
    assert words.own == "Schrijf me in voor de bijeenkomst van november."
    assert words.signature.split() == tail.strip("_").split()


NOTICES = [
    "Dit bericht en eventuele bijlagen zijn uitsluitend bestemd voor de geadresseerde.",
    "Deze e-mail is vertrouwelijk. Bent u niet de bestemmeling, gelieve hem te verwijderen.",
    "Denk aan het milieu voor u deze mail afdrukt.",
    "This e-mail and any attachments are confidential and intended solely for the addressee.",
    "If you are not the intended recipient, please delete this message.",
    "Ce message et ses annexes sont confidentiels. Si vous n'êtes pas le destinataire, supprimez-le.",
    "Pensez à l’environnement avant d’imprimer ce courriel.",
    "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, löschen Sie sie.",
    "Este mensaje y sus anexos son confidenciales.",
    "Bu e-posta ve ekleri gizlidir.",
    "Virusvrij.www.avast.com",
    "Virus-free. www.avg.com",
    "Deze e-mail is gecontroleerd op virussen met Avast.",
    "You received this message because you are subscribed to the group.\nTo unsubscribe from this group, write to x.",
    "Je ontvangt deze mail omdat je bent ingeschreven. Uitschrijven kan hier.",
]


@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize("above", ["Schrijf me in.", "Schrijf me in.\n\nGroeten,\nLotte"])
def test_notices_of_servers_are_nobodys_words_also_above_a_quote(notice: str, above: str) -> None:
    words = split_text(f"{above}\n\n{notice}\n\nOp 3 mei 2026 om 10:12 schreef Bo <bo@v.example>:\n\n> Kom je?", LOTTE)
    assert (words.own, words.quoted) == ("Schrijf me in.", "Kom je?")
    assert words.signature.endswith(notice)


BANNERS = [
    "CAUTION: This email originated from outside of the organization. Do not click links or open attachments unless "
    "you recognize the sender and know the content is safe.",
    "CAUTION: This email originated from outside of the organization. Do not\nclick links or open attachments unless "
    "you recognize the sender and know\nthe content is safe.",
    "[EXTERNAL EMAIL]",
    "*** EXTERNAL: This message originated outside the organisation ***",
    "You don't often get email from lotte@post.example. Learn why this is important",
    "OPGELET: Deze e-mail is afkomstig van buiten de organisatie. Klik niet op links en open geen bijlagen.",
    "Let op! Deze mail komt van buiten de organisatie.",
    "U ontvangt niet vaak e-mail van lotte@post.example. Meer informatie over waarom dit belangrijk is",
    "ATTENTION : Cet e-mail provient de l'extérieur. Ne cliquez pas sur les liens.",
    "Attention: Ce message provient d'un expéditeur externe.\nNe cliquez pas si le contenu est suspect.",
    "ACHTUNG: Diese E-Mail stammt von außerhalb der Organisation. Klicken Sie nicht auf Links.",
    "Externer Absender",
]


@pytest.mark.parametrize("banner", BANNERS)
@pytest.mark.parametrize("between", ["\n\n", "\n"])
def test_a_banner_over_a_mail_is_not_the_authors(banner: str, between: str) -> None:
    assert split_text(f"{banner}{between}Dag,\nSchrijf me in.").own == "Dag,\nSchrijf me in."


PHONES = [
    *("Verstuurd vanaf mijn iPhone", "Verzonden vanaf mijn Galaxy", "Haal Outlook voor iOS<https://aka.example/x> op"),
    *("Sent from my iPad", "Get Outlook for Android<https://aka.example/x>", "Sent from Yahoo Mail on Android"),
    *("Envoyé de mon iPhone", "Envoyé à partir de Outlook pour iOS", "Envoyé depuis mon appareil Galaxy"),
    *("Von meinem iPhone gesendet", "Gesendet von Outlook für Android", "Gesendet mit der GMX Mail App"),
    *("Enviado desde mi iPhone", "Inviato da iPhone", "Enviado do meu iPhone", "iPhone'umdan gönderildi"),
    *("Надіслано з iPhone", "Отправлено с iPhone", "Wysłane z iPhone'a", "أُرسلت من الـ iPhone"),
    *("Verzonden met Proton Mail beveiligde e-mail.", "Sent with Proton Mail secure email.", "-- Sent from my Galaxy"),
]


@pytest.mark.parametrize("line", PHONES)
def test_what_a_telephone_adds_is_no_wish(line: str) -> None:
    words = split_text(f"Ja, ik kom\n\n{line}")
    assert (words.own, words.signature) == ("Ja, ik kom", line)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Ik kom niet.\n\nGroeten,\nLotte\n\nPS: haal me van de lijst.", "Ik kom niet.\n\nPS: haal me van de lijst."),
        ("Ik kom niet.\n\nGroeten,\nLotte\nPS: haal me van de lijst.", "Ik kom niet.\n\nPS: haal me van de lijst."),
        ("Ik kom.\n\nGroeten,\nLotte\n\nP.S. ik eet geen vlees.\nEn Bo ook niet.", None),
        ("Je viens.\n\nMerci,\nLotte\n\nNB : je suis végétarienne.", "Je viens.\n\nNB : je suis végétarienne."),
        ("Ik kom.\n\nGroeten,\nLotte\n\nO ja, ik breng mijn broer mee.", "Ik kom.\n\nO ja, ik breng mijn broer mee."),
    ],
)
def test_what_follows_a_signature_is_heard(text: str, own: str | None) -> None:
    words = split_text(text, LOTTE)
    assert words.own == own if own else words.own.endswith("En Bo ook niet.")
    assert "Lotte" in words.signature


def test_a_wish_in_the_html_only_is_heard_and_one_in_the_text_only_too() -> None:
    plain_words, rich = "Dag,\n\nZie bijlage.", "<p>Dag,</p><p>Zie bijlage.</p><p>Schrijf me uit.</p>"
    assert both(plain_words, rich).own == "Dag,\n\nZie bijlage.\n\nSchrijf me uit."
    assert both(f"{plain_words}\n\nSchrijf me in.", "<p>Dag,</p><p>Zie bijlage.</p>").own.endswith("Schrijf me in.")
    stub = both("Your mail program cannot show HTML.", '<div>Ik kom.</div><blockquote type="cite">Kom je?</blockquote>')
    assert "Ik kom." in stub.own
    assert stub.quoted == "Kom je?"


def test_a_quote_that_only_the_html_shows_does_not_become_own_by_the_text() -> None:
    rich = '<div>Ja.</div><div id="appendonsend"></div><div>Kom je? Uitschrijven kan hier.</div>'
    assert both("Ja.\n\nFrån någon\n\nKom je? Uitschrijven kan hier.", rich).own == "Ja.\n\nFrån någon"


def test_where_html_takes_all_for_a_quote_the_answers_between_are_found_in_the_text() -> None:
    rich = '<div class="yahoo_quoted">Kom je?<br>Ja, ik kom.</div>'
    assert both("> Kom je?\n\nJa, ik kom.", rich).own == "Ja, ik kom."


def both(text: str, html: str) -> Words:
    kinds = (("plain", text), ("html", html))
    parts = "".join(f"--b\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n{body}\r\n" for kind, body in kinds)
    head = ("From: Lotte Maes <lotte@post.example>", "Subject: Re: nieuws")
    return read_words(message(f"{parts}--b--", *head, content_type='multipart/alternative; boundary="b"'))


@pytest.mark.parametrize(
    ("html", "own"),
    [
        ('Dag<blockquote style="margin:0 0 0 40px;border:none;padding:0px">Schrijf me in</blockquote>', None),
        ("<p>Dag<p>Schrijf me in <an@a.example>", "Dag\n\nSchrijf me in <an@a.example>"),
        ('<div>Dag</div><div style="display:none">verborgen</div><style>p{}</style><!-- weg -->', "Dag"),
        ('<div title="a > b">Dag</div><img alt="weg">', "Dag"),
        ("<pre>een\ntwee</pre>", "een\ntwee"),
        ("<ul><li>een</li><li>twee</li></ul>", "- een\n- twee"),
        ("<table><tr><td>Naam</td><td>An</td></tr><tr><td>Van</td><td>Bo</td></tr></table>", "Naam An\nVan Bo"),
        ('<div id="Signature"><div>Ik wil me graag inschrijven.</div></div>', "Ik wil me graag inschrijven."),
        ('<div class="gmail_signature">Lotte</div>', ""),
        ("a &lt; b &amp; c&nbsp;d &#x202e;e", "a < b & c d e"),
        ("<head>Dag<body>Ik kom", "Dag\nIk kom"),
        ("2 < 3 en <3", "2 < 3 en <3"),
        ("<blockquote>Ik wil me inschrijven</blockquote>", "Ik wil me inschrijven"),
        ('<div style="border-top:solid #E1E1E1 1pt">Nog iets: ik kom</div>', "Nog iets: ik kom"),
    ],
)
def test_html_of_any_kind_is_read(html: str, own: str | None) -> None:
    found = message(html, "From: lotte@post.example", content_type="text/html; charset=utf-8")
    assert read_words(found).own == (own if own is not None else "Dag\nSchrijf me in")


def test_a_header_in_a_language_nobody_knows_is_seen_under_a_line() -> None:
    block = "Från: Nät <n@v.example>\nSkickat: den 3 maj 2026\nTill: Lotte\nÄmne: Nytt"
    words = split_text(f"Ja\n\n________________________________\n{block}\n\nUitschrijven", kind="answer")
    assert (words.own, words.quoted.endswith("Uitschrijven")) == ("Ja", True)


def test_forwards_within_forwards_and_as_attachments_stay_forwarded() -> None:
    inner = "---------- Forwarded message ---------\nVan: Bo <bo@a.example>\n\nIk wil lid worden."
    outer = "---------- Forwarded message ---------\nVan: An <an@a.example>"
    words = split_text(f"Zie onder.\n\n{outer}\n\nFyi\n\n{inner}")
    assert words.own == "Zie onder."
    assert words.forwarded.count("Forwarded message") == 1
    assert words.forwarded.endswith("Ik wil lid worden.")
    inner = "Content-Type: message/rfc822\r\n\r\nFrom: bo@a.example\r\n\r\nSchrijf me in"
    parts = f"--b\r\n\r\nVoor jullie.\r\n--b\r\n{inner}\r\n--b--"
    attached = read_words(message(parts, "From: an@a.example", content_type="multipart/mixed; boundary=b"))
    assert (attached.own, attached.forwarded.endswith("Schrijf me in")) == ("Voor jullie.", True)


def test_a_forward_with_nothing_above_or_only_a_greeting_has_no_own_words() -> None:
    block = "Van: Bo <bo@a.example>\nVerzonden: 3 mei 2026 10:12\nAan: Lotte\nOnderwerp: lid\n\nIk wil lid worden."
    for above in ("", "Groetjes,\nLotte\n\n", "-----Oorspronkelijk bericht-----\n"):
        words = split_text(f"{above}{block}", LOTTE, "forward")
        assert (words.own, words.quoted, words.forwarded) == ("", "", block)
    assert split_text(block, kind="answer").quoted == block
