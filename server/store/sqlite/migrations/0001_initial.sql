-- What a durable store keeps. Records are server/store/record.proto; the columns beside them
-- are what queries need, and follow from the record. Times are nanoseconds since the epoch.
-- Once released, this file does not change: a new one follows it.

-- Creation goes by seq, which is never given twice.
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL,
  version INTEGER NOT NULL,
  state INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  type INTEGER NOT NULL,
  unsettled INTEGER NOT NULL,  -- 1: active, or with work pending
  queue_time INTEGER NOT NULL,
  next_timer INTEGER,          -- NULL: never
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL,
  error_count INTEGER NOT NULL,
  owner TEXT NOT NULL,
  display_name TEXT NOT NULL,
  labels BLOB NOT NULL,        -- label_function.h
  record BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX jobs_by_id ON jobs (id);
CREATE INDEX jobs_by_state ON jobs (state, seq);
CREATE INDEX jobs_by_owner ON jobs (owner, state, seq);
CREATE INDEX jobs_queued ON jobs (priority, queue_time, seq) WHERE state = 0;
CREATE INDEX jobs_by_timer ON jobs (next_timer, seq) WHERE next_timer IS NOT NULL;
CREATE INDEX jobs_unsettled ON jobs (id) WHERE unsettled = 1;

CREATE TABLE files (
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  transferred INTEGER NOT NULL,
  record BLOB NOT NULL,
  UNIQUE (job, ordinal)
) STRICT;

CREATE INDEX files_untransferred ON files (job, ordinal) WHERE transferred = 0;

-- The paths that live jobs will write.
CREATE TABLE destinations (
  path BLOB PRIMARY KEY NOT NULL,
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX destinations_by_job ON destinations (job);

-- Of each job the first and the last errors, n counting from 1, and how many of each code.
CREATE TABLE errors (
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (job, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE error_counts (
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  hresult INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (job, hresult)
) STRICT, WITHOUT ROWID;

-- What mutating requests came to, by who made them and the id that they gave.
CREATE TABLE requests (
  principal TEXT NOT NULL,
  request_id TEXT NOT NULL,
  time INTEGER NOT NULL,
  record BLOB NOT NULL,
  UNIQUE (principal, request_id)
) STRICT;

CREATE INDEX requests_by_time ON requests (time);

-- The last changes, without a gap; the last one is always here.
CREATE TABLE events (
  revision INTEGER PRIMARY KEY,
  record BLOB NOT NULL
) STRICT;

-- Written to find out whether writing works again.
CREATE TABLE probe (
  id INTEGER PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT;

INSERT INTO probe (id, count) VALUES (1, 0);
