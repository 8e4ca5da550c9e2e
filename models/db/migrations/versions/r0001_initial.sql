-- Initial schema. Frozen: later changes come as later revisions.
-- :srid is the storage CRS of this database, chosen at the first upgrade.
-- Bitemporal rows: [valid_from, valid_to) in the city, [tx_from, tx_to) in our records.

CREATE TABLE bim_mesh (
    key TEXT NOT NULL,
    positions BYTEA NOT NULL,
    indices BYTEA NOT NULL,
    materials BYTEA NOT NULL,
    palette BYTEA NOT NULL,
    material_names TEXT[] NOT NULL,
    CONSTRAINT bim_mesh_pkey PRIMARY KEY (key)
);

CREATE TABLE organisation (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    role TEXT,
    CONSTRAINT organisation_pkey PRIMARY KEY (id),
    CONSTRAINT organisation_name_key UNIQUE (name)
);

CREATE TABLE storage (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT storage_pkey PRIMARY KEY (name)
);

CREATE TABLE twin (
    id TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    lon DOUBLE PRECISION NOT NULL,
    lat DOUBLE PRECISION NOT NULL,
    extent DOUBLE PRECISION[] NOT NULL,
    ground_height DOUBLE PRECISION NOT NULL,
    CONSTRAINT twin_pkey PRIMARY KEY (id),
    CONSTRAINT twin_extent_four CHECK (cardinality(extent) = 4)
);

CREATE TABLE dataset (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    twin_id TEXT NOT NULL,
    name TEXT NOT NULL,
    theme TEXT NOT NULL,
    organisation_id BIGINT,
    horizontal TEXT NOT NULL,
    vertical TEXT NOT NULL,
    epoch TEXT,
    method TEXT,
    accuracy DOUBLE PRECISION,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT dataset_pkey PRIMARY KEY (id),
    CONSTRAINT dataset_twin_name UNIQUE (twin_id, name),
    CONSTRAINT dataset_twin_id_fkey FOREIGN KEY(twin_id) REFERENCES twin (id),
    CONSTRAINT dataset_organisation_id_fkey FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE job (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    twin_id TEXT,
    state TEXT DEFAULT 'running'::text NOT NULL,
    fraction DOUBLE PRECISION DEFAULT 0 NOT NULL,
    message TEXT,
    detail JSONB NOT NULL,
    result JSONB,
    error_zh TEXT,
    error_en TEXT,
    cancel BOOLEAN DEFAULT false NOT NULL,
    started TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    heartbeat TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished TIMESTAMP WITH TIME ZONE,
    CONSTRAINT job_pkey PRIMARY KEY (id),
    CONSTRAINT job_state CHECK (state IN ('running', 'finished', 'failed', 'cancelled', 'abandoned')),
    CONSTRAINT job_twin_id_fkey FOREIGN KEY(twin_id) REFERENCES twin (id)
);

CREATE INDEX job_state_heartbeat ON job (state, heartbeat);

CREATE TABLE revision (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    dataset_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded TIMESTAMP WITH TIME ZONE NOT NULL,
    complete BOOLEAN NOT NULL,
    counts JSONB NOT NULL,
    CONSTRAINT revision_pkey PRIMARY KEY (id),
    CONSTRAINT revision_dataset_number UNIQUE (dataset_id, number),
    CONSTRAINT revision_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id)
);

CREATE TABLE finding (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    twin_id TEXT NOT NULL,
    dataset TEXT NOT NULL,
    revision_id BIGINT,
    batch UUID NOT NULL,
    recorded TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    code TEXT NOT NULL,
    severity TEXT NOT NULL,
    file TEXT NOT NULL,
    sheet TEXT,
    row INTEGER,
    source_column TEXT,
    element TEXT,
    zh TEXT NOT NULL,
    en TEXT NOT NULL,
    found TEXT,
    expected TEXT,
    rule TEXT,
    clause TEXT,
    verified BOOLEAN,
    position geometry(POINTZ,:srid),
    extra JSONB NOT NULL,
    CONSTRAINT finding_pkey PRIMARY KEY (id),
    CONSTRAINT finding_severity CHECK (severity IN ('error', 'warning', 'info')),
    CONSTRAINT finding_twin_id_fkey FOREIGN KEY(twin_id) REFERENCES twin (id),
    CONSTRAINT finding_revision_id_fkey FOREIGN KEY(revision_id) REFERENCES revision (id)
);

