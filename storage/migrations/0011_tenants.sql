-- Tenants: each has lanes of its own, and gets its share of what is started.
ALTER TABLE quire_lane ADD COLUMN tenant TEXT NOT NULL DEFAULT ''; -- empty: none
DROP INDEX quire_lane_queue;
-- lane_of, running_of_queue
CREATE UNIQUE INDEX quire_lane_queue ON quire_lane(queue, kind, tenant);
-- running_of_tenant
CREATE INDEX quire_lane_tenant ON quire_lane(tenant);

ALTER TABLE quire_schedule ADD COLUMN tenant TEXT NOT NULL DEFAULT '';

-- What somebody decided about a tenant. One without a row has weight 1 and no limit.
CREATE TABLE quire_tenant(
  tenant   TEXT PRIMARY KEY,
  weight   INTEGER NOT NULL,                  -- so many turns where another has one
  capacity INTEGER,                           -- so many of its tasks run at a time; null: any number
  paused   INTEGER NOT NULL                   -- 1: none of them is started
) STRICT, WITHOUT ROWID;
