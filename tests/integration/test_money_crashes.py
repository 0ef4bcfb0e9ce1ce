"""``kill -9`` before every statement of what moves money: it goes on where it stopped, and nothing happens twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from debit_builders import KEYRING, announce, bank_line, come_near, due_invoice, set_up, signed
from dying import Fuse, die_everywhere
from ledger_builders import MORNING, issue
from statement_builders import IBAN, OTHER_IBAN, Paper, Told, camt
from treasury_builders import pay

from config.clock import new_id, now, today
from payments import bank_accounts
from payments.accounts import open_account
from payments.autopay import collecting
from payments.autopay.agreements import agree, announce_collections, collections_to_tell, note_told
from payments.autopay.collecting import collect_due
from payments.bank_accounts import NewAccount, adopt_account, confirm_account, propose_account
from payments.banking import importing
from payments.banking.accounts import accept_account
from payments.banking.checks import check_bank
from payments.banking.importing import BankFile, import_file
from payments.banking.recognising import recognise_lines
from payments.clearing.payouts import keep_payout
from payments.debits.batching import make_files
from payments.gateways.port import ProviderMovement, ToldPayout
from payments.refunds.orders import NewRefund, ask_refund
from payments.refunds.sending import send_refunds
from portal.background import quarantine
from receivables.domain.money import Money
from receivables.services.accounting.checks import run_checks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from uuid import UUID

    from config.database import Database
    from config.settings import Settings
    from payments.gateways.port import SavedCharge
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAY = date(2026, 11, 20)


@dataclass
class Provider:
    """A provider that outlives those who ask it: what it did stands in a file, once for each key."""

    folder: Path
    fuse: Fuse | None = None

    @property
    def done(self) -> list[str]:
        """The keys of what it did."""
        return sorted(each.name for each in self.folder.iterdir())

    def refund(self, _payment_ref: str, _amount: Money, key: str) -> str:
        return f"re_{self._do(key)}"

    def charge_saved(self, charge: SavedCharge) -> str:
        return f"pi_{self._do(charge.attempt_id.hex)}"

    def _do(self, key: str) -> str:
        """Done between two steps, at each of which whoever asks may die."""
        assert self.fuse is not None
        self.fuse.burn()
        (self.folder / key).touch()
        self.fuse.burn()
        return key


@dataclass
class Scene:
    """A supplier whose worker dies all the time."""

    works: Works
    supplier_id: UUID
    provider: Provider
    die: Callable[[Callable[[Works, Fuse], object]], int]

    def do(self, act: Callable[[Work], Any]) -> Any:
        with self.works.begin(self.supplier_id) as work:
            return act(work)

    def ask(self, fuse: Fuse) -> Callable[[Work, UUID], Any]:
        """The way to the provider for whoever has this fuse."""
        self.provider.fuse = fuse
        return lambda _work, _account_id: self.provider

    def account(self) -> UUID:
        return self.do(  # type: ignore[no-any-return]
            lambda work: open_account(
                work, KEYRING, provider="stripe", key="sk_test_1", webhook_secret="whsec_1", base_url=None, live=False
            )
        )

    def balance(self, account: str) -> int:
        return int(
            self.do(
                lambda work: work.scalar(
                    "SELECT coalesce(sum(debit_minor - credit_minor), 0) FROM postings WHERE supplier_id = :supplier "
                    "AND account = :account",
                    account=account,
                )
            )
        )

    def count(self, table: str, condition: str = "true") -> int:
        return int(
            self.do(
                lambda work: work.scalar(f"SELECT count(*) FROM {table} WHERE supplier_id = :supplier AND {condition}")  # noqa: S608 -- names come from the test
            )
        )


@pytest.fixture
def scene(works: Works, supplier: Supplier, database: Database, settings: Settings, tmp_path: Path) -> Any:
    (tmp_path / "provider").mkdir()
    made = Scene(
        works,
        supplier.supplier_id,
        Provider(tmp_path / "provider"),
        lambda act: die_everywhere(database, settings, tmp_path, act),
    )
    yield made
    assert made.do(lambda work: [each for each in [*run_checks(work), *check_bank(work)] if each.gap]) == []


def test_a_bank_file_is_imported_once_by_an_import_that_dies_everywhere(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_LINES", 2)
    scene.do(lambda work: accept_account(work, IBAN, "test"))
    invoice = scene.do(lambda work: issue(work, total_minor=12_340, payable_minor=12_340))
    told = [Told(12_340, DAY, "BRASSERIE DU PORT", OTHER_IBAN, f"FACTURE {invoice.number}", "E1", bank_ref="B1")]
    told += [Told(minor, DAY, f"INCONNU {minor}", None, "MERCI", bank_ref=f"C{minor}") for minor in (701, 702, -703)]
    file = BankFile("releve.xml", camt(Paper(DAY, 100_000, tuple(told))), "test")
    died = scene.die(lambda works, _: import_file(works, scene.supplier_id, file))
    assert died > 20
    assert scene.count("bank_lines") == len(told)
    assert scene.count("statements", "finished_at IS NOT NULL AND done_lines = 4") == scene.count("statements") == 1
    assert scene.balance("512000") == 12_340 + 701 + 702
    assert scene.balance("471000") == -701 - 702 - (0 if _is_paid(scene, invoice.invoice_id) else 12_340)


def _is_paid(scene: Scene, invoice_id: UUID) -> bool:
    return scene.count("receivable_items", f"invoice_id = '{invoice_id}' AND kind = 'invoice' AND open_minor = 0") == 1


def _refund_order(scene: Scene) -> None:
    account_id = scene.account()
    invoice = scene.do(issue)
    attempt_id = scene.do(lambda work: pay(work, account_id, invoice, f"pi_{new_id().hex}"))
    wish = NewRefund(
        order_id=new_id(), attempt_id=attempt_id, amount_minor=1_000, road="provider", reason="Erreur", actor="person a"
    )
    scene.do(lambda work: ask_refund(work, wish))


def _send(scene: Scene) -> int:
    return scene.die(lambda works, fuse: send_refunds(works, scene.supplier_id, scene.ask(fuse)))


def test_a_refund_is_made_once_by_a_worker_that_dies_everywhere(scene: Scene) -> None:
    _refund_order(scene)
    assert _send(scene) > 5
    assert len(scene.provider.done) == 1
    assert scene.count("refund_orders", f"state = 'sent' AND refund_ref = 're_{scene.provider.done[0]}'") == 1


def test_a_planted_refund_under_a_key_of_its_own_each_time_is_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key has to be the order's, kept before the provider is asked: one made at the call refunds twice."""
    _refund_order(scene)
    asked = Provider.refund
    monkeypatch.setattr(Provider, "refund", lambda self, ref, amount, _key: asked(self, ref, amount, new_id().hex))
    _send(scene)
    assert len(scene.provider.done) > 1