CREATE INDEX finding_batch ON finding (batch);

CREATE INDEX finding_dataset ON finding (twin_id, dataset, recorded);

CREATE TABLE source_file (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    revision_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    features_in INTEGER NOT NULL,
    horizontal TEXT NOT NULL,
    vertical TEXT NOT NULL,
    epoch TEXT,
    method TEXT,
    accuracy DOUBLE PRECISION,
    CONSTRAINT source_file_pkey PRIMARY KEY (id),
    CONSTRAINT source_file_revision_id_fkey FOREIGN KEY(revision_id) REFERENCES revision (id)
);

CREATE INDEX source_file_revision ON source_file (revision_id);

CREATE INDEX source_file_sha256 ON source_file (sha256);

CREATE TABLE bim_element (
    row_id BIGINT GENERATED ALWAYS AS IDENTITY,
    id UUID NOT NULL,
    key TEXT NOT NULL,
    source_row INTEGER,
    source_sheet TEXT,
    source_geom BYTEA,
    attrs JSONB,
    global_id TEXT,
    ifc_class TEXT,
    predefined_type TEXT,
    name TEXT,
    long_name TEXT,
    object_type TEXT,
    tag TEXT,
    type_name TEXT,
    parent_key TEXT,
    building_key TEXT,
    building_name TEXT,
    storey_key TEXT,
    storey_name TEXT,
    storey_elevation DOUBLE PRECISION,
    psets JSONB,
    mesh TEXT,
    placement DOUBLE PRECISION[],
    geom geometry(POLYHEDRALSURFACEZ,:srid),
    dataset_id BIGINT NOT NULL,
    revision_id BIGINT NOT NULL,
    file_id BIGINT NOT NULL,
    content_sha BYTEA NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    tx_from TIMESTAMP WITH TIME ZONE NOT NULL,
    tx_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    CONSTRAINT bim_element_pkey PRIMARY KEY (row_id),
    CONSTRAINT bim_element_valid_order CHECK (valid_from < valid_to),
    CONSTRAINT bim_element_tx_order CHECK (tx_from < tx_to),
    CONSTRAINT bim_element_one_truth EXCLUDE USING gist (id WITH =, tstzrange(valid_from, valid_to) WITH &&, tstzrange(tx_from, tx_to) WITH &&),
    CONSTRAINT bim_element_mesh_fkey FOREIGN KEY(mesh) REFERENCES bim_mesh (key),
    CONSTRAINT bim_element_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id),
    CONSTRAINT bim_element_revision_id_fkey FOREIGN KEY(revision_id) REFERENCES revision (id),
    CONSTRAINT bim_element_file_id_fkey FOREIGN KEY(file_id) REFERENCES source_file (id)
);

CREATE INDEX bim_element_dataset ON bim_element (dataset_id, tx_to);

CREATE INDEX bim_element_geom_2d ON bim_element USING gist (geom) WHERE tx_to = 'infinity';

CREATE INDEX bim_element_geom_3d ON bim_element USING gist (geom gist_geometry_ops_nd) WHERE tx_to = 'infinity';

CREATE INDEX bim_element_id_tx ON bim_element (id, tx_from);

CREATE TABLE building (
    row_id BIGINT GENERATED ALWAYS AS IDENTITY,
    id UUID NOT NULL,
    key TEXT NOT NULL,
    source_row INTEGER,
    source_sheet TEXT,
    source_geom BYTEA,
    attrs JSONB,
    name TEXT,
    function TEXT,
    storeys INTEGER,
    height DOUBLE PRECISION,
    base_height DOUBLE PRECISION,
    base_source TEXT,
    height_source TEXT,
    built INTEGER,
    address TEXT,
    geom geometry(MULTIPOLYGONZ,:srid),
    dataset_id BIGINT NOT NULL,
    revision_id BIGINT NOT NULL,
    file_id BIGINT NOT NULL,
    content_sha BYTEA NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    tx_from TIMESTAMP WITH TIME ZONE NOT NULL,
    tx_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    CONSTRAINT building_pkey PRIMARY KEY (row_id),
    CONSTRAINT building_valid_order CHECK (valid_from < valid_to),
    CONSTRAINT building_tx_order CHECK (tx_from < tx_to),
    CONSTRAINT building_one_truth EXCLUDE USING gist (id WITH =, tstzrange(valid_from, valid_to) WITH &&, tstzrange(tx_from, tx_to) WITH &&),
    CONSTRAINT building_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id),
    CONSTRAINT building_revision_id_fkey FOREIGN KEY(revision_id) REFERENCES revision (id),
    CONSTRAINT building_file_id_fkey FOREIGN KEY(file_id) REFERENCES source_file (id)
);

