"""Who a mail is about: addresses, names in their natural order, organisations as the mail names them."""

import time

import pytest

from mailer.inbound.message import InboundMessage
from mailer.inbound.reply_text import Words, read_words
from mailer.inbound.understanding import Person, Thread, people, understand
from mailer.inbound.understanding.names import natural
from tests.unit.inbound.mails import message, plain

AN = "An Bos <an@post.example>"


def author_of(sender: str, text: str, subject: str = "x") -> Person:
    mail = plain(text, subject, sender)
    return people.author(mail, read_words(mail))


def others_of(text: str, sender: str = "An Wils <an.wils@debrug.example>") -> list[tuple[str | None, ...]]:
    mail = plain(text, "x", sender)
    return [(one.address, one.name, one.organisation) for one in people.others(mail, read_words(mail))]


def changed_of(sender: str, text: str, renamed: bool = False) -> list[tuple[str | None, ...]]:
    mail = plain(text, "x", sender)
    words = read_words(mail)
    found = people.changed(mail, words, people.others(mail, words), renamed)
    return [(one.address, one.name, one.organisation) for one in found]


@pytest.mark.parametrize(
    ("shown", "address", "name"),
    [
        ("Lotte Maes", "lotte.maes@post.example", "Lotte Maes"),
        ("Maes Lotte", "lotte.maes@post.example", "Lotte Maes"),
        ("Van den Berg Lotte", "lotte.vandenberg@post.example", "Lotte Van den Berg"),
        ("Maes, Lotte", "x@post.example", "Lotte Maes"),
        ("MAES Lotte", "x@post.example", "Lotte Maes"),
        ("DE WIT Lotte", "x@post.example", "Lotte De Wit"),
        ("DE WIT-D'HOOGHE Lotte", "x@post.example", "Lotte De Wit-D'Hooghe"),
        ("lotte maes", "x@post.example", "Lotte Maes"),
        ("LOTTE MAES", "x@post.example", "Lotte Maes"),
        ("Lotte van der Maes", "lvdmaes@post.example", "Lotte van der Maes"),
        ("Lotte DM", "x@post.example", "Lotte DM"),
        ("Lotte Maes (De Brug)", "x@post.example", "Lotte Maes"),
        ("Lotte Maes | De Brug", "x@post.example", "Lotte Maes"),
        ("Dr. Lotte Maes", "x@post.example", "Lotte Maes"),
        ("Prof. em. Lotte Maes", "x@post.example", "Lotte Maes"),
        ("E.H. Lode Maes", "x@post.example", "Lode Maes"),
        ("Zuster Amanda", "x@post.example", "Zuster Amanda"),
        ("De Smet Joke", "joke.desmet@post.example", "Joke De Smet"),
        ("lotte@post.example", "lotte@post.example", ""),
    ],
)
def test_names_stand_in_their_natural_order(shown: str, address: str, name: str) -> None:
    assert natural(shown, address) == name


@pytest.mark.parametrize(
    ("sender", "text", "person"),
    [
        ("Lotte Maes <lotte@debrug.example>", "Schrijf me in op de lijst.\n\nMvg\nLotte Maes\nvzw De Brug\nT 03 000",
         Person("lotte@debrug.example", "Lotte Maes", "vzw De Brug")),
        ("lotte.maes@post.example", "Zet mij op de lijst.", Person("lotte.maes@post.example", "Lotte Maes", None)),
        ("Lotte M <lm@post.example>", "Zet mij op de mailinglijst.\n\nGroeten\nLotte Maes",
         Person("lm@post.example", "Lotte Maes", None)),
        ("Lotte Maes <lotte.maes@post.example>", "Ik werk bij Huis De Linde. Zet mij op de mailinglijst.",
         Person("lotte.maes@post.example", "Lotte Maes", "Huis De Linde")),
        ("Onthaal De Brug <info@debrug.example>", "Graag nieuwsbrief op dit adres.\n\nLotte Maes\nvzw De Brug",
         Person("info@debrug.example", "Lotte Maes", "vzw De Brug")),
    ],
)  # fmt: skip
def test_the_author_is_described(sender: str, text: str, person: Person) -> None:
    assert understand(plain(text, "x", sender), Thread()).people == (person,)


