-- Names and addresses. Frozen: later changes come as later revisions.
-- :srid is the storage CRS of this database, chosen at the first upgrade.

CREATE TABLE place_source (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    twin_id TEXT NOT NULL,
    name TEXT NOT NULL,
    dataset_id BIGINT,
    signature TEXT NOT NULL,
    CONSTRAINT place_source_pkey PRIMARY KEY (id),
    CONSTRAINT place_source_one UNIQUE (twin_id, name),
    CONSTRAINT place_source_twin_id_fkey FOREIGN KEY(twin_id) REFERENCES twin (id),
    CONSTRAINT place_source_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id)
);

CREATE TABLE place (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id BIGINT NOT NULL,
    twin_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT,
    layer TEXT,
    feature_id UUID,
    search TEXT NOT NULL,
    pinyin TEXT NOT NULL,
    grams TEXT[] NOT NULL,
    geom geometry(POINTZ,:srid) NOT NULL,
    CONSTRAINT place_pkey PRIMARY KEY (id),
    CONSTRAINT place_source_id_fkey FOREIGN KEY(source_id) REFERENCES place_source (id) ON DELETE CASCADE,
    CONSTRAINT place_twin_id_fkey FOREIGN KEY(twin_id) REFERENCES twin (id)
);

CREATE INDEX place_beginning ON place (twin_id, search text_pattern_ops);
CREATE INDEX place_geom ON place USING gist (geom);
CREATE INDEX place_grams ON place USING gin (grams);
CREATE INDEX place_pinyin ON place USING gin (pinyin gin_trgm_ops);
CREATE INDEX place_search ON place USING gin (search gin_trgm_ops);
CREATE INDEX place_source_id ON place (source_id);
