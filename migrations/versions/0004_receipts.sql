-- Payments by every road: a card at a provider, our own debit, a line of the bank's, a cheque written down by hand.

-- A payment that no provider knows has no account there; it may be for no invoice yet.
ALTER TABLE payment_attempts ALTER COLUMN account_id DROP NOT NULL;
ALTER TABLE payment_attempts ADD COLUMN road text NOT NULL DEFAULT 'provider'
    CHECK (road IN ('provider', 'debit', 'bank', 'hand'));
ALTER TABLE payment_attempts ADD COLUMN method text NOT NULL DEFAULT '';
-- Who said what the money is for (C. civ. art. 1342-10): the payer, a collector, a rule, or the law where nobody did.
ALTER TABLE payment_attempts ADD COLUMN chosen_by text NOT NULL DEFAULT 'payer'
    CHECK (chosen_by IN ('payer', 'collector', 'rule', 'law'));
-- The payer asked the provider to keep the method: part of the order, so that a repeat is the same order.
ALTER TABLE payment_attempts ADD COLUMN save_method boolean NOT NULL DEFAULT false;
ALTER TABLE payment_attempts ADD CONSTRAINT account_where_provider CHECK ((road = 'provider') = (account_id IS NOT NULL));
CREATE INDEX payment_attempts_by_customer ON payment_attempts (supplier_id, customer_id, created_at DESC);
CREATE INDEX payment_attempts_by_day ON payment_attempts (supplier_id, created_at DESC, attempt_id DESC);
CREATE INDEX reservations_in_flight ON reservations (supplier_id, invoice_id) WHERE state = 'processing';

-- What was decided later about what a payment is for: more of it (above zero), or less, with the reason.
CREATE TABLE aim_choices (
    supplier_id uuid NOT NULL,
    choice_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    actor text NOT NULL,
    reason text,
    chosen_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, choice_id),
    FOREIGN KEY (supplier_id, attempt_id) REFERENCES payment_attempts,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    CHECK (amount_minor > 0 OR reason IS NOT NULL)
);
CREATE INDEX aim_choices_by_attempt ON aim_choices (supplier_id, attempt_id);
CREATE INDEX aim_choices_by_invoice ON aim_choices (supplier_id, invoice_id);

-- Lines of 411 without money: what we give up of a claim (discount, waiver, charge kept by a bank), what we keep of too
-- much (gain), and each of them taken back when the payment that it came with went back.
ALTER TABLE receivable_items DROP CONSTRAINT receivable_items_kind_check;
ALTER TABLE receivable_items ADD CONSTRAINT receivable_items_kind_check
    CHECK (kind IN ('invoice', 'credit_note', 'receipt', 'refund', 'refund_failed', 'reversal',
                    'discount', 'waiver', 'charge', 'waived_back', 'gain', 'gain_back'));

CREATE INDEX receivable_items_by_due ON receivable_items (supplier_id, due_on, invoice_id)
    WHERE open_minor > 0 AND kind = 'invoice';
CREATE INDEX receivable_items_back ON receivable_items (supplier_id, attempt_id) WHERE kind = 'refund';

-- The days on which parts of an invoice fall due; none where all of it does on its due date.
CREATE TABLE instalments (
    supplier_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    due_on date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (supplier_id, invoice_id, position),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);

-- A discount for whoever pays the whole of an invoice early (escompte): what its note AAB says, as figures.
CREATE TABLE early_discounts (
    supplier_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    percent numeric(9, 4) NOT NULL CHECK (percent > 0 AND percent < 100),
    until date NOT NULL,
    PRIMARY KEY (supplier_id, invoice_id),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);

-- A payment was begun for less, because the discount was still to be had: it is given where the money is there in time.
CREATE TABLE promised_discounts (
    supplier_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    until date NOT NULL,
    PRIMARY KEY (supplier_id, attempt_id, invoice_id),
    FOREIGN KEY (supplier_id, attempt_id) REFERENCES payment_attempts,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);

-- A customer says that a transfer is on its way: shown, and nothing else.
CREATE TABLE announced_transfers (
    supplier_id uuid NOT NULL,
    announcement_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    sent_on date NOT NULL,
    announced_by text NOT NULL,
    announced_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, announcement_id),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX announced_transfers_by_invoice ON announced_transfers (supplier_id, invoice_id, announced_at DESC);