@pytest.mark.parametrize(
    ("sender", "text", "name"),
    [
        ("Kofi <kofi99@post.example>", "hello my name is Kofi Mensah i want join the group", "Kofi Mensah"),
        ("Ahmad <a.haidari@post.example>", "Ik ben Ahmad Haidari uit Afghanistan.", "Ahmad Haidari"),
        ("Selam T. <selamtes88@post.example>", "Ik heet Selam Tesfay.\n\nGroetjes\nSelam", "Selam Tesfay"),
        ("Ismail <ismail.yld@post.example>", "add me please ismail yıldız social worker", "Ismail Yıldız"),
        ("Olena <olena@post.example>", "ik ben Olena van Oekraïne, zet mij erbij", "Olena"),
        ("E. Van den Broeck <els.vdb@post.example>", "Zet mij erbij.\n\nMvg\nEls Van den Broeck", "Els Van den Broeck"),
        ("Els Maes <els.maes.d@post.example>", "Zet mij erbij.\n\nMvg\nEls Maes Dries", "Els Maes Dries"),
        ("Els Maes <els.maes@post.example>", "Zet mij erbij.\n\nMvg\nEls Maes\nSociaal Werker", "Els Maes"),
        ("Oma Jeanne <jeanne.pieters@post.example>", "Zet mij erbij.\n\nJeanne Pieters", "Jeanne Pieters"),
        ("Els Maes <els.maes@post.example>", "Zet mij erbij.\n\nVerstuurd vanaf mijn Galaxy", "Els Maes"),
        ("Omar T. <omar.t@post.example>", "Zet mij erbij.\n\nMvg\nOmar T.", "Omar T."),
        ("Onthaal Kompas <onthaal@kompas.example>", "Zet ons erbij.\n\nGroetjes\n(Lien Bos typte dit)", "Lien Bos"),
        ("Équipe Le Pont <equipe@lepont.example>", "Inscrivez-nous.\n\nPour l'équipe,\nMaud", "Maud"),
        ("Team Noord <team.noord@kompas.example>", "Zet dit adres op de lijst.\n\nGroet van het team", None),
        ("Secretariaat Kompas <secretariaat@kompas.example>", "Zet ons erbij.\n\nMvg\nBuurthuis Kompas", None),
    ],
)  # fmt: skip
def test_the_fullest_name_that_is_surely_theirs(sender: str, text: str, name: str | None) -> None:
    assert author_of(sender, text).name == name


