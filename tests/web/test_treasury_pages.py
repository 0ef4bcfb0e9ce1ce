"""Treasury pages: where the money is, payouts down to the cent, refunds by two people, chargebacks, accounts."""

from __future__ import annotations

import re
import subprocess
from datetime import date
from typing import TYPE_CHECKING

import pytest
from payment_sandbox import KEY, serving
from portal_house import press
from treasury_till import MINUS, Till, build_till, words

from config.clock import new_id, now
from config.typeset import compile_pdf
from payments.gateways.port import Capability, GatewayUnreachableError
from payments.refunds.orders import NewRefund, ask_refund, get_refund, set_refund_limit
from payments.treasury.provider_accounts import list_provider_accounts
from portal.sandboxes.payments import PaymentSandboxSettings, create_payment_sandbox
from portal.staff.treasury.telling import tell_contests
from receivables.domain.settlement.receipts import MoneyReturned
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from flask.testing import FlaskClient

    from payments.gateways.port import DisputeEvidence
    from portal.wiring import Services


@pytest.fixture(scope="module")
def till(services: Services) -> Till:
    return build_till(services)


def text_of(pdf: bytes) -> str:
    """The text of a PDF, as a reader selects it."""
    return subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()


def test_the_overview_says_where_the_money_is_and_that_nothing_is_missing(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "auditor")
    shown = words(client.get("/s/treasury").text)
    for place in ("Chez les prestataires", "En chemin vers la banque", "En banque", "Repris, contesté"):
        assert place in shown
    for proof in ("En chemin 580000", "En banque 512000", "Contesté 467000"):
        assert re.search(rf"{proof} en face : [^€]+? (\S+ €) \1 0,00 € aucun écart", shown), proof
    assert "octobre 2026 3,80 €" in shown
    assert "Une comparaison ne tombe pas juste" in shown


def test_a_gap_is_told_in_words_and_numbers(client: FlaskClient, till: Till) -> None:
    """The house's earlier payments came through accounts whose provider never told a movement."""
    till.house.sign_in(client, "auditor")
    shown = words(client.get("/s/treasury").text)
    assert re.search(
        rf"Chez les prestataires 511500 en face : [^€]+ (\S ?\S+) € \S+ € {MINUS}\S+ ?\S+ € à expliquer", shown
    )


def test_a_payout_is_made_of_its_movements_down_to_the_bank_line(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "accountant")
    listed = client.get("/s/treasury/payouts").text
    assert f"/s/treasury/payouts/{till.treasure.banked_ref}" in listed
    assert f"/s/treasury/payouts/{till.treasure.paid_ref}" in listed
    assert till.treasure.banked_ref not in words(listed), "an id of the provider is no word of a list"
    assert till.treasure.paid_ref not in client.get("/s/treasury/payouts?show=banked").text
    page = client.get(f"/s/treasury/payouts/{till.treasure.banked_ref}").text
    shown = words(page)
    for expected in (
        till.invoices[0].number,
        "100,00 €",
        f"{MINUS}1,90 €",
        "98,10 €",
        "Ligne du 17 oct. 2026",
        "STRIPE PAYOUT",
    ):
        assert expected in shown, expected
    assert f'href="/s/payments/{till.treasure.attempt_id}"' in page
    table = client.get(f"/s/treasury/payouts/{till.treasure.banked_ref}/table.csv").text
    assert "100,00;1,90;98,10" in table
    assert client.get("/s/treasury/payouts/po_none").status_code == 404


def test_a_comparison_names_the_references_that_differ(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "accountant")
    shown = words(client.get("/s/treasury/comparisons").text)
    assert "po_missing_here : chez le prestataire, pas dans les livres (98,10 €)" in shown
    assert "aucun écart" in shown
    assert "po_missing_here" in client.get("/s/treasury/comparisons/table.csv").text


