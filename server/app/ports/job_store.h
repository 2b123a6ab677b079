// Where jobs live: the durable truth. Memory, SQLite (and later PostgreSQL) stand behind
// this one interface and pass one contract suite (tests/contract).
#ifndef BITS_SERVER_APP_PORTS_JOB_STORE_H_
#define BITS_SERVER_APP_PORTS_JOB_STORE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/event_record.h"
#include "server/app/ports/notification_record.h"
#include "server/app/ports/upload_session_store.h"
#include "server/domain/error.h"
#include "server/domain/job.h"
#include "server/domain/job_filter.h"
#include "server/domain/policy.h"
#include "server/domain/turns.h"

namespace bits::app {

// What a mutating request came to, so that its repeat does nothing (AIP-155).
struct RequestRecord {
  std::string principal;
  std::string request_id;
  std::string fingerprint;  // of the method and the whole request
  domain::JobId job;
  uint32_t first_file = 0;  // of AddFiles: the ordinals given
  uint32_t file_count = 0;  // of RemoveCredentials: 1 if there were any
  absl::Time time;
};

// For how long a request record is kept at the least.
inline constexpr absl::Duration kRequestRetention = absl::Hours(24);

// What is kept of the policy.
struct PolicyRecord {
  domain::PolicySettings settings;  // what UpdatePolicy has written
  uint64_t version = 0;             // counts those writes; the etag
  // No timer in the store is later than by these. Nullopt: nothing is known of them.
  std::optional<domain::TimerPolicy> timers;
  bool operator==(const PolicyRecord&) const = default;
};

struct ErrorHistory {
  std::vector<domain::Error> errors;  // the first kErrorsKeptFirst, the last kErrorsKeptLast; oldest first
  std::vector<std::pair<domain::Hresult, uint64_t>> counts;  // most frequent first, then by code
  uint64_t total = 0;
};

// The state within one transaction: what the body of JobStore::Commit may use, while it
// runs and on its thread only. Reads see the transaction's own writes. A list about a job
// that is not there is empty. A body that goes on after an UNAVAILABLE is not committed
// whatever it returns.
class Transaction : public UploadSessionWrites {
 public:
  ~Transaction() override = default;

  // NOT_FOUND (a plain status, without reason) if there is none.
  virtual absl::StatusOr<domain::Job> GetJob(const domain::JobId& id) = 0;
  virtual absl::StatusOr<domain::File> GetFile(const domain::JobId& id, uint32_t ordinal) = 0;
  // In order, ordinals > after, at most limit.
  virtual absl::StatusOr<std::vector<domain::File>> ListFiles(const domain::JobId& id,
                                                              uint32_t after, uint32_t limit) = 0;
  // Those not yet `transferred`; else as ListFiles.
  virtual absl::StatusOr<std::vector<domain::File>> ListUntransferredFiles(
      const domain::JobId& id, uint32_t after, uint32_t limit) = 0;

  // Inserts a job; ALREADY_EXISTS if the id is taken, INVALID_ARGUMENT if it is no UUID in
  // canonical form. Sets job.version to 1. `next_timer`: see UpdateJob.
  virtual absl::Status InsertJob(domain::Job& job, absl::Time next_timer) = 0;
  // Writes the job if the stored version equals job.version, and raises job.version by 1;
  // ABORTED if it does not, NOT_FOUND if the job is gone. `next_timer` is when ListDue is
  // to name the job (absl::InfiniteFuture(): never).
  virtual absl::Status UpdateJob(domain::Job& job, absl::Time next_timer) = 0;
  // Deletes job, files, errors, secrets, notifications; its destinations are free again. Not its events, nor the
  // request records that name it. NOT_FOUND if there is none.
  virtual absl::Status DeleteJob(const domain::JobId& id) = 0;
  // Inserts or replaces, by ordinal. NOT_FOUND if the job is not there: InsertJob first.
  virtual absl::Status PutFile(const domain::JobId& id, const domain::File& file) = 0;

  // Reserves a destination for a live job. ALREADY_EXISTS if another job, or another
  // file of this job, holds it; NOT_FOUND if the job is not there: InsertJob first.
  virtual absl::Status ReserveDestination(const std::string& path, const domain::JobId& id) = 0;
  virtual absl::Status ReleaseDestinations(const domain::JobId& id) = 0;
  // Which job holds it; empty: none.
  virtual absl::StatusOr<domain::JobId> HolderOfDestination(const std::string& path) = 0;

  // The live jobs, of this owner and in all. Takes no longer for many.
  virtual absl::StatusOr<domain::LiveJobs> CountLiveJobs(const std::string& owner) = 0;