@pytest.mark.parametrize(
    ("sender", "text", "house"),
    [
        # in the signature
        (AN, "Zet mij erbij.\n\nMvg\nAn Bos | maatschappelijk werker | CAW Noord", "CAW Noord"),
        (AN, "Zet mij erbij.\n\nMvg\nAn Bos\nmedewerker bij CAW Noord\n0470 00 00 00", "CAW Noord"),
        (AN, "Zet mij erbij.\n\nMvg\nAn Bos\nvoorzitter Seniorenraad Kade", "Seniorenraad Kade"),
        (AN, "Zet mij erbij.\n\nMvg\nAn Bos\nHarbour Door", "Harbour Door"),
        ("An Bos <an@huis-nul.example>", "Ajoutez-moi.\n\nAn Bos\nSanté pour Tous vzw", "Santé pour Tous vzw"),
        (AN, "Ajoutez-moi.\n\nAn Bos\nCPAS de Namur\nRue Haute 3, 5000 Namur", "CPAS de Namur"),
        ("An Bos <an@nordhaus-koeln.example>", "Bitte.\n\nAn Bos\nNordhaus Köln e. V. | Postfach 8",
         "Nordhaus Köln e. V."),
        ("An Bos | Kompas <an@kompas.example>", "Zet mij erbij.", "Kompas"),
        ("سامر خوري <samer@baytelkarma.example>", "أضيفوني.\nسامر خوري، بيت الكرمة", "بيت الكرمة"),
        # in the text, as the domain spells it
        ("An Bos <an@debrug.example>", "Ik ben van De Brug in Gent en wil erbij.", "De Brug"),
        ("An Bos <an@uni-linden.example>", "I teach at the University of Linden and want in.", "University of Linden"),
        ("An Bos <an@lesquatrevents.example>", "Je suis des Quatre Vents, ajoutez-moi.", "Les Quatre Vents"),
        ("An Bos <an@maison-arcenciel.example>", "Je suis de la Maison arc-en-ciel.", "Maison arc-en-ciel"),
        ("An Bos <an@kopru-dernegi.example>", "Köprü Derneği'nde çalışıyorum.", "Köprü Derneği"),
        ("Ира Бос <ira@ochag.example>", "Я из «Очага», добавьте меня.", "Очаг"),
        ("An Bos <an@huyskamer.example>", "Ik ben baas van mijn koffiehuis Huyskamer.", "Huyskamer"),
        # in the text, as they say it
        (AN, "Hi, I'm with Outreach Leuven and would love to join.", "Outreach Leuven"),
        (AN, "Je travaille chez Convivial et je voudrais m'inscrire.", "Convivial"),
        (AN, "Je travaille à la Croix-Bleue de Liège comme assistante.", "Croix-Bleue de Liège"),
        (AN, "Ich arbeite beim Verein Regenbogen e.V. und möchte dazu.", "Verein Regenbogen e.V."),
        (AN, "Trabajo para la Fundación Puentes en Bruselas.", "Fundación Puentes"),
        (AN, "Kadın Vakfı'nda gönüllüyüm.", "Kadın Vakfı"),
        (AN, "Ik ben psycholoog bij opvangcentrum De Brug.", "opvangcentrum De Brug"),
        (AN, "Я працюю в «Криниця», додайте мене.", "Криниця"),
        ("سامر خوري <samer@barid.example>", "أعمل في جمعية الأمل وأود الانضمام.", "جمعية الأمل"),
        (AN, "Naam: An Bos\nOrganisatie: Huis Zuid\nGraag inschrijven", "Huis Zuid"),
    ],
)  # fmt: skip
def test_the_organisation_is_the_one_the_mail_names(sender: str, text: str, house: str) -> None:
    assert author_of(sender, text).organisation == house


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        ("An Bos <an@debrug.example>", "Zet mij erbij."),  # never from the domain alone
        (AN, "Mijn zus werkt bij Colruyt en gaf mij jullie adres."),
        (AN, "My brother works for Harbour House, he told me. Add me."),
        (AN, "In my building works a girl from Cameroon. Add me."),
        (AN, "Ik leerde jullie kennen op de studiedag in Brussel."),
        (AN, "Ik woon bij de Turkse bakker en ben verpleegster."),
        (AN, "Ik heb vroeger bij CAW Noord gewerkt, nu ben ik met pensioen."),
        (AN, "Ik ben lid van de Vrouwenraad. Zet mij erbij."),
        (AN, "Zet mij erbij.\n\nMvg\nAn Bos\nProject Manager\nBrussels"),
        (AN, "Zet mij erbij.\n\nVerzonden vanaf mijn Galaxy"),
        (AN, "Zet mij erbij.\n\nTante An"),
        ("An Bos <an@ocmw-hasse.example>", "Ik woon in Hasse en wil erbij."),
        ("An Bos <an@ocmw-hasse.example>", "Het OCMW betaalt mijn trein."),
        (AN, "Beste netwerk\nZet mij erbij."),
    ],
)
def test_no_organisation_is_better_than_a_wrong_one(sender: str, text: str) -> None:
    assert author_of(sender, text).organisation is None