def test_a_large_refund_is_agreed_by_somebody_else(client: FlaskClient, till: Till) -> None:
    owner = f"person {till.house.people['owner'].person_id}"
    works = till.house.services.works
    with works.begin(till.supplier_id) as work:
        set_refund_limit(work, 1000, owner)
        order = ask_refund(work, NewRefund(new_id(), till.treasure.attempt_id, 2000, "provider", "Retour", owner))
    assert order.state == "to_agree"
    path = f"/s/treasury/refunds/{order.order_id}"
    till.house.sign_in(client, "owner")
    own = words(client.get("/s/treasury/refunds?show=to_agree").text)
    assert "une autre personne doit l'accorder" in own
    assert "Camille Owner" in own
    assert till.invoices[0].number in own, "what it reopens is said before anybody agrees"
    refused = press(client, f"{path}/agree")
    assert refused.status_code == 422
    assert "une autre personne doit l'accorder" in words(refused.text)
    till.house.sign_in(client, "collector")
    assert press(client, f"{path}/agree").status_code == 404, "who asks does not agree: collectors never do"
    till.house.sign_in(client, "accountant")
    assert "attend une seconde personne" in words(client.get("/s/").text)
    assert press(client, f"{path}/agree").status_code == 303
    with works.begin(till.supplier_id) as work:
        assert get_refund(work, order.order_id).state == "to_send"


def test_the_owner_sets_the_limit(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "owner")
    assert press(client, "/s/treasury/refunds/limit", limit="beaucoup").status_code == 422
    assert press(client, "/s/treasury/refunds/limit", limit="250,00").status_code == 303
    assert "Au-dessus de 250,00 €" in words(client.get("/s/treasury/refunds").text)


def test_a_chargeback_shows_its_clock_its_money_and_its_file(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "collector")
    listed = words(client.get("/s/treasury/disputes").text)
    assert "le payeur dit n'avoir rien reçu" in listed
    assert "Il reste 6 jours" in listed
    path = f"/s/treasury/disputes/{till.treasure.dispute_ref}"
    shown = words(client.get(path).text)
    assert "Au compte 467 100,00 €" in shown
    first, again = (client.get(f"{path}/evidence.pdf?said=Livr%C3%A9+le+3") for _ in range(2))
    assert first.data.startswith(b"%PDF-")
    assert first.data == again.data, "the same facts and words give the same bytes"
    told = text_of(first.data)
    for expected in (till.treasure.dispute_ref, till.invoices[2].number, "Livré le 3", "Notre réponse", "product_not"):
        assert expected in told, expected


def test_the_file_shows_annexes_page_by_page_and_names_what_it_cannot_show(
    client: FlaskClient, till: Till, tmp_path: Path
) -> None:
    page = tmp_path / "note.typ"
    page.write_text('#set text(font: "Source Sans Pro")\nBon de livraison\n#pagebreak()\nSigné par Mme Petit')
    services = till.house.services
    with services.works.begin(till.supplier_id) as work:
        for name, content in (("bon.pdf", compile_pdf(page, {}, standards=())), ("faux.pdf", b"no PDF at all")):
            work.execute(
                "INSERT INTO documents (supplier_id, document_id, invoice_id, form, filename, mime, sha256, "
                "size_bytes, retain_until, created_at) VALUES (:supplier, :id, :invoice, 'attachment', :name, "
                "'application/pdf', :sha, :size, '2037-12-31', now())",
                id=new_id(),
                invoice=till.invoices[2].invoice_id,
                name=name,
                sha=services.archive.put(content, date(2037, 12, 31)),
                size=len(content),
            )
    till.house.sign_in(client, "collector")
    told = text_of(client.get(f"/s/treasury/disputes/{till.treasure.dispute_ref}/evidence.pdf").data)
    assert "Signé par Mme Petit" in told
    assert "bon.pdf, 2 / 2" in told
    assert "faux.pdf" in told, "what cannot be shown is named with its hash"
    assert "faux.pdf, 1 /" not in told


def test_evidence_is_handed_in_once(client: FlaskClient, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[str, DisputeEvidence]] = []

    class Taker:
        capabilities = frozenset({Capability.EVIDENCE})

        def answer_dispute(self, dispute_ref: str, evidence: DisputeEvidence) -> None:
            if not taken:
                taken.append((dispute_ref, evidence))
                raise GatewayUnreachableError("Down.")
            taken.append((dispute_ref, evidence))

    monkeypatch.setattr(type(till.house.services), "gateway_for", lambda *_: Taker())
    till.house.sign_in(client, "collector")
    path = f"/s/treasury/disputes/{till.treasure.dispute_ref}"
    down = press(client, f"{path}/answer", said="Livré le 3 octobre")
    assert down.status_code == 502
    assert "Livré le 3 octobre" in down.text
    assert press(client, f"{path}/answer", said="Livré le 3 octobre").status_code == 303
    assert press(client, f"{path}/answer", said="Encore").status_code == 422
    assert [(ref, each.text) for ref, each in taken] == [(till.treasure.dispute_ref, "Livré le 3 octobre")] * 2
    shown = words(client.get(path).text)
    assert "Votre réponse est chez la banque du payeur" in shown
    assert "Camille Collector" in shown


