-- Items, terms and conditions, domains: what a supplier keeps about itself.

-- What is sold again and again (catalogue). A line of an invoice copies an item, so that a later change touches no past.
CREATE TABLE items (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    item_id uuid NOT NULL,
    -- The supplier's own reference (BT-155).
    code text NOT NULL CHECK (code <> '' AND length(code) <= 40),
    name text NOT NULL CHECK (name <> ''),
    name_en text CHECK (name_en <> ''),
    description text CHECK (description <> ''),
    -- UN/ECE recommendation 20 (BT-130).
    unit text NOT NULL CHECK (unit ~ '^[A-Z0-9]{2,3}$'),
    -- Without VAT (BT-146); absent where it is agreed each time.
    price numeric(19, 6) CHECK (price >= 0),
    currency text NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    nature text NOT NULL CHECK (nature IN ('goods', 'services')),
    -- UNTDID 5305 (BT-151) with its rate in percent (BT-152), and the reason where none is due (BT-121).
    vat_category text NOT NULL CHECK (vat_category ~ '^[A-Z]{1,2}$'),
    vat_rate numeric(6, 3) CHECK (vat_rate BETWEEN 0 AND 100),
    vat_exemption text CHECK (vat_exemption <> ''),
    -- Account of class 70 that the accountant wants it on (PCG); said in exports, the books follow the VAT.
    account text CHECK (account ~ '^70[0-9]{1,6}$'),
    retired_at timestamptz,
    created_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, item_id)
);
CREATE UNIQUE INDEX items_by_code ON items (supplier_id, lower(code));
CREATE INDEX items_by_name ON items (supplier_id, lower(name)) WHERE retired_at IS NULL;

-- General terms and conditions of sale (CGV, C. com. art. L441-1): each version for ever, with the day from which it
-- holds. Two versions from one day: the later published counts.
CREATE TABLE terms_versions (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    version_id uuid NOT NULL,
    -- Counted from 1, as people speak of them.
    version integer NOT NULL CHECK (version > 0),
    effective_on date NOT NULL,
    -- The words themselves, or a file in the store of documents; the hash is that of either.
    wording text CHECK (wording <> ''),
    wording_en text CHECK (wording_en <> ''),
    filename text CHECK (filename <> ''),
    media_type text,
    size_bytes bigint CHECK (size_bytes > 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    published_by text NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, version_id),
    UNIQUE (supplier_id, version),
    CHECK (num_nonnulls(wording, filename) = 1),
    CHECK (num_nonnulls(filename, media_type, size_bytes) IN (0, 3)),
    CHECK (wording_en IS NULL OR wording IS NOT NULL)
);
CREATE INDEX terms_versions_by_day ON terms_versions (supplier_id, effective_on DESC, version DESC);

-- What the supplier says in its mails in its own words, by kind of mail; what it leaves empty says the house.
CREATE TABLE mail_texts (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,39}$'),
    language text NOT NULL CHECK (language IN ('fr', 'en')),
    subject text CHECK (subject <> '' AND subject !~ '[\r\n]'),
    opening text CHECK (opening <> ''),
    closing text CHECK (closing <> ''),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, kind, language)
);

-- What a customer pays by where its invoice says nothing else: days after the invoice, or after the end of its month.
CREATE TABLE customer_terms (
    supplier_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- Absent: by the supplier's own terms again.
    days integer CHECK (days BETWEEN 0 AND 365),
    counted_from text NOT NULL DEFAULT 'invoice' CHECK (counted_from IN ('invoice', 'month_end', 'then_month_end')),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, customer_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);

-- How numbers of a series are worded, from a year on: numbers given stay what they are, and counting goes on.
CREATE TABLE series_wordings (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    series text NOT NULL CHECK (series <> ''),
    from_year integer NOT NULL CHECK (from_year BETWEEN 2000 AND 2999),
    prefix text NOT NULL CHECK (prefix ~ '^[A-Z0-9]([A-Z0-9-]{0,9}[A-Z0-9])?$'),
    digits smallint NOT NULL CHECK (digits BETWEEN 4 AND 9),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, series, from_year)
);

-- What VIES said of a VAT number, and when: evidence for a supply without VAT (CGI art. 262 ter, I).
CREATE TABLE vat_checks (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    check_id uuid NOT NULL,
    vat_id text NOT NULL CHECK (vat_id ~ '^[A-Z]{2}[0-9A-Z+*]{2,12}$'),
    -- Whether it is valid for trade between member states; "unanswered" says neither.
    answer text NOT NULL CHECK (answer IN ('valid', 'invalid', 'unanswered')),
    name text,
    address text,
    -- The number of the consultation, which an authority accepts as its proof.
    consultation text,
    reason text,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, check_id)
);
CREATE INDEX vat_checks_by_number ON vat_checks (supplier_id, vat_id, asked_at DESC);

-- Hosts of suppliers' own (factures.example.fr), proven by an entry in their DNS. Asked before anybody is known, so it
-- belongs to the register; one supplier at a time holds a proven host.
CREATE TABLE domains (
    domain_id uuid PRIMARY KEY,
    belongs_to uuid NOT NULL REFERENCES suppliers (supplier_id),
    host text NOT NULL CHECK (host = lower(host) AND host ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}$'),
    -- What the DNS entry has to say.
    challenge text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    checked_at timestamptz,
    -- What was wrong at the last look; nothing where all was well.
    fault text,
    proven_at timestamptz,
    ended_at timestamptz
);
CREATE UNIQUE INDEX domains_by_host ON domains (host) WHERE proven_at IS NOT NULL AND ended_at IS NULL;
CREATE UNIQUE INDEX domains_of_supplier ON domains (belongs_to) WHERE ended_at IS NULL;
