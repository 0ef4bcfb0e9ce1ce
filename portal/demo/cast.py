"""Who plays in the demonstration: invented suppliers and customers with real check digits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schwifty import IBAN
from stdnum import luhn

from einvoice.composing.seller import SellerProfile
from einvoice.document import Address, Contact

if TYPE_CHECKING:
    from random import Random

RATE_20, RATE_10, RATE_5_5 = Decimal(20), Decimal(10), Decimal("5.5")


@dataclass(frozen=True, slots=True)
class Article:
    """Something a supplier sells: name, unit (UN/ECE rec. 20), price without VAT in EUR, VAT rate in percent."""

    name: str
    unit: str
    price: Decimal
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Player:
    """A supplier of the demonstration."""

    profile: SellerProfile
    colour: str
    articles: tuple[Article, ...]
    customers: tuple[dict[str, Any], ...]
    consumers: tuple[dict[str, Any], ...] = ()
    """Buyers that no platform serves: private persons."""
    number_of_platform: str | None = None
    """The platform's registration number, where the supplier declares its e-reporting itself."""


def siren_from(seed: int) -> str:
    """A nine-digit number with the check digit of a SIREN."""
    stem = f"{seed:08d}"
    return stem + luhn.calc_check_digit(stem)


def siret_from(siren: str) -> str:
    """The SIRET of a first establishment."""
    stem = f"{siren}0001"
    return stem + luhn.calc_check_digit(stem)


def vat_from(siren: str) -> str:
    """The French VAT number of a SIREN."""
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


def iban_from(seed: int) -> str:
    """A French IBAN with its check digits, at an invented branch."""
    return str(IBAN.generate("FR", bank_code="30004", account_code=f"{seed:011d}", branch_code="00001"))


def _profile(name: str, seed: int, street: str, town: tuple[str, str], **more: Any) -> SellerProfile:
    siren = siren_from(seed)
    return SellerProfile(
        name=name,
        siren=siren,
        siret=siret_from(siren),
        vat_id=vat_from(siren),
        address=Address("FR", street, postcode=town[0], city=town[1]),
        iban=iban_from(seed),
        bic="BNPAFRPPXXX",
        holder=name,
        contact=Contact("Service facturation", phone="+33 2 40 00 00 00", email="facturation@demo.example"),
        registration=f"RCS {town[1]} {siren[:3]} {siren[3:6]} {siren[6:]}",
        **more,
    )


def _profiles() -> tuple[SellerProfile, SellerProfile, SellerProfile]:
    """A studio, a mill and a firm that maintains: services, goods, and VAT on debits."""
    studio = _profile(
        "Atelier Kerbrat",
        81234501,
        "12 quai de la Fosse",
        ("44000", "Nantes"),
        legal_form="SARL au capital de 20 000 EUR",
        nature="services",
        size="mid",
        vat_regime="monthly",
    )
    mill = _profile(
        "Moulins de l'Yonne",
        40567812,
        "3 route des Meuniers",
        ("89000", "Auxerre"),
        legal_form="SAS au capital de 150 000 EUR",
        nature="goods",
        size="sme",
        vat_regime="quarterly",
    )
    maintenance = _profile(
        "Vauban Maintenance",
        52198734,
        "48 rue Nationale",
        ("59000", "Lille"),
        legal_form="SAS au capital de 80 000 EUR",
        nature="services",
        vat_on_debits=True,
    )
    return studio, mill, maintenance


def cast_of(random: Random) -> tuple[Player, ...]:
    """Three suppliers, forty customers."""
    studio, mill, maintenance = _profiles()
    names = list(_NAMES)
    random.shuffle(names)
    return (
        Player(
            studio,
            "#1f4e5f",
            _STUDIO,
            tuple(_customer(n, i + 1) for i, n in enumerate(names[:14])),
            tuple(_consumer(n, i + 1) for i, n in enumerate(_PERSONS[:3])),
            number_of_platform="0042",
        ),
        Player(
            mill,
            "#8a4b08",
            _MILL,
            tuple(_customer(n, i + 101) for i, n in enumerate(names[14:27])),
            tuple(_consumer(n, i + 101) for i, n in enumerate(_PERSONS[3:])),
        ),
        Player(maintenance, "#3b3b98", _MAINTENANCE, tuple(_customer(n, i + 201) for i, n in enumerate(names[27:40]))),
    )


def _customer(place: tuple[str, str, str], seed: int) -> dict[str, Any]:
    """A buyer as our JSON wants it."""
    name, postcode, city = place
    siren = siren_from(60_000_000 + 7919 * seed)
    return {
        "name": name,
        "siren": siren,
        "vat_id": vat_from(siren),
        "address": {"line1": f"{seed % 90 + 1} rue du Commerce", "postcode": postcode, "city": city, "country": "FR"},
        "contact": {"name": "Comptabilité fournisseurs", "email": f"compta{seed}@client.example"},
    }


