-- Deliveries, the terms of datasets, and originals. Frozen: later changes come as later revisions.

CREATE TABLE catalogue_entry (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    twin_id TEXT NOT NULL,
    name TEXT NOT NULL,
    theme TEXT NOT NULL,
    dataset_id BIGINT,
    organisation_id BIGINT,
    horizontal TEXT,
    vertical TEXT,
    licence TEXT,
    accuracy_note TEXT,
    visibility TEXT DEFAULT 'restricted'::text NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    revision_id BIGINT,
    features BIGINT,
    tables JSONB,
    box FLOAT8[],
    CONSTRAINT catalogue_entry_pkey PRIMARY KEY (id),
    CONSTRAINT catalogue_entry_one UNIQUE (twin_id, name, theme),
    CONSTRAINT catalogue_entry_visibility CHECK (visibility IN ('open', 'restricted')),
    CONSTRAINT catalogue_entry_box CHECK (cardinality(box) = 6),
    CONSTRAINT catalogue_entry_twin_id_fkey FOREIGN KEY(twin_id) REFERENCES twin (id),
    CONSTRAINT catalogue_entry_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id),
    CONSTRAINT catalogue_entry_organisation_id_fkey FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT catalogue_entry_revision_id_fkey FOREIGN KEY(revision_id) REFERENCES revision (id)
);

CREATE TABLE original (
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    kept TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    removed TIMESTAMP WITH TIME ZONE,
    CONSTRAINT original_pkey PRIMARY KEY (sha256)
);

CREATE TABLE delivery (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    twin_id TEXT NOT NULL,
    received TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    organisation_id BIGINT,
    licence TEXT,
    tool TEXT NOT NULL,
    rules JSONB NOT NULL,
    declared JSONB NOT NULL,
    CONSTRAINT delivery_pkey PRIMARY KEY (id),
    CONSTRAINT delivery_twin_id_fkey FOREIGN KEY(twin_id) REFERENCES twin (id),
    CONSTRAINT delivery_organisation_id_fkey FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE delivery_file (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    delivery_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    CONSTRAINT delivery_file_pkey PRIMARY KEY (id),
    CONSTRAINT delivery_file_delivery_id_fkey FOREIGN KEY(delivery_id) REFERENCES delivery (id)
);

CREATE TABLE delivery_part (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    delivery_id BIGINT NOT NULL,
    dataset TEXT NOT NULL,
    theme TEXT,
    revision_id BIGINT,
    state TEXT NOT NULL,
    features_in BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    findings JSONB NOT NULL,
    steps JSONB NOT NULL,
    CONSTRAINT delivery_part_pkey PRIMARY KEY (id),
    CONSTRAINT delivery_part_state CHECK (state IN ('published', 'unchanged', 'refused')),
    CONSTRAINT delivery_part_delivery_id_fkey FOREIGN KEY(delivery_id) REFERENCES delivery (id),
    CONSTRAINT delivery_part_revision_id_fkey FOREIGN KEY(revision_id) REFERENCES revision (id)
);

CREATE TABLE delivery_part_file (
    part_id BIGINT NOT NULL,
    file_id UUID NOT NULL,
    CONSTRAINT delivery_part_file_pkey PRIMARY KEY (part_id, file_id),
    CONSTRAINT delivery_part_file_part_id_fkey FOREIGN KEY(part_id) REFERENCES delivery_part (id),
    CONSTRAINT delivery_part_file_file_id_fkey FOREIGN KEY(file_id) REFERENCES delivery_file (id)
);

CREATE UNIQUE INDEX catalogue_entry_dataset ON catalogue_entry (dataset_id);
CREATE INDEX delivery_twin ON delivery (twin_id, received);
CREATE INDEX delivery_file_delivery ON delivery_file (delivery_id);
CREATE INDEX delivery_file_sha256 ON delivery_file (sha256);
CREATE INDEX delivery_part_delivery ON delivery_part (delivery_id);
CREATE INDEX delivery_part_dataset ON delivery_part (dataset, theme);
CREATE INDEX delivery_part_file_file ON delivery_part_file (file_id);