def test_a_debit_file_is_made_once_by_a_maker_that_dies_everywhere(scene: Scene) -> None:
    def prepare(work: Work) -> list[UUID]:
        set_up(work)
        invoices = [due_invoice(work) for _ in range(3)]
        signed(work, invoices[0].customer_id)
        debits = announce(work, *invoices)
        come_near(work, debits)
        return debits

    debits = scene.do(prepare)
    assert scene.die(lambda works, _: works.run(scene.supplier_id, _make_files)) > 20
    kept = "SELECT sha256, encode(sha256(content), 'hex') AS is_now FROM debit_batches WHERE supplier_id = :supplier"
    rows = scene.do(lambda work: [dict(row) for row in work.rows(kept)])
    assert len(rows) == 1
    assert rows[0]["sha256"] == rows[0]["is_now"]
    assert scene.count("debits", "state = 'in_file' AND batch_id IS NOT NULL") == len(debits)
    assert scene.count("payment_attempts") == len(debits)
    assert scene.do(_make_files).batch_ids == ()
    assert scene.do(lambda work: [dict(row) for row in work.rows(kept)]) == rows


def _make_files(work: Work) -> Any:
    return make_files(work, KEYRING, "accountant")


def _agree_to_autopay(scene: Scene) -> None:
    account_id = scene.account()

    def prepare(work: Work) -> None:
        customer_id = issue(work, due_on=today() + timedelta(days=10)).customer_id
        values: dict[str, Any] = {"account": account_id, "customer": customer_id, "at": now()}
        work.execute(
            "INSERT INTO provider_customers (supplier_id, account_id, customer_id, customer_ref, created_at) "
            "VALUES (:supplier, :account, :customer, 'cus_1', :at)",
            **values,
        )
        work.execute(
            "INSERT INTO saved_methods (supplier_id, account_id, method_ref, customer_id, kind, label, state, "
            "saved_at, changed_at) VALUES (:supplier, :account, 'pm_1', :customer, 'card', 'Visa', 'usable', :at, :at)",
            **values,
        )
        agree(work, customer_id, "customer", {"text": "..."}, method=(account_id, "pm_1"))
        announce_collections(work)
        note_told(work, [each.announcement_id for each in collections_to_tell(work)])

    scene.do(prepare)