def test_staff_hear_of_a_chargeback_the_same_day(client: FlaskClient, till: Till) -> None:
    def told() -> list[str]:
        with till.house.services.works.begin(till.supplier_id) as work:
            return [
                row["subject"]
                for row in work.rows(
                    "SELECT subject FROM mails WHERE supplier_id = :supplier AND mail_key LIKE 'contest/%' "
                    "ORDER BY mail_key"
                )
            ]

    with till.house.services.works.begin(till.supplier_id) as work:
        lost = MoneyReturned(
            till.treasure.dispute_ref,
            f"pi_{till.house.supplier.reference}2",
            "chargeback",
            10000,
            "EUR",
            now(),
            counter="contested",
        )
        record_facts(work, [lost])
        work.execute("UPDATE provider_disputes SET state = 'lost', changed_at = now() WHERE supplier_id = :supplier")
    for _ in range(2):
        tell_contests(till.house.services, till.supplier_id)
    assert len(told()) == 4, "owner, accountant, credit manager and collector, once each"
    assert "100,00" in told()[0]
    till.house.sign_in(client, "collector")
    customer = words(client.get(f"/s/customers/{till.invoices[2].customer_id}").text)
    assert "Argent repris par la banque du payeur" in customer
    assert "Parlez au client avant toute relance" in customer
    assert "Appelez le client avant que les relances reprennent" in words(client.get("/s/problems").text)
    lost_page = words(client.get(f"/s/treasury/disputes/{till.treasure.dispute_ref}").text)
    assert "Au compte 467 0,00 €" in lost_page
    assert re.search(rf"{till.invoices[2].number} .*? 100,00 € 100,00 €", lost_page), "the invoice is open again"


def test_methods_limits_and_secrets_of_an_account(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "owner")
    account = f"/s/treasury/accounts/{till.treasure.account_id}"
    page = client.get("/s/treasury/accounts").text
    assert KEY not in page
    assert "whsec_test" not in page
    assert f"/hooks/stripe/{till.supplier_id}" in page
    assert "charge.dispute.created" in page
    assert press(client, f"{account}/methods").status_code == 422, "at least one method"
    fields = {"use-card": "1", "up_to-card": "900,50", "use-sepa_debit": "1"}
    assert press(client, f"{account}/methods", **fields).status_code == 303
    assert 'value="900.50"' in client.get("/s/treasury/accounts").text
    assert press(client, f"{account}/secret", secret="wrong").status_code == 422
    assert press(client, f"{account}/secret", secret="whsec_second").status_code == 303
    third = press(client, f"{account}/secret", secret="whsec_third")
    assert third.status_code == 422
    assert "Deux secrets" in words(third.text)
    assert press(client, f"{account}/secret/forget").status_code == 303
    assert press(client, f"{account}/secret", secret="whsec_third").status_code == 303


def test_a_key_that_no_provider_could_check_is_not_saved(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "owner")
    before = len(_accounts(till))
    nobody = "http://127.0.0.1:9"
    form = {"provider": "stripe", "key": KEY, "secret": "whsec_x", "api_url": nobody}
    answer = press(client, "/s/treasury/accounts/connect", **form)
    assert answer.status_code == 422
    assert "ne répond pas : la clé n'a pas pu être vérifiée" in words(answer.text)
    assert KEY not in answer.text, "a key never comes back"
    empty = press(client, "/s/treasury/accounts/connect", provider="stripe")
    assert "Donnez la clé" in words(empty.text)
    assert len(_accounts(till)) == before


def test_a_provider_is_connected_and_the_former_one_taken_back(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "owner")
    with serving(create_payment_sandbox(PaymentSandboxSettings(key=KEY))) as provider:
        form = {"provider": "stripe", "key": KEY, "secret": "whsec_y", "api_url": provider}
        answer = press(client, "/s/treasury/accounts/connect", **form)
    assert answer.status_code == 303, words(answer.text)
    shown = words(client.get("/s/treasury/accounts").text)
    assert "Test : aucun argent réel En service" in shown
    former = f"/s/treasury/accounts/{till.treasure.account_id}/activate"
    assert "Les liens déjà envoyés restent bons" in words(client.get(former).text)
    assert press(client, former).status_code == 303
    assert _accounts(till)[0] == till.treasure.account_id


def _accounts(till: Till) -> list[UUID]:
    with till.house.services.works.begin(till.supplier_id) as work:
        return [each.account_id for each in list_provider_accounts(work)]
