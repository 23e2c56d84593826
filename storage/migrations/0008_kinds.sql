-- Circuit breakers: when they open (see messages/types/breaker.hpp), and what they have
-- seen. Times are Unix ms.
CREATE TABLE quire_breaker(
  name           TEXT PRIMARY KEY,
  failures_max   INTEGER NOT NULL,
  window         INTEGER NOT NULL,
  window_percent INTEGER NOT NULL,
  open_ms        INTEGER NOT NULL,
  factor         REAL NOT NULL,
  open_max_ms    INTEGER NOT NULL,
  probes         INTEGER NOT NULL,
  successes_min  INTEGER NOT NULL,
  mode           INTEGER NOT NULL,
  failures       INTEGER NOT NULL DEFAULT 0,
  recent         INTEGER NOT NULL DEFAULT 0,  -- bits: the last results, 1 is a failure
  recent_count   INTEGER NOT NULL DEFAULT 0,
  openings       INTEGER NOT NULL DEFAULT 0,
  successes      INTEGER NOT NULL DEFAULT 0,
  opened_at      INTEGER,                     -- null: closed
  probe_at       INTEGER                      -- null although it is open: by hand
) STRICT, WITHOUT ROWID;

-- What somebody decided about a kind of tasks. One without a row has no limits.
CREATE TABLE quire_kind(
  kind       TEXT PRIMARY KEY,
  capacity   INTEGER,                         -- so many run at a time; null: any number
  rate_count INTEGER,                         -- so many start in each period; null: any number
  rate_ms    INTEGER,
  burst      INTEGER,
  full_at_us INTEGER NOT NULL DEFAULT 0,      -- of the bucket of tokens; Unix us
  breaker    TEXT,                            -- that guards it; null: none
  CHECK((rate_count IS NULL) = (rate_ms IS NULL) AND (rate_count IS NULL) = (burst IS NULL))
) STRICT, WITHOUT ROWID;
-- running_of_breaker, and the deletion of a breaker
CREATE INDEX quire_kind_breaker ON quire_kind(breaker) WHERE breaker IS NOT NULL;