def _consumer(place: tuple[str, str, str], seed: int) -> dict[str, Any]:
    """A private person as our JSON wants it."""
    name, postcode, city = place
    return {
        "name": name,
        "consumer": True,
        "address": {
            "line1": f"{seed % 90 + 1} allée des Tilleuls",
            "postcode": postcode,
            "city": city,
            "country": "FR",
        },
        "contact": {"name": name, "email": f"particulier{seed}@client.example"},
    }


_PERSONS = (
    ("Solène Kervella", "29000", "Quimper"),
    ("Hugo Delmas", "44300", "Nantes"),
    ("Inès Bertin", "35400", "Saint-Malo"),
    ("Marcel Guyot", "89000", "Auxerre"),
    ("Élodie Fabre", "21200", "Beaune"),
)
_STUDIO = (
    Article("Conception d'une identité visuelle", "C62", Decimal(2400), RATE_20),
    Article("Journée de direction artistique", "DAY", Decimal(780), RATE_20),
    Article("Maintenance du site, forfait mensuel", "MON", Decimal(190), RATE_20),
    Article("Cession de droits d'auteur", "C62", Decimal(650), RATE_10),
)
_MILL = (
    Article("Farine de blé T65, sac de 25 kg", "C62", Decimal("21.40"), RATE_5_5),
    Article("Farine de seigle T130, sac de 25 kg", "C62", Decimal("26.90"), RATE_5_5),
    Article("Levure fraîche, carton de 10 kg", "C62", Decimal("38.5"), RATE_5_5),
    Article("Palette perdue", "C62", Decimal(12), RATE_20),
)
_MAINTENANCE = (
    Article("Intervention sur site, heure", "HUR", Decimal(68), RATE_20),
    Article("Contrat d'entretien, trimestre", "C62", Decimal(1240), RATE_20),
    Article("Remplacement de filtre en logement de plus de deux ans", "C62", Decimal("94.5"), RATE_10),
    Article("Déplacement", "C62", Decimal(45), RATE_20),
)
_NAMES = (
    ("Boulangerie Œillet", "44100", "Nantes"),
    ("Garage des Trois Ponts", "35000", "Rennes"),
    ("Pharmacie du Marché", "29200", "Brest"),
    ("Librairie L'Écume", "56000", "Vannes"),
    ("Menuiserie Le Goff", "22000", "Saint-Brieuc"),
    ("Cabinet Rivière & Associés", "75009", "Paris"),
    ("Hôtel de la Gare", "49000", "Angers"),
    ("Brasserie du Port", "17000", "La Rochelle"),
    ("Transports Lemoine", "76600", "Le Havre"),
    ("Clinique vétérinaire des Halles", "37000", "Tours"),
    ("Électricité Marchand", "72000", "Le Mans"),
    ("École de musique Clé de Sol", "44600", "Saint-Nazaire"),
    ("Imprimerie Bellanger", "53000", "Laval"),
    ("Fromagerie Duval", "14000", "Caen"),
    ("Pâtisserie Ravel", "21000", "Dijon"),
    ("Boulangerie des Tanneurs", "10000", "Troyes"),
    ("Restaurant Le Sarment", "71000", "Mâcon"),
    ("Épicerie fine Goulard", "69002", "Lyon"),
    ("Crêperie Ty Anna", "89100", "Sens"),
    ("Biscuiterie Lunel", "58000", "Nevers"),
    ("Traiteur Vasseur", "45000", "Orléans"),
    ("Cantine de l'Arsenal", "18000", "Bourges"),
    ("Pizzeria Castello", "63000", "Clermont-Ferrand"),
    ("Boulangerie Chevalier", "25000", "Besançon"),
    ("Viennoiserie Joubert", "54000", "Nancy"),
    ("Auberge du Morvan", "58120", "Château-Chinon"),
    ("Coopérative Les Sillons", "51100", "Reims"),
    ("Filature Delcroix", "59100", "Roubaix"),
    ("Résidence Les Tilleuls", "62000", "Arras"),
    ("Logistique Flandres", "59140", "Dunkerque"),
    ("Piscine municipale de Lens", "62300", "Lens"),
    ("Syndic Beffroi", "59500", "Douai"),
    ("Cinéma Le Métropole", "59300", "Valenciennes"),
    ("Blanchisserie Nordique", "80000", "Amiens"),
    ("Centre d'affaires Euralille", "59777", "Lille"),
    ("Serres de l'Artois", "62400", "Béthune"),
    ("Conserverie Boulogne", "62200", "Boulogne-sur-Mer"),
    ("Maison de retraite Saint-Vaast", "59270", "Bailleul"),
    ("Atelier Wattrelos", "59150", "Wattrelos"),
    ("Halle aux draps", "59190", "Hazebrouck"),
)
