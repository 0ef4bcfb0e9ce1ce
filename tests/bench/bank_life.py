"""A supplier's customers, their open invoices and what banks write when they pay: invented, with the truth beside it.

It knows nothing of how lines are matched: it writes as payers, their banks and their typing mistakes do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

DAY = date(2026, 11, 20)
TRADES = (
    "Boulangerie",
    "Garage",
    "Transports",
    "Menuiserie",
    "Plomberie",
    "Électricité",
    "Imprimerie",
    "Pharmacie",
    "Restaurant",
    "Hôtel",
    "Maçonnerie",
    "Charpente",
    "Couverture",
    "Serrurerie",
    "Peinture",
    "Carrosserie",
    "Pépinière",
    "Fromagerie",
    "Boucherie",
    "Traiteur",
    "Clinique",
    "Cabinet",
    "Laboratoire",
    "Ateliers",
    "Établissements",
    "Entreprise",
    "Société",
    "Mécanique",
    "Fonderie",
    "Tannerie",
    "Brasserie",
    "Distillerie",
    "Scierie",
    "Papeterie",
    "Librairie",
    "Opticien",
    "Ambulances",
    "Taxi",
    "Autocars",
    "Déménagements",
    "Nettoyage",
    "Sécurité",
    "Paysages",
    "Terrassement",
)
FIRST = (
    "Jean",
    "Marie",
    "Pierre",
    "Sophie",
    "Hélène",
    "René",
    "Chloé",
    "Luc",
    "Anaïs",
    "Joël",
    "Éric",
    "Noëlle",
    "Karim",
    "Yann",
    "Agnès",
    "Théo",
    "Zoé",
    "Émile",
)
SURNAMES = (
    "Martin",
    "Bernard",
    "Thomas",
    "Petit",
    "Robert",
    "Richard",
    "Durand",
    "Dubois",
    "Moreau",
    "Laurent",
    "Simon",
    "Michel",
    "Lefebvre",
    "Leroy",
    "Roux",
    "David",
    "Bertrand",
    "Morel",
    "Fournier",
    "Girard",
    "Bonnet",
    "Dupont",
    "Lambert",
    "Fontaine",
    "Rousseau",
    "Vincent",
    "Muller",
    "Lefèvre",
    "Faure",
    "André",
    "Mercier",
    "Blanc",
    "Guérin",
    "Boyer",
    "Garnier",
    "Chevalier",
    "François",
    "Legrand",
    "Gauthier",
    "Garcia",
    "Perrin",
    "Robin",
    "Clément",
    "Morin",
    "Nicolas",
    "Henry",
)
TOWNS = (
    "Lyon",
    "Nantes",
    "Brest",
    "Dijon",
    "Rouen",
    "Nîmes",
    "Metz",
    "Pau",
    "Vannes",
    "Annecy",
    "Béziers",
    "Orléans",
    "Angers",
    "Niort",
    "Albi",
    "Sète",
)
FORMS = ("SARL", "SAS", "SA", "EURL", "SASU", "SCI", "S.A.R.L.", "Sté", "Ets")
SYLLABLES = (
    "ba",
    "be",
    "bo",
    "cha",
    "clé",
    "cour",
    "da",
    "dé",
    "dou",
    "fa",
    "fer",
    "gau",
    "gré",
    "hu",
    "jo",
    "ka",
    "la",
    "lé",
    "mar",
    "mé",
    "na",
    "no",
    "pel",
    "qui",
    "ra",
    "ré",
    "sa",
    "sé",
    "tou",
    "val",
    "vi",
    "zé",
)
PLANS = (2_990, 4_900, 5_988, 9_900, 12_000, 14_900, 18_000, 24_000, 35_880, 49_900, 60_000, 118_800)
STRANGERS = (
    "DGFIP REMBOURSEMENT TVA", "CPAM IJSS", "URSSAF", "AXA FRANCE IARD", "EDF", "INTERETS CREDITEURS", "TRESOR PUBLIC",
    "BPIFRANCE FINANCEMENT", "CAISSE D'EPARGNE", "MAIF", "REMISE CB 0004512", "ORANGE SA", "LA POSTE", "CAF",
)  # fmt: skip


@dataclass(slots=True)
class Invoice:
    """An open invoice, or an open credit note."""

    invoice_id: UUID
    number: str
    year: int
    serial: int
    minor: int
    due_on: date
    is_credit: bool = False
    is_used: bool = False


@dataclass(slots=True)
class Customer:
    """A customer with what it owes, oldest first; ``iban`` where people confirmed it."""

    customer_id: UUID
    code: str
    name: str
    siren: str
    iban: str
    is_known_iban: bool
    invoices: list[Invoice] = field(default_factory=list)


@dataclass(slots=True)
class Line:
    """What the bank writes, and the truth: whose it is and what it pays; nobody's where there is no customer."""

    kind: str
    minor: int
    payer: str
    text: str
    rf: str | None = None
    iban: str | None = None
    charges: int | None = None
    customer_id: UUID | None = None
    aims: dict[UUID, int] = field(default_factory=dict)


