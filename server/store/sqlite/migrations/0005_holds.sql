-- What is held by its host or destination is passed over: both are in the index. Behind many such
-- jobs of an owner the next is found host by host.
ALTER TABLE jobs ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN destination TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN host_failed INTEGER NOT NULL DEFAULT 0;
DROP INDEX jobs_turns;
CREATE INDEX jobs_turns ON jobs (priority, owner, queue_time, seq, id, host, destination)
  WHERE state = 0;
CREATE INDEX jobs_turns_by_host ON jobs (priority, owner, host, destination, queue_time, seq, id)
  WHERE state = 0;
-- Those that are tried again when their host is back.
CREATE INDEX jobs_failed_by_host ON jobs (host, id) WHERE state = 5 AND host_failed = 1;
