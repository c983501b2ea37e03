-- The platform's table of workers, for those who have none yet. Types that are there already are kept.

DO $$ BEGIN
    CREATE TYPE worker_type_enum AS ENUM ('local', 'remote', 'container');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

DO $$ BEGIN
    CREATE TYPE worker_role_enum AS ENUM ('action', 'sensor', 'hybrid');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

DO $$ BEGIN
    CREATE TYPE worker_status_enum AS ENUM ('active', 'inactive', 'busy', 'error');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

CREATE TABLE worker (
    id             BIGSERIAL PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    worker_type    worker_type_enum NOT NULL,
    worker_role    worker_role_enum NOT NULL,
    runtime        BIGINT,
    host           TEXT,
    port           INTEGER CHECK (port IS NULL OR (port > 0 AND port <= 65535)),
    status         worker_status_enum NOT NULL DEFAULT 'active',
    capabilities   JSONB,
    meta           JSONB,
    last_heartbeat TIMESTAMPTZ,
    cordoned       BOOLEAN NOT NULL DEFAULT FALSE,
    cordon_reason  TEXT,
    cordoned_by    BIGINT,
    cordoned_at    TIMESTAMPTZ,
    created        TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated        TIMESTAMPTZ NOT NULL DEFAULT now()
);