CREATE INDEX building_dataset ON building (dataset_id, tx_to);

CREATE INDEX building_geom_2d ON building USING gist (geom) WHERE tx_to = 'infinity';

CREATE INDEX building_geom_3d ON building USING gist (geom gist_geometry_ops_nd) WHERE tx_to = 'infinity';

CREATE INDEX building_id_tx ON building (id, tx_from);

CREATE TABLE building_part (
    row_id BIGINT GENERATED ALWAYS AS IDENTITY,
    id UUID NOT NULL,
    key TEXT NOT NULL,
    source_row INTEGER,
    source_sheet TEXT,
    source_geom BYTEA,
    attrs JSONB,
    building_key TEXT,
    name TEXT,
    function TEXT,
    storeys INTEGER,
    height DOUBLE PRECISION,
    base_height DOUBLE PRECISION,
    base_source TEXT,
    height_source TEXT,
    built INTEGER,
    address TEXT,
    geom geometry(MULTIPOLYGONZ,:srid),
    dataset_id BIGINT NOT NULL,
    revision_id BIGINT NOT NULL,
    file_id BIGINT NOT NULL,
    content_sha BYTEA NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    tx_from TIMESTAMP WITH TIME ZONE NOT NULL,
    tx_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    CONSTRAINT building_part_pkey PRIMARY KEY (row_id),
    CONSTRAINT building_part_valid_order CHECK (valid_from < valid_to),
    CONSTRAINT building_part_tx_order CHECK (tx_from < tx_to),
    CONSTRAINT building_part_one_truth EXCLUDE USING gist (id WITH =, tstzrange(valid_from, valid_to) WITH &&, tstzrange(tx_from, tx_to) WITH &&),
    CONSTRAINT building_part_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id),
    CONSTRAINT building_part_revision_id_fkey FOREIGN KEY(revision_id) REFERENCES revision (id),
    CONSTRAINT building_part_file_id_fkey FOREIGN KEY(file_id) REFERENCES source_file (id)
);

CREATE INDEX building_part_dataset ON building_part (dataset_id, tx_to);

CREATE INDEX building_part_geom_2d ON building_part USING gist (geom) WHERE tx_to = 'infinity';

CREATE INDEX building_part_geom_3d ON building_part USING gist (geom gist_geometry_ops_nd) WHERE tx_to = 'infinity';

CREATE INDEX building_part_id_tx ON building_part (id, tx_from);

CREATE TABLE pipe_point (
    row_id BIGINT GENERATED ALWAYS AS IDENTITY,
    id UUID NOT NULL,
    key TEXT NOT NULL,
    source_row INTEGER,
    source_sheet TEXT,
    source_geom BYTEA,
    attrs JSONB,
    exp_no TEXT,
    map_no TEXT,
    class_code TEXT,
    feature TEXT,
    appurtenance TEXT,
    x_src DOUBLE PRECISION,
    y_src DOUBLE PRECISION,
    ground_h DOUBLE PRECISION,
    well_depth DOUBLE PRECISION,
    well_bottom_h DOUBLE PRECISION,
    neck_h DOUBLE PRECISION,
    cover_shape TEXT,
    cover_size TEXT,
    cover_material TEXT,
    offset_point TEXT,
    acq_method TEXT,
    sigma_xy DOUBLE PRECISION,
    sigma_z DOUBLE PRECISION,
    geom geometry(POINTZ,:srid),
    dataset_id BIGINT NOT NULL,
    revision_id BIGINT NOT NULL,
    file_id BIGINT NOT NULL,
    content_sha BYTEA NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    tx_from TIMESTAMP WITH TIME ZONE NOT NULL,
    tx_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    CONSTRAINT pipe_point_pkey PRIMARY KEY (row_id),
    CONSTRAINT pipe_point_valid_order CHECK (valid_from < valid_to),
    CONSTRAINT pipe_point_tx_order CHECK (tx_from < tx_to),
    CONSTRAINT pipe_point_one_truth EXCLUDE USING gist (id WITH =, tstzrange(valid_from, valid_to) WITH &&, tstzrange(tx_from, tx_to) WITH &&),
    CONSTRAINT pipe_point_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id),
    CONSTRAINT pipe_point_revision_id_fkey FOREIGN KEY(revision_id) REFERENCES revision (id),
    CONSTRAINT pipe_point_file_id_fkey FOREIGN KEY(file_id) REFERENCES source_file (id)
);