def invent_customers(chance: random.Random, customers: int, items: int) -> list[Customer]:
    """Customers with ``items`` open documents between them, one in fifty a credit note."""
    found = [_customer(chance, n) for n in range(customers)]
    owners = [found[min(int(chance.random() ** 1.6 * customers), customers - 1)] for _ in range(items)]
    serials = {(series, year): count(1) for series in "FA" for year in (2024, 2025, 2026)}
    for n, owner in enumerate(owners):
        year = 2024 if n < items * 0.05 else 2025 if n < items * 0.35 else 2026
        is_credit = chance.random() < 0.02
        series = "A" if is_credit else "F"
        serial = next(serials[series, year])
        due = DAY - timedelta(days=int((items - n) / items * 700) - 40)
        minor = _amount(chance) if not is_credit else _amount(chance) // 4 + 1
        number = f"{series}{year}-{serial:05d}"
        owner.invoices.append(
            Invoice(UUID(int=0x0199100000007000 << 64 | 0x8 << 60 | n), number, year, serial, minor, due, is_credit)
        )
    return found


def _amount(chance: random.Random) -> int:
    kind = chance.random()
    if kind < 0.18:
        return chance.choice(PLANS)
    if kind < 0.24:
        return chance.randrange(1, 100) * 10_000
    return max(int(chance.lognormvariate(10.6, 1.1)), 500)


def _customer(chance: random.Random, n: int) -> Customer:
    digits = f"{(n * 7_919 + 32_145_678) % 10**8:08d}"
    siren = digits + str(-sum(_doubled(int(d)) if at % 2 else int(d) for at, d in enumerate(digits)) % 10)
    account = f"{chance.randrange(10**11):011d}"
    iban = f"FR76{chance.randrange(10**5):05d}{chance.randrange(10**5):05d}{account}{chance.randrange(100):02d}"
    known = chance.random() < 0.15
    return Customer(UUID(int=0x0199C00000007000 << 64 | 0x8 << 60 | n), f"C{n:05d}", _name(chance), siren, iban, known)


def _doubled(digit: int) -> int:
    return digit * 2 - 9 if digit > 4 else digit * 2


def _name(chance: random.Random) -> str:
    surname = chance.choice(SURNAMES) if chance.random() < 0.25 else _word(chance)
    form = chance.choice(FORMS)
    pattern = chance.randrange(6)
    if pattern == 0:
        return f"{chance.choice(TRADES)} {surname} {form}"
    if pattern == 1:
        return f"{form} {surname} et Fils"
    if pattern == 2:
        return f"{chance.choice(TRADES)} {surname} {chance.choice(TOWNS)}"
    if pattern == 3:
        return f"{chance.choice(FIRST)} {surname}"
    if pattern == 4:
        return f"{surname} & {_word(chance)} {form}"
    return f"{chance.choice(TRADES)} de l'{_word(chance)} {chance.choice(TOWNS)} {form}"


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(SYLLABLES, k=chance.randrange(2, 5))).capitalize()


