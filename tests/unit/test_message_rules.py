"""Messages: templates that can be filled, and what of a mail somebody has written."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from config.clock import new_id
from config.secrets import Keyring
from config.settings import Settings
from portal.mailbox.addresses import message_id, read_message_id
from portal.mailbox.automatic import why_automatic
from portal.mailbox.bounces import read_bounce
from portal.mailbox.marked import plain_of_html
from portal.mailbox.quoting import cut_quoted
from portal.mailbox.reading import UnreadableMailError, parse_mail, read_mail
from receivables.domain.conversations.messages import MAX_MAILED, Template, check_template, fill, readable
from receivables.errors import ReceivablesError

KEYRING = Keyring(b"a secret of thirty-two bytes, long")
SETTINGS = Settings.model_construct(
    mail_from="Nous <factures@ours.example>", mail_reply_address="r+{token}@ours.example"
)


def mail(text: str = "Bonjour", **headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in ({"From": "Claire <claire@client.example>"} | headers).items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return parse_mail(message.as_bytes(policy=SMTP))


def test_a_template_with_a_place_that_nothing_fills_is_refused_by_name() -> None:
    with pytest.raises(ReceivablesError, match=r"\{montant\}") as refused:
        check_template(Template(None, "Relance", "Il reste {montant} à payer."))
    assert refused.value.code == "template.unknown_place"
    check_template(Template(None, "Relance", "Il reste {reste} à payer, {client}.", "{reste} is left."))


def test_what_is_filled_in_is_not_filled_again_and_what_is_not_known_stays_to_be_seen() -> None:
    values = {"client": "{reste}", "reste": "12,00 €"}
    assert fill("{client} : {reste}, {facture}", values) == "{reste} : 12,00 €, {facture}"


def test_signs_that_nobody_can_read_are_left_out_of_a_message() -> None:
    assert readable(" a\u202eb\x00c\r\nd\te \n") == "abc\nd\te"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Payé hier.\n\nLe lun. 2 nov. 2026 à 10:03, Atelier <r@x.fr> a écrit :\n> Bonjour", "Payé hier."),
        ("Payé hier.\n\nLe lun. 2 nov. 2026 à 10:03,\nAtelier Lumière\n<r@x.fr> a écrit :\n\n> Bonjour", "Payé hier."),
        ("Paid.\nOn Mon, Nov 2, 2026 at 10:03 AM Atelier wrote:\n> Hello", "Paid."),
        ("Oui\n\n-----Message d'origine-----\nDe : Atelier\nEnvoyé : lundi", "Oui"),
        ("Oui\n\nDe : Atelier <r@x.fr>\nEnvoyé : lundi 2 novembre\nÀ : Claire\nObjet : facture", "Oui"),
        ("Oui\n> ##- Répondez au-dessus de cette ligne -##\nBonjour,\nVous nous devez", "Oui"),
        ("D'accord\n-- \nClaire Martin\nBoulangerie", "D'accord"),
        ("Merci\n\nEnvoyé de mon iPhone", "Merci"),
        ("> Quand payez-vous ?\nDemain.\n> Et le reste ?\nLundi.", "Demain.\nLundi."),
        ("Le virement est parti ce matin :\nréférence 42", "Le virement est parti ce matin :\nréférence 42"),
        ("De : quoi parlez-vous ?\nJe ne comprends pas", "De : quoi parlez-vous ?\nJe ne comprends pas"),
        ("##- Répondez au-dessus -##\nRéponse en dessous", "Réponse en dessous"),
        ("Le virement part.\n\nLe 2 nov. 2026 à 10:03, Atelier a écrit :\n> Bonjour", "Le virement part."),
        ("Le virement part.\nLe 2 nov. 2026 à 10:03, Atelier a écrit :\n> Bonjour", "Le virement part."),
    ],
    ids=range(14),
)
def test_the_words_of_an_answer_are_kept_and_what_it_quotes_is_not(text: str, own: str) -> None:
    assert cut_quoted(text) == own


def test_a_mail_of_nothing_but_quotes_is_kept_rather_than_lost() -> None:
    assert cut_quoted("> Bonjour\n> Vous nous devez") == "> Bonjour\n> Vous nous devez"


def test_html_is_read_as_its_words_without_scripts_and_with_its_quotes_marked() -> None:
    html = "<style>p{}</style><p>Bonjour,<br>payé&nbsp;hier</p><script>alert(1)</script><blockquote>Ancien</blockquote>"
    assert plain_of_html(html) == "Bonjour,\npayé hier\n\n> Ancien"


def test_a_mail_in_html_alone_is_read_too() -> None:
    message = EmailMessage()
    message["From"] = "claire@client.example"
    message.set_content("<p>Payé hier</p><blockquote>Vous nous devez</blockquote>", subtype="html")
    assert read_mail(parse_mail(message.as_bytes())).text == "Payé hier"


def test_pictures_inside_the_text_are_no_files_and_attachments_are() -> None:
    message = EmailMessage()
    message["From"] = "claire@client.example"
    message.set_content("Voir la pièce")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="../../bon.pdf")
    message.add_attachment(
        b"\x89PNG", maintype="image", subtype="png", filename="logo.png", cid="<l>", disposition="inline"
    )
    assert [each.content for each in read_mail(parse_mail(message.as_bytes())).files] == [b"%PDF-1.7"]


def test_a_very_long_mail_is_cut_and_says_so() -> None:
    text = read_mail(mail("x" * (MAX_MAILED + 5000))).text
    assert len(text) < MAX_MAILED + 10
    assert text.endswith("[...]")


@pytest.mark.parametrize(
    "raw",
    [
        b"From: =?utf-8?q?\xff\xff?= <>\r\nContent-Type: text/plain; charset=nothing\r\n\r\nh\xe9llo",
        b'From: a@b.c\r\nContent-Type: multipart/mixed; boundary="x\r\n\r\n--x\r\n\r\n',
        b"From: @@@\r\nTo: <<>>\r\nMessage-ID: [\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%",
        b"Subject: x\r\nContent-Type: message/rfc822\r\n\r\nnope",
    ],
    ids=range(4),
)
def test_a_broken_mail_is_read_as_far_as_it_goes(raw: bytes) -> None:
    assert isinstance(read_mail(parse_mail(raw)).text, str)


def test_bytes_without_a_header_are_no_mail() -> None:
    with pytest.raises(UnreadableMailError):
        parse_mail(b"\x00\x01\x02")


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, None),
        ({"Auto_Submitted": "no"}, None),
        ({"Auto_Submitted": "auto-replied"}, "auto-submitted"),
        ({"Precedence": "bulk"}, "bulk"),
        ({"List_Id": "<news.example>"}, "bulk"),
        ({"X_Autoreply": "yes"}, "bulk"),
        ({"Return_Path": "<>"}, "report"),
        ({"From": "MAILER-DAEMON@host.example"}, "machine"),
        ({"From": "Nous <factures@ours.example>"}, "ourselves"),
        ({"From": f"r+{'a' * 51}e@ours.example"}, None),
        ({"From": f"r+{'a' * 52}@ours.example"}, "ourselves"),
    ],
    ids=range(11),
)
def test_what_machines_send_is_told_from_what_people_write(headers: dict[str, str], why: str | None) -> None:
    assert why_automatic(mail(**headers), SETTINGS) == why


def test_a_message_id_of_ours_is_known_again_and_a_changed_one_is_not() -> None:
    supplier, letter = new_id(), new_id()
    ours = message_id(KEYRING, supplier, letter, SETTINGS.mail_from)
    assert read_message_id(KEYRING, f"Message-ID: {ours}") == (supplier, letter)
    other = message_id(KEYRING, new_id(), letter, SETTINGS.mail_from)
    swapped = "<" + other[1:27] + ours[27:]
    assert read_message_id(KEYRING, swapped) is None
    assert read_message_id(Keyring(b"another secret of thirty-two byte"), ours) is None


def report(returned: str, *, action: str = "failed", status: str = "5.1.1", whole: bool = False) -> EmailMessage:
    kind = "message/rfc822" if whole else "text/rfc822-headers"
    raw = (
        "From: MAILER-DAEMON@mx.example\r\nTo: r+retour@ours.example\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nUnknown user\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; Claire@Client.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\nSubject: x\r\nMessage-ID: {returned}\r\n\r\n--b--\r\n"
    )
    return parse_mail(raw.encode())


@pytest.mark.parametrize("whole", [False, True])
def test_a_report_of_a_mail_server_names_our_mail_its_recipient_and_the_reason(whole: bool) -> None:  # noqa: FBT001 -- a parameter
    supplier, letter = new_id(), new_id()
    bounce = read_bounce(report(message_id(KEYRING, supplier, letter, "x@ours.example"), whole=whole), KEYRING)
    assert bounce is not None
    assert (bounce.supplier_id, bounce.mail_id) == (supplier, letter)
    assert bounce.recipients == ("claire@client.example",)
    assert "550 no such user" in bounce.reason


def test_a_delay_a_mail_of_others_and_a_forged_report_are_no_bounce() -> None:
    ours = message_id(KEYRING, new_id(), new_id(), "x@ours.example")
    assert read_bounce(report(ours, action="delayed", status="4.4.1"), KEYRING) is None
    assert read_bounce(report("<something@else.example>"), KEYRING) is None
    forged = message_id(Keyring(b"a guessed secret of thirty-two by"), new_id(), new_id(), "x@ours.example")
    assert read_bounce(report(forged), KEYRING) is None
