-- A queued job that waits for its not_before_time is in no queue until then: its timer brings it back.
ALTER TABLE jobs ADD COLUMN deferred INTEGER NOT NULL DEFAULT 0;
DROP INDEX jobs_turns;
CREATE INDEX jobs_turns ON jobs (priority, owner, queue_time, seq, id, host, destination)
  WHERE state = 0 AND deferred = 0;
DROP INDEX jobs_turns_by_host;
CREATE INDEX jobs_turns_by_host ON jobs (priority, owner, host, destination, queue_time, seq, id)
  WHERE state = 0 AND deferred = 0;
