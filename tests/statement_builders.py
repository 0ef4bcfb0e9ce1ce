"""Our own writer of bank files, for tests: one told statement, written in each format as banks write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from datetime import date

IBAN = "FR7630006000011234567890189"
OTHER_IBAN = "FR1420041010050500013M02606"


@dataclass(frozen=True, slots=True)
class Told:
    """One movement as a bank would tell it; ``parts`` are payments of a batch (name, minor units, reference)."""

    minor: int
    day: date
    name: str = ""
    iban: str | None = None
    text: str = ""
    end_to_end: str | None = None
    mandate: str | None = None
    batch: str | None = None
    bank_ref: str | None = None
    return_code: str | None = None
    structured: str | None = None
    parts: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """A statement: what it begins with and what moves."""

    day: date
    opening: int
    movements: tuple[Told, ...]
    iban: str = IBAN
    closing_gap: int = 0
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def closing(self) -> int:
        """The balance at the end, wrong by ``closing_gap``."""
        return self.opening + sum(each.minor for each in self.movements) + self.closing_gap


def _amount(minor: int) -> str:
    return f"{Decimal(abs(minor)) / 100:.2f}"


def _sense(minor: int) -> str:
    return f"<CdtDbtInd>{'CRDT' if minor >= 0 else 'DBIT'}</CdtDbtInd>"


def _tag(name: str, value: str | None) -> str:
    return f"<{name}>{escape(value)}</{name}>" if value else ""


def _party(version: str, side: str, name: str) -> str:
    inner = _tag("Nm", name)
    if not inner:
        return ""
    return f"<{side}><Pty>{inner}</Pty></{side}>" if version == "08" else f"<{side}>{inner}</{side}>"


def _payment(told: Told, version: str, minor: int, name: str, end_to_end: str | None) -> str:
    incoming = (minor > 0) != bool(told.return_code)
    side = "Dbtr" if incoming else "Cdtr"
    account = f"<{side}Acct><Id><IBAN>{told.iban}</IBAN></Id></{side}Acct>" if told.iban else ""
    pieces = [told.text[start : start + 140] for start in range(0, len(told.text), 140)]
    free = "".join(f"<Ustrd>{escape(each)}</Ustrd>" for each in pieces)
    reference = f"<Strd><CdtrRefInf><Ref>{told.structured}</Ref></CdtrRefInf></Strd>" if told.structured else ""
    back = f"<RtrInf><Rsn><Cd>{told.return_code}</Cd></Rsn></RtrInf>" if told.return_code else ""
    amount = f'<Amt Ccy="EUR">{_amount(minor)}</Amt>'
    return (
        f"<TxDtls><Refs>{_tag('EndToEndId', end_to_end or 'NOTPROVIDED')}{_tag('MndtId', told.mandate)}</Refs>"
        + (f"{amount}{_sense(minor)}" if version == "08" else f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>")
        + f"<RltdPties>{_party(version, side, name)}{account}</RltdPties>"
        f"<RmtInf>{free}{reference}</RmtInf>{back}</TxDtls>"
    )


def camt(paper: Paper, version: str = "02", *, notice: bool = False) -> bytes:
    """camt.053, or camt.054 where it is a ``notice``."""
    entries = []
    for told in paper.movements:
        parts = told.parts or ((told.name, told.minor, told.end_to_end or ""),)
        payments = "".join(_payment(told, version, minor, name, ref) for name, minor, ref in parts)
        batch = f"<Btch>{_tag('PmtInfId', told.batch)}</Btch>" if told.batch else ""
        status = "<Sts><Cd>BOOK</Cd></Sts>" if version == "08" else "<Sts>BOOK</Sts>"
        entries.append(
            f'<Ntry><Amt Ccy="EUR">{_amount(told.minor)}</Amt>{_sense(told.minor)}{status}'
            f"<BookgDt><Dt>{told.day}</Dt></BookgDt><ValDt><Dt>{told.day}</Dt></ValDt>"
            f"{_tag('AcctSvcrRef', told.bank_ref)}<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd>"
            f"<SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
            f"<NtryDtls>{batch}{payments}</NtryDtls></Ntry>"
        )
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="EUR">{_amount(minor)}</Amt>{_sense(minor)}<Dt><Dt>{paper.day}</Dt></Dt></Bal>'
        for kind, minor in (("OPBD", paper.opening), ("CLBD", paper.closing))
    )
    body, inner = ("BkToCstmrDbtCdtNtfctn", "Ntfctn") if notice else ("BkToCstmrStmt", "Stmt")
    kind = "054" if notice else "053"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"><{body}>'
        f"<GrpHdr><MsgId>M1</MsgId></GrpHdr><{inner}><Id>S1</Id>"
        f"<Acct><Id><IBAN>{paper.iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        + ("" if notice else balances)
        + "\n".join(entries)
        + f"</{inner}></{body}></Document>"
    ).encode()


def _signed(minor: int) -> str:
    letters = "}JKLMNOPQR" if minor < 0 else "{ABCDEFGHI"
    return f"{abs(minor) // 10:013d}{letters[abs(minor) % 10]}"


def cfonb(paper: Paper, encoding: str = "cp1252", end: str = "\r\n") -> bytes:
    """CFONB 120 with the qualifiers NPY, NBE, IPY, RCN, RUM, RET, LCC and LC2."""
    bank, branch, account = paper.iban[4:9], paper.iban[9:14], paper.iban[14:25]

    def balance(code: str, minor: int) -> str:
        return f"{code}{bank}    {branch}EUR2 {account}  {paper.day:%d%m%y}{'':50}{_signed(minor)}{'':16}"

    records = [balance("01", paper.opening)]
    for told in paper.movements:
        side, inner = f"{bank}0000{branch}EUR2 {account}05", told.text[:140].ljust(140)
        label = ("VIR SEPA RECU " + told.name)[:31]
        records.append(
            f"04{side}{told.day:%d%m%y}  {told.day:%d%m%y}{label:31}  0000000  {_signed(told.minor)}"
            f"{(told.bank_ref or '')[:16]:16}"
        )
        payer = told.minor > 0 or told.return_code
        more = {
            "NPY" if payer else "NBE": told.name,
            "CPY" if payer else "CBE": told.iban or "",
            "RCN": told.end_to_end or "",
            "RUM": told.mandate or "",
            "RET": told.return_code or "",
            "LCC": inner[:70],
            "LC2": inner[70:],
            "LCS": told.structured or "",
        }
        records += [
            f"05{side}{told.day:%d%m%y}     {name}{text[:70]:70}  " for name, text in more.items() if text.strip()
        ]
    records.append(balance("07", paper.closing))
    return (end.join(records) + end).encode(encoding, "replace")


def _swift(minor: int) -> str:
    return _amount(minor).replace(".", ",")


def mt940(paper: Paper, style: str = "slashed") -> bytes:
    """MT940 with one of the structures of field 86: ``slashed``, ``numbered`` or ``french``."""
    lines = [":20:STATEMENT", f":25:{paper.iban}", ":28C:1/1"]
    lines.append(f":60F:{'C' if paper.opening >= 0 else 'D'}{paper.day:%y%m%d}EUR{_swift(paper.opening)}")
    for told in paper.movements:
        sign = "C" if told.minor > 0 else "D"
        reference = f"//{told.bank_ref}" if told.bank_ref else ""
        lines.append(f":61:{told.day:%y%m%d}{told.day:%m%d}{sign}{_swift(told.minor)}NTRFNONREF{reference}")
        lines += [f"{':86:' if not number else ''}{each}" for number, each in enumerate(_information(told, style))]
    lines.append(f":62F:{'C' if paper.closing >= 0 else 'D'}{paper.day:%y%m%d}EUR{_swift(paper.closing)}")
    return ("\r\n".join([*lines, "-"]) + "\r\n").encode("cp1252", "replace")


def _information(told: Told, style: str) -> list[str]:
    incoming = (told.minor > 0) != bool(told.return_code)
    words = f"{told.text} {told.structured}".strip() if told.structured else told.text
    if style == "numbered":
        pieces = [words[start : start + 27] for start in range(0, len(words), 27)][:10]
        text = "166?00VIREMENT" + "".join(f"?2{n}{each}" for n, each in enumerate(pieces))
        text += f"?31{told.iban}" if told.iban else ""
        text += f"?32{told.name[:27]}?33{told.name[27:54]}"
    elif style == "french":
        text = f"VIR RECU {'DE' if incoming else 'POUR'}: {told.name} MOTIF: {words} REF: {told.end_to_end or ''}"
    else:
        pairs = {
            "EREF": told.end_to_end,
            "MARF": told.mandate,
            "RTRN": told.return_code,
            "IBAN": told.iban,
            "NAME": told.name,
            "REMI": words,
        }
        text = "".join(f"/{name}/{value}" for name, value in pairs.items() if value)
    return [text[start : start + 65] for start in range(0, len(text), 65)] or [""]


def ofx(paper: Paper, *, xml: bool = False) -> bytes:
    """OFX 1 (SGML, Windows-1252) or 2 (XML)."""

    def value(name: str, text: str | None) -> str:
        if not text:
            return ""
        return f"<{name}>{escape(text)}" + (f"</{name}>" if xml else "") + "\n"

    movements = "".join(
        "<STMTTRN>\n"
        + value("TRNTYPE", "CREDIT" if told.minor > 0 else "DEBIT")
        + value("DTPOSTED", f"{told.day:%Y%m%d}120000.000[+1:CET]")
        + value("TRNAMT", f"{'-' if told.minor < 0 else '+'}{_amount(told.minor)}")
        + value("FITID", told.bank_ref or f"{told.day:%Y%m%d}-{number}")
        + value("NAME", told.name[:32])
        + value("MEMO", told.text)
        + "</STMTTRN>\n"
        for number, told in enumerate(paper.movements)
    )
    body = (
        "<OFX>\n<SIGNONMSGSRSV1><SONRS><STATUS>" + value("CODE", "0") + "</STATUS></SONRS></SIGNONMSGSRSV1>\n"
        "<BANKMSGSRSV1><STMTTRNRS><STMTRS>\n" + value("CURDEF", "EUR") + "<BANKACCTFROM>\n"
        + value("BANKID", paper.iban[4:9]) + value("BRANCHID", paper.iban[9:14]) + value("ACCTID", paper.iban[14:25])
        + "</BANKACCTFROM>\n<BANKTRANLIST>\n" + value("DTSTART", f"{paper.day:%Y%m%d}")
        + value("DTEND", f"{paper.day:%Y%m%d}") + movements + "</BANKTRANLIST>\n<LEDGERBAL>\n"
        + value("BALAMT", f"{Decimal(paper.closing) / 100:.2f}") + value("DTASOF", f"{paper.day:%Y%m%d}")
        + "</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    )  # fmt: skip
    if xml:
        return ('<?xml version="1.0"?>\n<?OFX OFXHEADER="200" VERSION="211"?>\n' + body).encode()
    return ("OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nCHARSET:1252\n\n" + body).encode("cp1252", "replace")
