-- What stands for features in vector tiles of low levels. Frozen: later changes come as later
-- revisions.

CREATE TABLE mvt_overview (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    dataset_id BIGINT NOT NULL,
    revision_id BIGINT NOT NULL,
    layer TEXT NOT NULL,
    tms TEXT NOT NULL,
    built TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    features INTEGER NOT NULL,
    first_zoom SMALLINT NOT NULL,
    raw_zoom SMALLINT NOT NULL,
    extent DOUBLE PRECISION[],
    CONSTRAINT mvt_overview_pkey PRIMARY KEY (id),
    CONSTRAINT mvt_overview_one UNIQUE (dataset_id, layer, tms),
    CONSTRAINT mvt_overview_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id),
    CONSTRAINT mvt_overview_revision_id_fkey FOREIGN KEY(revision_id) REFERENCES revision (id)
);

CREATE TABLE mvt_drawn (
    overview_id BIGINT NOT NULL,
    zoom SMALLINT NOT NULL,
    tile_row INTEGER NOT NULL,
    tile_col INTEGER NOT NULL,
    kind TEXT,
    count INTEGER NOT NULL,
    measure DOUBLE PRECISION,
    size DOUBLE PRECISION,
    geom geometry(GEOMETRY,-1) NOT NULL,
    CONSTRAINT mvt_drawn_overview_id_fkey FOREIGN KEY(overview_id) REFERENCES mvt_overview (id) ON DELETE CASCADE
);

CREATE INDEX mvt_drawn_tile ON mvt_drawn (overview_id, zoom, tile_row, tile_col);