def test_other_people_are_found_with_their_names() -> None:
    text = "Kunnen jullie deze collega's toevoegen?\n- Bram Aerts, bram@debrug.example\n- noor.claes@debrug.example"
    assert understand(plain(text, "x"), Thread()).people == (
        Person("bram@debrug.example", "Bram Aerts", None),
        Person("noor.claes@debrug.example", "Noor Claes", None),
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Graag erbij: Bram Aerts <bram.aerts@x.example>", ("bram.aerts@x.example", "Bram Aerts", None)),
        ("Graag erbij: bram.aerts@x.example (Bram Aerts)", ("bram.aerts@x.example", "Bram Aerts", None)),
        ("Graag erbij:\nBram Aerts\nbram.aerts@x.example", ("bram.aerts@x.example", "Bram Aerts", None)),
        ("Kan Bram Aerts erbij? b.aerts@x.example", ("b.aerts@x.example", "Bram Aerts", None)),
        ("Zet mijn man erop, jo.v@x.example, hij heet Jo Vermeulen.", ("jo.v@x.example", "Jo Vermeulen", None)),
        ("Frau Thi Lan Pham möchte dazu: lan.pham@x.example", ("lan.pham@x.example", "Thi Lan Pham", None)),
        ("meine Kollegin Jana Groß: j.gross@x.example", ("j.gross@x.example", "Jana Groß", None)),
        ("Alderman Peter Bos asks: peter.bos@x.example", ("peter.bos@x.example", "Peter Bos", None)),
        ("Neem Nabil Hadj op, nabil.hadj@x.example", ("nabil.hadj@x.example", "Nabil Hadj", None)),
        ("Hande Sarı'yı alın: hande.sari@x.example", ("hande.sari@x.example", "Hande Sarı", None)),
        ("mijn mama is anja van roey, anja.vanroey@x.example", ("anja.vanroey@x.example", "Anja van Roey", None)),
        ("أضيفوا فادي كرم fadi.karam@x.example", ("fadi.karam@x.example", "فادي كرم", None)),
        ("وضعوا Lara Aoun على lara.aoun@x.example، وهي موافقة", ("lara.aoun@x.example", "Lara Aoun", None)),
        ("додайте Марту Білик, m.bilyk@x.example", ("m.bilyk@x.example", "Марта Білик", None)),
        ("LOOS\nCéline\ninfirmière\nceline.loos@x.example", ("celine.loos@x.example", "Céline Loos", None)),
        ("DE WIT Karel;karel.dewit@x.example;vzw De Kade", ("karel.dewit@x.example", "Karel De Wit", "vzw De Kade")),
        ("- Bram Aerts, b.aerts@x.example, vzw De Kade", ("b.aerts@x.example", "Bram Aerts", "vzw De Kade")),
        ("Thandi Mokoena (CAW De Loods, t.mokoena@x.example)",
         ("t.mokoena@x.example", "Thandi Mokoena", "CAW De Loods")),
        ("Hakim Saïdi des Quatre Vents (hakim.saidi@lesquatrevents.example)",
         ("hakim.saidi@lesquatrevents.example", "Hakim Saïdi", "Les Quatre Vents")),
        ("Diego wil erbij: diego.salcedo@x.example. Voluit heet hij Diego Salcedo Rojas.",
         ("diego.salcedo@x.example", "Diego Salcedo Rojas", None)),
        ("Ook zij: xk12@x.example", ("xk12@x.example", None, None)),
    ],
)  # fmt: skip
def test_each_address_has_the_name_that_is_its_own(text: str, found: tuple[str | None, ...]) -> None:
    assert others_of(text) == [found]


def test_one_organisation_is_that_of_all_colleagues_and_of_nobody_else() -> None:
    colleagues = "Graag toevoegen:\nBram Aerts, b.aerts@kade.example\nNoor Bos, noor.bos@post.example"
    text = f"{colleagues}\n\nMvg\nAn Wils\nvzw De Oever"
    assert others_of(text, "An Wils <an.wils@kade.example>") == [
        ("b.aerts@kade.example", "Bram Aerts", "vzw De Oever"),
        ("noor.bos@post.example", "Noor Bos", None),
    ]


def test_the_author_is_nobodys_organisation() -> None:
    text = "Please add David Mbeki: david.mbeki@debrug.example\n\nThanks\nAn Wils"
    assert others_of(text) == [("david.mbeki@debrug.example", "David Mbeki", None)]


