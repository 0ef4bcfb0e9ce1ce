-- Late interest and the fixed indemnity: terms, claims, waivers.

-- What a supplier's terms of sale ask for: for invoices issued from a day on. The latest word about a day stands.
CREATE TABLE interest_terms (
    supplier_id uuid NOT NULL,
    terms_id uuid NOT NULL,
    since date NOT NULL,
    -- A year, in percent; nothing: what the law asks for where the terms are silent.
    percent numeric(7, 4) CHECK (percent > 0),
    indemnity boolean NOT NULL,
    -- 'memo': a claim enters the books when it is paid; 'booked': when it is made.
    booking text NOT NULL CHECK (booking IN ('memo', 'booked')),
    -- Nobody is asked for less, in minor units.
    least_minor bigint NOT NULL CHECK (least_minor >= 0),
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, terms_id)
);
CREATE INDEX interest_terms_by_day ON interest_terms (supplier_id, since DESC, set_at DESC);

-- A claim for interest (note de débit) is a row of invoices in a series of its own; here is what is its own.
CREATE TABLE interest_claims (
    supplier_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- Interest runs to the end of this day.
    through_on date NOT NULL,
    -- What of it is asked for and not in the books; 0 once it entered them.
    outside_minor bigint NOT NULL CHECK (outside_minor >= 0),
    entered_on date,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, claim_id),
    FOREIGN KEY (supplier_id, claim_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    CHECK (entered_on IS NULL OR outside_minor = 0)
);
CREATE INDEX interest_claims_by_customer ON interest_claims (supplier_id, customer_id);
CREATE INDEX interest_claims_outside ON interest_claims (supplier_id, customer_id) WHERE outside_minor > 0;

CREATE TABLE claim_lines (
    supplier_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    late_id uuid NOT NULL,
    interest_minor bigint NOT NULL CHECK (interest_minor >= 0),
    indemnity_minor bigint NOT NULL CHECK (indemnity_minor >= 0),
    -- How it was reckoned, for the document: segments of days with base and rate.
    facts jsonb NOT NULL,
    CHECK (interest_minor + indemnity_minor > 0),
    PRIMARY KEY (supplier_id, claim_id, late_id),
    FOREIGN KEY (supplier_id, claim_id) REFERENCES interest_claims,
    FOREIGN KEY (supplier_id, late_id) REFERENCES invoices
);
CREATE INDEX claim_lines_by_late ON claim_lines (supplier_id, late_id);
-- 40 EUR once for an invoice, whatever happens to it (C. com. art. D441-5).
CREATE UNIQUE INDEX one_indemnity ON claim_lines (supplier_id, late_id) WHERE indemnity_minor > 0;

-- What is not asked for, or no more, and why. Without a claim: what had run on the day and was never asked for.
CREATE TABLE interest_waivers (
    supplier_id uuid NOT NULL,
    waiver_id uuid NOT NULL,
    late_id uuid NOT NULL,
    claim_id uuid,
    interest_minor bigint NOT NULL CHECK (interest_minor >= 0),
    indemnity_minor bigint NOT NULL CHECK (indemnity_minor >= 0),
    -- 'given_up' by a person; 'corrected': it had been asked for too much.
    kind text NOT NULL CHECK (kind IN ('given_up', 'corrected')),
    reason text NOT NULL CHECK (reason <> ''),
    -- The credit note on the claim, where the claim was in the books.
    note_id uuid,
    waived_by text NOT NULL,
    waived_at timestamptz NOT NULL,
    CHECK (interest_minor + indemnity_minor > 0),
    PRIMARY KEY (supplier_id, waiver_id),
    FOREIGN KEY (supplier_id, late_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, claim_id) REFERENCES interest_claims,
    FOREIGN KEY (supplier_id, note_id) REFERENCES invoices
);
CREATE INDEX interest_waivers_by_late ON interest_waivers (supplier_id, late_id);
CREATE INDEX interest_waivers_by_claim ON interest_waivers (supplier_id, claim_id) WHERE claim_id IS NOT NULL;

ALTER TABLE documents DROP CONSTRAINT documents_form_check;
ALTER TABLE documents ADD CONSTRAINT documents_form_check
    CHECK (form IN ('original', 'facturx', 'cii', 'ubl', 'cdar', 'flux10', 'received', 'attachment', 'claim'));

-- A dispute may come from a payment that was short.
ALTER TABLE disputes DROP CONSTRAINT disputes_opened_from_check;
ALTER TABLE disputes ADD CONSTRAINT disputes_opened_from_check
    CHECK (opened_from IN ('portal', 'platform', 'staff', 'payment'));

-- Interest is looked for from the latest due day back, and no further than a page goes.
CREATE INDEX receivable_items_fallen_due ON receivable_items (supplier_id, due_on DESC, invoice_id DESC)
    WHERE kind = 'invoice';
