-- Published state of layers, what their contents hold, and files that nothing needs any more.
-- Frozen: later changes come as later revisions.

CREATE TABLE tile_layer (
    twin_id TEXT NOT NULL,
    layer TEXT NOT NULL,
    store TEXT NOT NULL,
    options JSONB NOT NULL,
    signature BYTEA NOT NULL,
    revision_id BIGINT NOT NULL,
    seen TIMESTAMP WITH TIME ZONE NOT NULL,
    root TEXT NOT NULL,
    features_in INTEGER NOT NULL,
    edits INTEGER NOT NULL,
    tree JSONB NOT NULL,
    schema TEXT,
    refused JSONB NOT NULL,
    files TEXT[] NOT NULL,
    published TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT tile_layer_pkey PRIMARY KEY (twin_id, layer, store),
    CONSTRAINT tile_layer_twin_id_fkey FOREIGN KEY(twin_id) REFERENCES twin (id)
);

CREATE TABLE tile_content (
    twin_id TEXT NOT NULL,
    layer TEXT NOT NULL,
    store TEXT NOT NULL,
    digest BYTEA NOT NULL,
    uri TEXT,
    box DOUBLE PRECISION[],
    size BIGINT NOT NULL,
    far DOUBLE PRECISION,
    keys BIGINT[],
    low BIGINT,
    high BIGINT,
    massing BYTEA,
    statistics JSONB NOT NULL,
    schema TEXT,
    refused JSONB NOT NULL,
    made TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT tile_content_pkey PRIMARY KEY (twin_id, layer, store, digest),
    CONSTRAINT tile_content_twin_id_fkey FOREIGN KEY(twin_id) REFERENCES twin (id)
);

CREATE TABLE tile_retired (
    twin_id TEXT NOT NULL,
    layer TEXT NOT NULL,
    store TEXT NOT NULL,
    name TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT tile_retired_pkey PRIMARY KEY (twin_id, layer, store, name),
    CONSTRAINT tile_retired_twin_id_fkey FOREIGN KEY(twin_id) REFERENCES twin (id)
);

CREATE INDEX bim_element_revision ON bim_element (revision_id);

CREATE INDEX building_revision ON building (revision_id);

CREATE INDEX building_part_revision ON building_part (revision_id);

CREATE INDEX pipe_point_revision ON pipe_point (revision_id);

CREATE INDEX pipe_segment_revision ON pipe_segment (revision_id);

CREATE INDEX building_part_owner ON building_part (dataset_id, building_key);