CREATE INDEX pipe_point_dataset ON pipe_point (dataset_id, tx_to);

CREATE INDEX pipe_point_geom_2d ON pipe_point USING gist (geom) WHERE tx_to = 'infinity';

CREATE INDEX pipe_point_geom_3d ON pipe_point USING gist (geom gist_geometry_ops_nd) WHERE tx_to = 'infinity';

CREATE INDEX pipe_point_id_tx ON pipe_point (id, tx_from);

CREATE TABLE pipe_segment (
    row_id BIGINT GENERATED ALWAYS AS IDENTITY,
    id UUID NOT NULL,
    key TEXT NOT NULL,
    source_row INTEGER,
    source_sheet TEXT,
    source_geom BYTEA,
    attrs JSONB,
    lno TEXT,
    class_code TEXT,
    from_point TEXT,
    to_point TEXT,
    from_point_id UUID,
    to_point_id UUID,
    shape TEXT,
    width_mm DOUBLE PRECISION,
    height_mm DOUBLE PRECISION,
    od_mm DOUBLE PRECISION,
    id_mm DOUBLE PRECISION,
    wall_mm DOUBLE PRECISION,
    from_depth DOUBLE PRECISION,
    to_depth DOUBLE PRECISION,
    from_top_h DOUBLE PRECISION,
    to_top_h DOUBLE PRECISION,
    from_invert_h DOUBLE PRECISION,
    to_invert_h DOUBLE PRECISION,
    depth_ref TEXT,
    material TEXT,
    embed TEXT,
    pressure_mpa DOUBLE PRECISION,
    pressure_level TEXT,
    voltage_kv DOUBLE PRECISION,
    cables INTEGER,
    holes INTEGER,
    holes_used INTEGER,
    flow SMALLINT,
    owner TEXT,
    operator TEXT,
    built DATE,
    built_precision TEXT,
    status TEXT,
    road TEXT,
    quality_level TEXT,
    geom geometry(LINESTRINGZ,:srid),
    dataset_id BIGINT NOT NULL,
    revision_id BIGINT NOT NULL,
    file_id BIGINT NOT NULL,
    content_sha BYTEA NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    tx_from TIMESTAMP WITH TIME ZONE NOT NULL,
    tx_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    CONSTRAINT pipe_segment_pkey PRIMARY KEY (row_id),
    CONSTRAINT pipe_segment_valid_order CHECK (valid_from < valid_to),
    CONSTRAINT pipe_segment_tx_order CHECK (tx_from < tx_to),
    CONSTRAINT pipe_segment_one_truth EXCLUDE USING gist (id WITH =, tstzrange(valid_from, valid_to) WITH &&, tstzrange(tx_from, tx_to) WITH &&),
    CONSTRAINT pipe_segment_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id),
    CONSTRAINT pipe_segment_revision_id_fkey FOREIGN KEY(revision_id) REFERENCES revision (id),
    CONSTRAINT pipe_segment_file_id_fkey FOREIGN KEY(file_id) REFERENCES source_file (id)
);

CREATE INDEX pipe_segment_dataset ON pipe_segment (dataset_id, tx_to);

CREATE INDEX pipe_segment_geom_2d ON pipe_segment USING gist (geom) WHERE tx_to = 'infinity';

CREATE INDEX pipe_segment_geom_3d ON pipe_segment USING gist (geom gist_geometry_ops_nd) WHERE tx_to = 'infinity';

CREATE INDEX pipe_segment_id_tx ON pipe_segment (id, tx_from);
