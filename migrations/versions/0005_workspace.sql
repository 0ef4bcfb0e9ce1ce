-- The collector's workspace: views that somebody keeps.

CREATE TABLE saved_views (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    view_id uuid NOT NULL,
    -- Whose it is: a person of the register; everybody's where it is nobody.
    person_id uuid,
    name text NOT NULL CHECK (name <> ''),
    -- What the address of the list asks for.
    query text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (supplier_id, view_id)
);
CREATE INDEX saved_views_by_person ON saved_views (supplier_id, person_id) WHERE removed_at IS NULL;