  // The policy; an empty record if none was put.
  virtual absl::StatusOr<PolicyRecord> GetPolicy() = 0;
  virtual absl::Status PutPolicy(const PolicyRecord& record) = 0;
  // What the job has of secrets, sealed: opaque to the store, and in no other record of it.
  // Replaces what was there; empty removes it. NOT_FOUND if the job is not there.
  virtual absl::Status PutSecrets(const domain::JobId& id, std::string_view sealed) = 0;
  // Empty if there are none.
  virtual absl::StatusOr<std::string> GetSecrets(const domain::JobId& id) = 0;
  // Some of the jobs that have any, `limit` at most.
  virtual absl::StatusOr<std::vector<domain::JobId>> SomeWithSecrets(uint32_t limit) = 0;

  // The job's outbox. Inserts or replaces, by the number; NOT_FOUND if the job is not there. The
  // owner of an outbox is whoever had the job when it began to hold something.
  virtual absl::Status PutNotification(const domain::JobId& id,
                                       const NotificationRecord& notification) = 0;
  // Nothing happens if it is not there.
  virtual absl::Status DeleteNotification(const domain::JobId& id, uint64_t number) = 0;
  virtual absl::Status DeleteNotifications(const domain::JobId& id) = 0;
  // NOT_FOUND if there is none.
  virtual absl::StatusOr<NotificationRecord> GetNotification(const domain::JobId& id,
                                                             uint64_t number) = 0;
  // The first that is not given up; NOT_FOUND if there is none.
  virtual absl::StatusOr<NotificationRecord> FirstPendingNotification(const domain::JobId& id) = 0;
  // Those given up too. Takes no longer for many.
  virtual absl::StatusOr<uint32_t> CountNotifications(const domain::JobId& id) = 0;
  // What the job's webhook is signed with: as PutSecrets and GetSecrets, and apart from those.
  virtual absl::Status PutWebhookSecret(const domain::JobId& id, std::string_view sealed) = 0;
  virtual absl::StatusOr<std::string> GetWebhookSecret(const domain::JobId& id) = 0;

  // Adds to the job's error history, keeping what ErrorHistory says. NOT_FOUND if the job
  // is not there.
  virtual absl::Status AddError(const domain::JobId& id, const domain::Error& error) = 0;

  // Nullopt if there is none, or if it is older than `not_before`.
  virtual absl::StatusOr<std::optional<RequestRecord>> FindRequest(std::string_view principal,
                                                                   std::string_view request_id,
                                                                   absl::Time not_before) = 0;
  // Replaces a record of the same key. Records older by kRequestRetention than the one put
  // may be forgotten.
  virtual absl::Status PutRequest(const RequestRecord& record) = 0;

  // Gives the event the next revision, in event.revision and event.job.revision, and keeps
  // it. A kProgress event is not kept and gets no revision of its own: event.revision
  // becomes that of the last event, event.job.revision stays. The job's own `revision` is
  // written by UpdateJob/InsertJob: call this first and set it.
  virtual absl::Status AppendEvent(EventRecord& event) = 0;
};

struct JobQuery {
  domain::JobFilter filter;
  std::optional<std::string> owner;  // only theirs
  bool show_final = false;
  uint64_t after = 0;  // the sequence number to go on from: JobPage.last
  uint32_t limit = 100;
};

struct JobPage {
  std::vector<domain::Job> jobs;  // in the order of creation
  // The sequence number of the last row looked at: give it as `after` for the next page.
  uint64_t last = 0;
  bool end = false;  // there is nothing after it. A page may be short, even empty, and not the end
};

// Of the jobs that wait in QUEUED for their turn: those that are deferred do not.
struct QueueQuery {
  domain::Priority priority = domain::Priority::kNormal;
  // The round goes on behind this owner: those that sort after it come first, then the others.
  std::string after_owner = {};
  uint32_t owners = 1;     // of whom jobs are given, at most
  uint32_t per_owner = 1;  // jobs given at most, 1 or more
  // Whether all jobs that need this host and this destination are passed over: a hint, which saves
  // looking at them one by one. Null: not known.
  std::function<bool(const std::string& host, const std::string& destination)> held = {};
};

// Thread-safe. Reads block for I/O: call them where blocking is allowed (an executor, never
// a gRPC reaction or the transfer loop). Every failure to read or write that is not the
// caller's is UNAVAILABLE.
class JobStore : public UploadSessionReads {
 public:
  using Body = std::function<absl::Status(Transaction&)>;
  using Done = std::function<void(absl::Status)>;
  ~JobStore() override = default;

