-- What waits to be told, or was given up, job by job in the order of n.
CREATE TABLE notifications (
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  pending INTEGER NOT NULL,  -- 0: given up
  next_try INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (job, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX notifications_pending ON notifications (job, n) WHERE pending = 1;

-- One for each job that has any. Only the first that is pending is tried, so its time is the job's.
CREATE TABLE outboxes (
  job INTEGER PRIMARY KEY NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  owner TEXT NOT NULL,
  count INTEGER NOT NULL,  -- of notifications, those given up too
  due INTEGER              -- NULL: none is pending
) STRICT;

CREATE INDEX outboxes_by_owner ON outboxes (owner, due, job) WHERE due IS NOT NULL;
CREATE INDEX outboxes_by_due ON outboxes (due) WHERE due IS NOT NULL;

-- What webhooks are signed with, sealed; it stays when a job's other secrets go with its end.
CREATE TABLE webhook_secrets (
  job INTEGER PRIMARY KEY NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  sealed BLOB NOT NULL
) STRICT;