def test_an_address_of_their_own_in_the_text_is_the_one_to_use() -> None:
    text = "Schrijf me in voor het netwerk, maar op mijn werkadres lotte.maes@debrug.example."
    assert (
        understand(plain(text, "x", "Lotte <l@post.example>"), Thread()).people[0].address
        == "lotte.maes@debrug.example"
    )


OLD, NEW = "An Bos <an.bos@old.example>", "An Bos <an.bos@new.example>"


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        (OLD, "Mijn nieuwe adres is an.bos@new.example."),
        (OLD, "Gelieve vanaf nu an.bos@new.example te gebruiken i.p.v. dit adres."),
        (OLD, "Dit adres vervalt. Mijn nieuw mailadres wordt an.bos@new.example, het oude mag dan weg."),
        (OLD, "an.bos@old.example bestaat niet meer, gebruik an.bos@new.example"),
        (OLD, "Mon adresse change : an.bos@old.example devient an.bos@new.example"),
        (OLD, "Veuillez remplacer an.bos@old.example par an.bos@new.example. Merci"),
        (OLD, "Die neue Adresse lautet an.bos@new.example, bitte die alte an.bos@old.example löschen."),
        (OLD, "Cambio: el antiguo es an.bos@old.example, el nuevo an.bos@new.example."),
        (OLD, "Yeni adresim an.bos@new.example oldu, eski adresimi silin."),
        (OLD, "From Jan 1st my new email will be an.bos@new.example."),
        (OLD, "kan dit op mn gmail ipv hier? an.bos@new.example"),
        (NEW, "Mijn oude adres an.bos@old.example mag weg."),
        (NEW, "Please change my address from an.bos@old.example to an.bos@new.example."),
        (NEW, "Keep this address and retire an.bos@old.example."),
        (NEW, "Your mails come here and also to an.bos@old.example. Keep sending here."),
        (NEW, "Alles wat naar an.bos@old.example ging, mag nu hierheen."),
        (NEW, "In jullie lijst sta ik als an.bos@old.example. Kunnen jullie mij vanaf nu hier schrijven?"),
        (NEW, "Ik kreeg jullie mails tot nu op an.bos@old.example, kan dat voortaan op dit adres?"),
        (NEW, "J'ai changé d'adresse, n'utilisez plus an.bos@old.example svp."),
        (NEW, "Please use this account from now on rather than an.bos@old.example."),
    ],
)
def test_of_two_addresses_the_new_one_is_meant(sender: str, text: str) -> None:
    assert changed_of(sender, text) == [("an.bos@new.example", "An Bos", None)]


@pytest.mark.parametrize(
    ("sender", "text", "house"),
    [
        (AN, "Ik verhuis van vzw De Brug naar CAW Noord.", "CAW Noord"),
        (AN, "Ik werk niet meer bij CAW Noord maar bij vzw De Brug.", "vzw De Brug"),
        (AN, "Weg bij De Schakel, begonnen bij vzw Vluchthaven.", "vzw Vluchthaven"),
        (AN, "Depuis mars je travaille à L'Ancre asbl, plus au CPAS.", "L'Ancre asbl"),
        (AN, "Ich arbeite jetzt bei der Caritas Eifel, nicht mehr beim Roten Faden.", "Caritas Eifel"),
        ("An Bos <an@accueil.example>", "L'asbl Accueil s'appellera « Passages asbl » dès mars.", "Passages asbl"),
        ("An Bos <an@wijkkracht.example>", "Since yesterday I work at Wijkkracht vzw.", "Wijkkracht vzw"),
        (AN, "Ik ben weg bij CAW Noord en zit nu thuis.", None),
    ],
)  # fmt: skip
def test_of_two_organisations_the_new_one_is_meant(sender: str, text: str, house: str | None) -> None:
    assert changed_of(sender, text)[0][2] == house