  // Runs `body` in a transaction of its own: if it returns OK, what it wrote becomes
  // durable, and only then `done(OK)` is called; else nothing of it remains and done gets
  // body's status. Does not block; may be called from any thread. Bodies run one at a time
  // in the order of the calls, on the store's thread, several of them sharing one commit;
  // the body must not block, and may be run again from the start (reset what it captures).
  // `done` runs on the store's thread in the order of commits; it must not block.
  // RESOURCE_EXHAUSTED if too many wait, and UNAVAILABLE after Close: these two at once, by
  // `done` on the caller's thread before Commit returns. UNAVAILABLE also if the store is
  // unhealthy, or becomes so by this commit: its outcome is then unknown.
  virtual void Commit(Body body, Done done) = 0;

  virtual absl::StatusOr<domain::Job> GetJob(const domain::JobId& id) = 0;
  virtual absl::StatusOr<JobPage> ListJobs(const JobQuery& query) = 0;
  virtual absl::StatusOr<domain::File> GetFile(const domain::JobId& id, uint32_t ordinal) = 0;
  virtual absl::StatusOr<std::vector<domain::File>> ListFiles(const domain::JobId& id,
                                                              uint32_t after, uint32_t limit) = 0;
  virtual absl::StatusOr<ErrorHistory> ListErrors(const domain::JobId& id) = 0;

  // The QUEUED jobs of a priority that are not deferred, owner by owner, of each the longest waiting first
  // (Job.queue_time, then creation), but for those that `pass_over` is true of: it is called while
  // the store reads, must not block, nor call the store. Behind hundreds of an owner's that were
  // passed over, the next are found host by host (Job.host, Job.destination): those of many hosts
  // may then be given out of order, or not at all this time.
  using PassOver = std::function<bool(const domain::WaitingJob&)>;
  virtual absl::StatusOr<std::vector<domain::WaitingJob>> ListQueued(
      const QueueQuery& query, const PassOver& pass_over) = 0;
  // Jobs in TRANSIENT_ERROR whose host failed and is this one. In the order of ids, those after `after`.
  virtual absl::StatusOr<std::vector<domain::JobId>> ListHostFailed(const std::string& host,
                                                                    const domain::JobId& after,
                                                                    uint32_t limit) = 0;
  // Jobs whose timer is due, earliest first.
  virtual absl::StatusOr<std::vector<domain::JobId>> ListDue(absl::Time now, uint32_t limit) = 0;
  // The earliest timer; InfiniteFuture if there is none.
  virtual absl::StatusOr<absl::Time> NextTimer() = 0;
  // Jobs that were CONNECTING, TRANSFERRING or had work pending: what recovery looks at. In
  // the order of ids, those after `after` (empty: from the first).
  virtual absl::StatusOr<std::vector<domain::JobId>> ListUnsettled(const domain::JobId& after,
                                                                   uint32_t limit) = 0;

  // What is in the job's outbox, in order, numbers > after.
  virtual absl::StatusOr<std::vector<NotificationRecord>> ListNotifications(
      const domain::JobId& id, uint64_t after, uint32_t limit) = 0;
  // The outboxes whose first pending notification is due, owner by owner, of each the earliest
  // first.
  virtual absl::StatusOr<std::vector<DueOutbox>> ListDueOutboxes(const DueQuery& query) = 0;
  // When after `after` the next outbox is due; InfiniteFuture if none will be.
  virtual absl::StatusOr<absl::Time> NextOutbox(absl::Time after) = 0;

  // The kept events after `after`, in order, at most `limit`. OUT_OF_RANGE if some after
  // it are no longer kept, or if it lies after the last one (a cursor of another store).
  virtual absl::StatusOr<std::vector<EventRecord>> ListEvents(Revision after, uint32_t limit) = 0;
  // From the next commits on at least so many events are kept, 1 or more. Any thread.
  virtual void SetEventsKept(uint64_t events) = 0;
  // Of the last event; 0 if there never was one.
  virtual absl::StatusOr<Revision> LastRevision() = 0;
  // The smallest value that ListEvents takes.
  virtual absl::StatusOr<Revision> OldestCursor() = 0;

  // OK, or why the store can neither promise nor acknowledge anything.
  virtual absl::Status Health() const = 0;
  // Called on any thread when Health() changes. One listener; set before use.
  virtual void SetHealthListener(std::function<void(absl::Status)> listener) = 0;
  // Commits what waits, refuses what comes, and closes: reads give UNAVAILABLE. Blocks.
  // Idempotent. Not from a body, a `done` or the health listener.
  virtual void Close() = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_JOB_STORE_H_
