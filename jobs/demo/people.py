"""The people of the demo's story and what they write, each in their own words; all of them made up."""

from dataclasses import dataclass

NETWORK = "netwerk@verbinden.example"
NETWORK_NAME = "Lerend netwerk Verbinden"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with a mailbox."""

    name: str
    address: str
    language: str


AN = Actor("An Vermeulen", "an.vermeulen@stad.example", "nl")
KARIM = Actor("Karim Haddou", "karim@samenwijzer.example", "fr")
AMINA = Actor("Amina El Idrissi", "amina@huisvandewijk.example", "nl")
LUC = Actor("Luc Delvaux", "luc.delvaux@lafermette.example", "fr")
GRACE = Actor("Grace Okafor", "grace@welcomehouse.example", "en")
TINE = Actor("Tine Maes", "tine.maes@ocmw-lindendal.example", "nl")
NOOR = Actor("N.", "n.k.2009@post.example", "nl")
JEF = Actor("Jef Wouters", "jef.wouters@thuis.example", "nl")
SARA = Actor("Sara Lambrechts", "sara.lambrechts@zorgpunt.example", "nl")
HANNE = Actor("Hanne Claes", "hanne.claes@buurthuis.example", "nl")
PAUL = Actor("Paul Mertens", "gone.paul@oudwerk.example", "nl")

MEMBERS_CSV = """address,name,organisation,language
jef.wouters@thuis.example,Jef Wouters,,nl
sara.lambrechts@zorgpunt.example,Sara Lambrechts,Zorgpunt Noord,nl
gone.paul@oudwerk.example,Paul Mertens,,nl
"""

AMINA_JOINS = """Dag,

Ik was op de inspiratiedag en kreeg jullie adres van een collega.
Ik zou graag lid worden van het lerend netwerk, zodat ik op de hoogte blijf.

Hartelijke groeten,
Amina El Idrissi
Huis van de Wijk
"""

LUC_JOINS = """Bonjour,

J'ai entendu parler de votre réseau d'apprentissage et j'aimerais en faire partie.
Pouvez-vous m'inscrire ?

Bien à vous,
Luc Delvaux
La Fermette asbl
"""

GRACE_JOINS = """Hello,

My colleague told me about the learning network. I would like to join, please add me to your list.

Kind regards,
Grace Okafor
Welcome House
"""

TINE_ASKS = """Beste,

Wij lazen jullie aanbevelingen en willen er met ons team mee aan de slag.
Kan iemand ons daarbij begeleiden, of eens langskomen voor een gesprek?

Vriendelijke groet,
Tine Maes
OCMW Lindendal
"""

NOOR_CRIES = """ik weet niet of ik dit hier mag vragen. mijn familie heeft ontdekt dat ik op meisjes val en ik ben
bang om naar huis te gaan. ik weet niet waar ik vannacht kan slapen. kan iemand mij helpen aub
"""

HANNE_DOUBTS = """Dag,

Een vriendin vertelde me over jullie netwerk. Ik zou graag lid worden van jullie netwerk, tenzij dat geld kost.

Groetjes,
Hanne Claes
"""

AMINA_CONFIRMS = "Ja, dat was ik. Graag!\n\nAmina\n"
GRACE_CONFIRMS = "Yes, please do.\n\nGrace\n"
SARA_AWAY = """Ik ben afwezig tot en met 4 januari.
Voor dringende vragen kunt u terecht bij het onthaal van Zorgpunt Noord.

Sara Lambrechts
"""
JEF_LEAVES = """Dag allemaal,

Ik ben intussen met pensioen. Schrijf mij maar uit, en dank voor alles.

Jef
"""
GRACE_COMES = """Hello,

Thank you for the invitation! I will be there, and I am bringing one colleague.

Grace
"""
AMINA_DECLINES = "Dag, ik kan er die dag helaas niet bij zijn. Volgende keer graag!\n\nAmina\n"
HANNE_CONFIRMS = "Ja, graag!\n\nHanne\n"