def test_an_agreed_collection_is_charged_once_by_a_worker_that_dies_everywhere(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    _agree_to_autopay(scene)
    later = timedelta(days=20)
    monkeypatch.setattr(collecting, "now", lambda: now() + later)
    monkeypatch.setattr(collecting, "today", lambda: today() + later)
    assert scene.die(lambda works, fuse: collect_due(works, scene.supplier_id, scene.ask(fuse))) > 10
    assert len(scene.provider.done) == 1
    assert scene.count("payment_attempts", f"state = 'processing' AND payment_ref = 'pi_{scene.provider.done[0]}'") == 1
    assert scene.count("payment_attempts") == 1
    assert scene.count("collections_announced", "state = 'collected'") == scene.count("collections_announced") == 1


def test_a_payout_and_its_line_are_booked_once_by_a_worker_that_dies_everywhere(scene: Scene) -> None:
    account_id = scene.account()
    invoice = scene.do(issue)
    gross, payment = invoice.payable_minor, f"pi_{new_id().hex}"
    scene.do(lambda work: pay(work, account_id, invoice, payment))
    part = ProviderMovement("txn_1", "payment", payment, gross, 175, "EUR", "po_1", MORNING, DAY)
    told = ToldPayout("po_1", Money(gross - 175, "EUR"), "paid", True, DAY, "STRIPE E5F7", MORNING)  # noqa: FBT003 -- as the provider tells it
    line = scene.do(lambda work: bank_line(work, gross - 175, booked_on=DAY, remittance="STRIPE E5F7"))

    def act(works: Works, _fuse: Fuse) -> None:
        works.run(scene.supplier_id, lambda work: keep_payout(work, account_id, told, [part]))
        works.run(scene.supplier_id, lambda work: recognise_lines(work, [line.line_id], "worker"))

    assert scene.die(act) > 15
    assert (scene.balance("511500"), scene.balance("580000"), scene.balance("627000")) == (0, 0, 175)
    assert scene.count("payouts", "state = 'banked'") == 1
    assert scene.count("entries", "source_kind LIKE 'payout%'") == 2


def test_an_account_changes_once_and_payers_hear_of_it_once_from_a_worker_that_dies_everywhere(
    scene: Scene, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = NewAccount(IBAN, None, "Atelier"), NewAccount(OTHER_IBAN, None, "Atelier")

    def prepare(work: Work) -> None:
        customer_id = issue(work).customer_id
        work.execute(
            "UPDATE customers SET email = 'a@example.org' WHERE supplier_id = :supplier AND customer_id = :id",
            id=customer_id,
        )
        adopt_account(work, old, "house")
        change = propose_account(work, new, "person a")
        confirm_account(work, change, "person b")

    scene.do(prepare)
    for module in (bank_accounts, quarantine):
        monkeypatch.setattr(module, "now", lambda: now() + bank_accounts.QUARANTINE)

    def act(works: Works, _fuse: Fuse) -> None:
        house: Any = SimpleNamespace(works=works, settings=settings, database=works.database)
        quarantine.run_quarantine(house, scene.supplier_id)

    assert scene.die(act) > 8
    assert scene.count("bank_accounts", f"state = 'active' AND iban = '{OTHER_IBAN}'") == 1
    assert scene.count("bank_accounts", f"state = 'retired' AND iban = '{IBAN}'") == 1
    assert scene.count("mails", "recipient = 'a@example.org'") == 1