class Bank:
    """Writes lines as customers pay; each invoice is paid once, and a line twice now and then."""

    def __init__(self, chance: random.Random, customers: list[Customer]) -> None:
        self.chance = chance
        self.customers = customers
        self.last: Line | None = None

    def lines(self, wanted: int) -> Iterator[Line]:
        """So many lines, of every kind in the share in which it is seen."""
        kinds = (
            (self._numbered, 24), (self._by_rf, 12), (self._mangled, 14), (self._typed_wrong, 5), (self._by_name, 14),
            (self._several, 9), (self._unsaid_several, 5), (self._less_credit, 2), (self._short, 4), (self._cents, 2),
            (self._charged, 1), (self._over, 1), (self._again, 1), (self._known_iban, 2), (self._third_party, 2),
            (self._coded, 2), (self._advance, 2), (self._stranger, 4),
        )  # fmt: skip
        written = 0
        while written < wanted:
            line = self.chance.choices([each for each, _ in kinds], [share for _, share in kinds])[0]()
            if line is not None:
                written += 1
                self.last = line
                yield line

    # What is paid.

    def _open(self, wanted: int = 1) -> tuple[Customer, list[Invoice]] | None:
        for _ in range(20):
            customer = self.chance.choice(self.customers)
            left = [each for each in customer.invoices if not each.is_used and not each.is_credit]
            if len(left) >= wanted:
                return customer, left
        return None

    def _pay(self, kind: str, customer: Customer, paid: list[Invoice], **told: object) -> Line:
        for each in paid:
            each.is_used = True
        total = sum(each.minor for each in paid)
        told.setdefault("payer", self._payer(customer.name))
        told.setdefault("text", self._prefix() + self._noise())
        aims = {each.invoice_id: each.minor for each in paid}
        iban = customer.iban if self.chance.random() < 0.7 else None
        return Line(kind, total, customer_id=customer.customer_id, aims=aims, **({"iban": iban} | told))  # type: ignore[arg-type]

    def _one(self) -> tuple[Customer, Invoice] | None:
        found = self._open()
        return (found[0], self.chance.choice(found[1][:6])) if found else None

    def _numbered(self) -> Line | None:
        if not (found := self._one()):
            return None
        customer, invoice = found
        text = (
            f"{self._prefix()}{self.chance.choice(('', 'FACT ', 'FACTURE ', 'REGLT FACTURE ', 'N° '))}{invoice.number}"
        )
        return self._pay("number", customer, [invoice], text=text + self._noise())

    def _by_rf(self) -> Line | None:
        if not (found := self._one()):
            return None
        customer, invoice = found
        rf = _rf(invoice.number)
        if self.chance.random() < 0.5:
            return self._pay("rf", customer, [invoice], rf=rf)
        spaced = " ".join(rf[at : at + 4] for at in range(0, len(rf), 4))
        return self._pay("rf", customer, [invoice], text=f"{self._prefix()}REF {spaced}{self._noise()}")

    def _mangled(self) -> Line | None:
        if not (found := self._one()):
            return None
        customer, invoice = found
        year, serial = invoice.year, invoice.serial
        forms = (
            f"FACT {serial}", f"{year}-{serial:05d}", f"F {year} {serial:05d}", f"{year}{serial:05d}",
            f"FA{year % 100}/{serial}",
            f"F{year}-{serial:05d}".replace("0", "O"), f"f{year}.{serial:05d}", f"FACT N {serial:05d} DU 12/10/26",
            f"F{year} - {serial}", f"F{year}-{f'{serial:05d}'[:2]} {f'{serial:05d}'[2:]}", f"facture n°{serial}/{year}",
        )  # fmt: skip
        return self._pay(
            "mangled", customer, [invoice], text=self._prefix() + self.chance.choice(forms) + self._noise()
        )

    def _typed_wrong(self) -> Line | None:
        if not (found := self._one()):
            return None
        customer, invoice = found
        digits = list(f"{invoice.serial:05d}")
        at = self.chance.randrange(len(digits) - 1)
        if self.chance.random() < 0.5:
            digits[at], digits[at + 1] = digits[at + 1], digits[at]
        else:
            digits[at] = str(self.chance.randrange(10))
        text = f"{self._prefix()}FACT F{invoice.year}-{''.join(digits)}{self._noise()}"
        return self._pay("typed wrong", customer, [invoice], text=text)

    def _by_name(self) -> Line | None:
        found = self._one()
        return self._pay("name and amount", found[0], [found[1]]) if found else None

    def _several(self) -> Line | None:
        if not (found := self._open(2)):
            return None
        customer, left = found
        paid = left[: self.chance.randrange(2, 6)] if self.chance.random() < 0.6 else self.chance.sample(left, 2)
        numbers = [each.number for each in paid]
        style = self.chance.randrange(4)
        if style == 0:
            told = ", ".join(numbers)
        elif style == 1:
            told = " + ".join([numbers[0], *(f"{each.serial}" for each in paid[1:])])
        elif style == 2:
            told = " ".join(f"{each.serial:05d}" for each in paid)
        else:
            told = " ".join(numbers)[:35]
        return self._pay("several", customer, paid, text=f"{self._prefix()}FACTURES {told}")

    def _unsaid_several(self) -> Line | None:
        if not (found := self._open(2)):
            return None
        customer, left = found
        kind = self.chance.randrange(3)
        paid = left[: self.chance.randrange(2, 5)] if kind == 0 else left if kind == 1 else self.chance.sample(left, 2)
        return self._pay("several unsaid", customer, paid[:20])

    def _less_credit(self) -> Line | None:
        for _ in range(30):
            found = self._open()
            if not found:
                return None
            customer, left = found
            credits_ = [each for each in customer.invoices if each.is_credit and not each.is_used]
            fitting = [each for each in left if credits_ and each.minor > credits_[0].minor]
            if fitting:
                invoice, credit = fitting[0], credits_[0]
                credit.is_used = True
                line = self._pay("less a credit note", customer, [invoice])
                line.text = (
                    f"FACT {invoice.number} MOINS AVOIR {credit.number}" if self.chance.random() < 0.6 else "REGLT"
                )
                line.minor -= credit.minor
                line.aims = {invoice.invoice_id: line.minor}
                return line
        return None

    def _short(self) -> Line | None:
        if not (found := self._one()):
            return None
        customer, invoice = found
        said = invoice.number if self.chance.random() < 0.7 else "ACOMPTE"
        line = self._pay("short", customer, [invoice], text=f"{self._prefix()}{said}")
        share = self.chance.choice((30, 50, 80, 90, self.chance.randrange(20, 95)))
        line.minor = max(line.minor * share // 100, 1)
        line.aims = {invoice.invoice_id: line.minor}
        return line

    def _cents(self) -> Line | None:
        if not (found := self._one()) or found[1].minor < 12_000:
            return None
        line = self._pay("some cents less", found[0], [found[1]], text=f"{self._prefix()}FACT {found[1].number}")
        line.minor -= self.chance.randrange(1, 100)
        line.aims = {found[1].invoice_id: line.minor}
        return line

    def _charged(self) -> Line | None:
        if not (found := self._one()) or found[1].minor < 12_000:
            return None
        line = self._pay("bank charges", found[0], [found[1]], text=f"INVOICE {found[1].number}")
        line.charges = self.chance.choice((850, 1_200, 1_950))
        line.minor -= line.charges
        line.aims = {found[1].invoice_id: line.minor}
        line.iban = "BE71096123456769"
        return line

    def _over(self) -> Line | None:
        if not (found := self._one()):
            return None
        line = self._pay("too much", found[0], [found[1]], text=f"FACT {found[1].number}")
        line.minor += self.chance.choice((100, 1_000, 9_000, self.chance.randrange(1, 50_000)))
        return line

    def _again(self) -> Line | None:
        last = self.last
        if last is None or last.kind not in {"number", "rf"}:
            return None
        return Line("paid twice", last.minor, last.payer, last.text, last.rf, last.iban, customer_id=last.customer_id)

    def _known_iban(self) -> Line | None:
        found = self._one()
        if not found or not found[0].is_known_iban:
            return None
        return self._pay(
            "known IBAN", found[0], [found[1]], payer=f"CPTE {self.chance.randrange(10**6)}", iban=found[0].iban
        )

    def _third_party(self) -> Line | None:
        if not (found := self._one()):
            return None
        payer = self._payer(_name(self.chance))
        return self._pay(
            "somebody else pays", found[0], [found[1]], payer=payer, text=f"FACT {found[1].number}", iban=None
        )

    def _coded(self) -> Line | None:
        if not (found := self._one()):
            return None
        customer = found[0]
        text = self.chance.choice(
            (f"CLIENT {customer.code}", f"SIREN {customer.siren}", f"SIRET {customer.siren}00017")
        )
        return self._pay("account or SIREN", customer, [found[1]], payer="", text=f"VIREMENT {text}", iban=None)

    def _advance(self) -> Line | None:
        customer = self.chance.choice(self.customers)
        minor = self.chance.choice((self.chance.randrange(1, 80) * 10_000, _amount(self.chance)))
        return Line("advance", minor, self._payer(customer.name), "ACOMPTE COMMANDE", customer_id=customer.customer_id)

    def _stranger(self) -> Line | None:
        minor = _amount(self.chance)
        if self.chance.random() < 0.3 and (found := self._one()):
            minor = found[1].minor
        payer = self.chance.choice(STRANGERS) if self.chance.random() < 0.6 else self._payer(_name(self.chance))
        return Line("stranger", minor, payer, f"REF {self.chance.randrange(10**9)}")

    # How it is written.

    def _payer(self, name: str) -> str:
        written = name
        style = self.chance.random()
        if style < 0.15:
            written = " ".join(each for each in name.split() if each not in FORMS)
        elif style < 0.20:
            words = name.split()
            written = " ".join(words[1:] + words[:1])
        elif style < 0.24 and len(name) > 8:
            at = self.chance.randrange(3, len(name) - 1)
            written = name[:at] + self.chance.choice("aeiorst") + name[at + 1 :]
        elif style < 0.28:
            return ""
        written = _flat(written)
        prefix = self.chance.choice(("", "", "", "VIR SEPA RECU /DE ", "VIR INST ", "VIR ", "VIREMENT DE "))
        return (prefix + written)[: self.chance.choice((35, 35, 31, 27))].rstrip()

    def _prefix(self) -> str:
        return self.chance.choice(("", "", "VIR SEPA ", "REGLEMENT ", "VIR INST ", "PAIEMENT "))

    def _noise(self) -> str:
        return self.chance.choice(
            (
                "",
                "",
                "",
                f" CDE {self.chance.randrange(10**6)}",
                " MERCI",
                f" DU {self.chance.randrange(1, 29):02d}/10/2026",
                " NOTPROVIDED",
            )
        )


def _flat(text: str) -> str:
    plain = str.maketrans("àâäéèêëîïôöùûüçÀÂÉÈÊËÎÏÔÙÛÜÇ", "aaaeeeeiioouuucAAEEEEIIOUUUC")
    return text.translate(plain).upper().replace("&", "ET").replace(".", "").replace("'", " ")


def _rf(number: str) -> str:
    body = "".join(each for each in number.upper() if each.isalnum())
    figures = "".join(str(int(each, 36)) for each in f"{body}RF00")
    return f"RF{98 - int(figures) % 97:02d}{body}"