@pytest.mark.parametrize(
    ("sender", "text", "name"),
    [
        ("Kris Bos <k@post.example>", "Ik heet Emma. Emma Bos. Pas dat aan.", "Emma Bos"),
        ("Kris Bos <k@post.example>", "Sinds ons huwelijk is mijn naam Kris Bos-Maes.", "Kris Bos-Maes"),
        ("Kris Bos <k@post.example>", "Noem mij met mijn nieuwe naam.\n\nMvg\nEmma Bos", "Emma Bos"),
        ("Bos Kris <kb@post.example>", "Mijn naam staat omgekeerd: ik ben Kris Bos.", "Kris Bos"),
        ("Ngoc Tran <n@post.example>", "Mijn naam moet zijn Ngoc Anh Tran.", "Ngoc Anh Tran"),
        ("Emma Bos <k@post.example>", "Jullie hebben mij nog onder de oude naam Kris Bos.", "Emma Bos"),
        ("Emma Bos <k@post.example>", "Ik sta nog als Kris Bos, dat wordt Emma Bos.", "Emma Bos"),
        ("Emma Bos <k@post.example>", "Onze vzw heet voortaan Bruggen vzw.", "Emma Bos"),
    ],
)
def test_a_new_name_is_the_one_they_want_and_never_the_old_one(sender: str, text: str, name: str) -> None:
    assert changed_of(sender, text, renamed=True)[0][1] == name


def test_a_new_address_may_hold_the_new_name_and_that_of_somebody_else_is_theirs() -> None:
    married = changed_of("Kris Bos <kris.bos@x.example>", "Aus Bos wird Sommer, neu: kris.sommer@x.example.")
    assert married == [("kris.sommer@x.example", "Kris Sommer", None)]
    other = changed_of(OLD, "Het nieuwe adres van Tom Bal is tom.bal@new.example, het oude was tbal@old.example.")
    assert other == [("tom.bal@new.example", "Tom Bal", None)]


CARD = "\r\n".join(
    ["BEGIN:VCARD", "VERSION:3.0", "FN:Noor Claes", "ORG:vzw De Brug;Onthaal", "EMAIL:noor@brug.example", "END:VCARD"]
)


def with_card(sender: str, text: str) -> InboundMessage:
    body = f"--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b\r\nContent-Type: text/vcard\r\n\r\n{CARD}\r\n--b--"
    headers = (f"From: {sender}", "To: netwerk@verbinden.example", "Subject: x")
    return message(body, *headers, content_type='multipart/mixed; boundary="b"')


def test_a_card_says_where_somebody_works() -> None:
    mail = with_card("noor@brug.example", "Zet mij erbij.")
    assert people.author(mail, read_words(mail)) == Person("noor@brug.example", "Noor Claes", "vzw De Brug")


def test_a_card_of_somebody_else_names_them() -> None:
    mail = with_card("An Wils <an@post.example>", "Kan mijn collega erbij? Haar kaartje hangt eraan.")
    assert people.passed_on(mail, read_words(mail)) == (Person("noor@brug.example", "Noor Claes", "vzw De Brug"),)


def test_the_author_of_a_forwarded_mail_can_be_meant() -> None:
    mail = plain("x", "x", "An Wils <an.wils@debrug.example>")
    words = Words("Zie hieronder, kan zij erbij?", "", "", "Van: Noor Claes <noor.claes@debrug.example>\nMag ik erbij?")
    assert people.others(mail, words) == ()
    assert people.passed_on(mail, words) == (Person("noor.claes@debrug.example", "Noor Claes", None),)


@pytest.mark.parametrize(
    "text",
    ["De Brug Van Huis " * 2_300, "«Очага Маяка " * 3_000, "Ik werk bij De Brug en " * 1_700, "l'd'" * 10_000,
     "'" * 40_000, "\n".join(f"Jan Bos{at} jan.bos{at}@debrug.example" for at in range(900)), "@ " * 20_000],
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    mail = plain("x", "x", "An Bos <an.bos@debrug.example>")
    words = Words(text, text[:4_000], "", "")
    begun = time.process_time()
    people.changed(mail, words, people.others(mail, words), renamed=True)
    assert time.process_time() - begun < 1.0


def test_the_language_asked_for_is_not_the_one_written_in() -> None:
    request = understand(plain("Kan ik de nieuwsbrief voortaan in het Frans krijgen?", "x"), Thread())
    assert (request.wanted_language, request.kinds) == ("fr", ("update",))
