// The policy in force: what the configuration file says, and what UpdatePolicy has written over it.
#ifndef BITS_SERVER_APP_POLICY_MANAGER_H_
#define BITS_SERVER_APP_POLICY_MANAGER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/job_store.h"
#include "server/app/principal.h"
#include "server/base/mutex.h"
#include "server/domain/policy.h"

namespace bits::app {

// What GetPolicy tells.
struct PolicyView {
  domain::Policy policy;
  uint64_t version = 0;  // of what was written
  domain::PolicySettings written;
  domain::PolicySettings file;
};

// What UpdatePolicy asks for; the values are checked.
struct PolicyChange {
  // By the fields' names; nullopt gives a field back to the file.
  std::map<std::string, std::optional<domain::PolicyValue>> fields;
  std::optional<uint64_t> version;  // the etag's; nullopt: any
};

// Thread-safe; nothing here blocks but Load, and the first reading of a time zone.
class PolicyManager {
 public:
  using Callback = std::function<void(absl::StatusOr<PolicyView>)>;
  using Snapshot = std::shared_ptr<const domain::Policy>;

  // Store and clock outlive this. Before Load the policy is that of the file alone.
  PolicyManager(JobStore* store, const Clock* clock, domain::PolicySettings file);

  // Called after each change, on any thread; must not block. Set before use.
  void SetListener(std::function<void()> listener) { listener_ = std::move(listener); }

  // Reads what was written. Blocks; once, before the policy is asked for.
  absl::Status Load();

  // Of a moment; its `rates` as of the last change or Refresh.
  Snapshot current() const;
  // Brings `rates` up to the time, if others may be in force since.
  void Refresh();

  // PERMISSION_DENIED (E_ACCESSDENIED) to all but administrators.
  absl::StatusOr<PolicyView> Get(const Principal& principal) const;
  // Likewise; ABORTED (ETAG_MISMATCH). The new policy is in force before `done` is called, on the
  // store's thread.
  void Update(const Principal& principal, PolicyChange change, Callback done);

  // Whether timers in the store may be later than the policy has them: since a change, and until
  // Retimed. What is written meanwhile keeps to the policy.
  bool NeedsRetiming() const;
  // Every timer in the store was looked at under `timers`.
  void Retimed(const domain::TimerPolicy& timers);

 private:
  // Notes in the record that timers may now be as late as the policy has them.
  void AllowTimers(PolicyRecord& record) const;
  void Adopt(const PolicyRecord& record);
  Snapshot Resolve(const domain::PolicySettings& written) const;

  JobStore* const store_;
  const Clock* const clock_;
  const domain::PolicySettings file_;
  std::function<void()> listener_ = [] {};

  mutable Mutex mutex_;
  PolicyRecord record_ BITS_GUARDED_BY(mutex_);  // as committed
  Snapshot current_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_POLICY_MANAGER_H_
