// A world that the test drives by hand: nothing happens in it by itself.
#ifndef BITS_TESTS_UNIT_APP_FAKES_H_
#define BITS_TESTS_UNIT_APP_FAKES_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/file_system.h"
#include "server/app/ports/transfer_engine.h"
#include "server/base/error_info.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"

namespace bits::app::testing {

class FakeClock final : public Clock {
 public:
  absl::Time Now() const override {
    if (calls_to_hook_ > 0 && --calls_to_hook_ == 0) std::exchange(hook_, nullptr)();
    MutexLock lock(mutex_);
    return now_;
  }
  // Something that happens at the nth call of Now from here on. Of tests with one thread.
  void AtCall(int n, std::function<void()> hook) {
    calls_to_hook_ = n;
    hook_ = std::move(hook);
  }
  void Advance(absl::Duration by) {
    MutexLock lock(mutex_);
    now_ += by;
  }

 private:
  mutable int calls_to_hook_ = 0;
  mutable std::function<void()> hook_;
  mutable Mutex mutex_;
  absl::Time now_ BITS_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1'800'000'000);
};

// Transfers that were asked for; the test says what becomes of each, by the file's ordinal.
class FakeEngine final : public TransferEngine {
 public:
  struct Try {
    TransferId id = 0;
    TransferSpec spec;
    std::shared_ptr<TransferObserver> observer;
    bool stop_asked = false;
  };

  TransferId Start(TransferSpec spec, std::shared_ptr<TransferObserver> observer) override {
    MutexLock lock(mutex_);
    const TransferId id = ++last_id_;
    tries_[id] = {id, std::move(spec), std::move(observer), false};
    return id;
  }
  void Stop(TransferId id) override {
    MutexLock lock(mutex_);
    if (auto it = tries_.find(id); it != tries_.end()) it->second.stop_asked = true;
  }

  void SetRateLimits(const domain::RateLimits& limits) override {
    MutexLock lock(mutex_);
    limits_ = limits;
  }
  void SetJobRate(const domain::JobId& job, domain::Priority priority,
                  domain::Rate max_bytes_per_second) override {
    MutexLock lock(mutex_);
    job_rates_[job] = {priority, max_bytes_per_second};
  }
  domain::RateLimits limits() const {
    MutexLock lock(mutex_);
    return limits_;
  }
  // What was said of it while it was under way.
  std::optional<std::pair<domain::Priority, domain::Rate>> RateOf(const domain::JobId& job) const {
    MutexLock lock(mutex_);
    const auto it = job_rates_.find(job);
    return it == job_rates_.end() ? std::nullopt : std::optional(it->second);
  }

  // The ordinals under way of a job, ascending; only those asked to stop, if said.
  std::vector<uint32_t> UnderWay(const domain::JobId& job, bool only_stopping = false) const {
    MutexLock lock(mutex_);
    std::set<uint32_t> ordinals;
    for (const auto& [id, t] : tries_) {
      if (t.spec.job == job && (!only_stopping || t.stop_asked)) {
        ordinals.insert(t.spec.file.ordinal);
      }
    }
    return {ordinals.begin(), ordinals.end()};
  }
  // The try under way at a file; one with id 0 if there is none.
  Try At(const domain::JobId& job, uint32_t ordinal) const {
    MutexLock lock(mutex_);
    for (const auto& [id, t] : tries_) {
      if (t.spec.job == job && t.spec.file.ordinal == ordinal) return t;
    }
    return {};
  }

  void Transferred(const domain::JobId& job, uint32_t ordinal, uint64_t bytes) {
    Try t = Take(job, ordinal);
    t.observer->OnBytesArrive();
    t.observer->OnTransferred({bytes, bytes, {"\"v1\"", ""}, std::nullopt}, "identity");
  }
  void Failed(const domain::JobId& job, uint32_t ordinal, domain::Failure failure) {
    Take(job, ordinal).observer->OnFailed(failure);
  }
  void Stopped(const domain::JobId& job, uint32_t ordinal) {
    Take(job, ordinal).observer->OnStopped();
  }
  // All that were asked to stop do.
  void StopAllAsked(const domain::JobId& job) {
    for (uint32_t ordinal : UnderWay(job, true)) Stopped(job, ordinal);
  }

 private:
  Try Take(const domain::JobId& job, uint32_t ordinal) {
    Try t = At(job, ordinal);
    MutexLock lock(mutex_);
    tries_.erase(t.id);
    return t;
  }

  mutable Mutex mutex_;
  TransferId last_id_ BITS_GUARDED_BY(mutex_) = 0;
  std::map<TransferId, Try> tries_ BITS_GUARDED_BY(mutex_);
  domain::RateLimits limits_ BITS_GUARDED_BY(mutex_);
  std::map<domain::JobId, std::pair<domain::Priority, domain::Rate>> job_rates_
      BITS_GUARDED_BY(mutex_);
};

// Names only: what was published, what was removed, what fails.
class FakeFiles final : public FileSystem {
 public:
  absl::StatusOr<std::string> Resolve(std::string_view local_name) const override {
    if (local_name.empty()) return absl::InvalidArgumentError("is empty");
    return local_name.front() == '/' ? std::string(local_name)
                                     : "/root/" + std::string(local_name);
  }
  std::string RootOf(std::string_view path) const override {
    return path.starts_with("/root/") ? "/root" : "/";
  }
  absl::StatusOr<domain::FileKind> Look(const std::string&) override {
    return domain::FileKind::kNothing;
  }
  absl::StatusOr<std::unique_ptr<LocalFile>> OpenSource(const std::string&) override {
    return absl::UnimplementedError("not of this world");
  }
  absl::StatusOr<std::unique_ptr<LocalFile>> OpenTemporary(const std::string&, bool) override {
    return absl::UnimplementedError("not of this world");
  }
  absl::Status Publish(const std::vector<Publication>& files, size_t* done) override {
    MutexLock lock(mutex_);
    for (*done = 0; *done < files.size(); ++*done) {
      const Publication& file = files[*done];
      if (lost_.erase(file.to) != 0) {
        return MakeRefusal(absl::StatusCode::kDataLoss, "BG_E_VALIDATION_FAILED", "lost",
                           {{"hresult", "0x80200053"}});
      }
      if (refused_.contains(file.to)) {
        return MakeRefusal(absl::StatusCode::kPermissionDenied, "E_ACCESSDENIED", "refused",
                           {{"hresult", "0x80070005"}});
      }
      published_[file.to] = file.from;
    }
    return absl::OkStatus();
  }
  absl::Status Remove(const std::string& path) override {
    MutexLock lock(mutex_);
    if (refused_.contains(path)) {
      return MakeRefusal(absl::StatusCode::kPermissionDenied, "E_ACCESSDENIED", "refused",
                         {{"hresult", "0x80070005"}});
    }
    removed_.insert(path);
    return absl::OkStatus();
  }

  void Refuse(const std::string& path, bool refuse = true) {
    MutexLock lock(mutex_);
    refuse ? (void)refused_.insert(path) : (void)refused_.erase(path);
  }
  // Once, as a file that is fetched again is a good one.
  void Lose(const std::string& path) {
    MutexLock lock(mutex_);
    lost_.insert(path);
  }
  std::map<std::string, std::string> published() const {
    MutexLock lock(mutex_);
    return published_;
  }
  std::set<std::string> removed() const {
    MutexLock lock(mutex_);
    return removed_;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::string> published_ BITS_GUARDED_BY(mutex_);
  std::set<std::string> removed_ BITS_GUARDED_BY(mutex_);
  std::set<std::string> lost_ BITS_GUARDED_BY(mutex_);
  std::set<std::string> refused_ BITS_GUARDED_BY(mutex_);
};

// Runs what was posted when the test says so.
class ManualExecutor final : public Executor {
 public:
  absl::Status TryPost(Task task) override {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
    return absl::OkStatus();
  }
  void Clear() {
    MutexLock lock(mutex_);
    tasks_.clear();
  }
  // Until nothing is left, what is posted meanwhile included.
  void RunAll() {
    while (true) {
      Task task;
      {
        MutexLock lock(mutex_);
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.erase(tasks_.begin());
      }
      task();
    }
  }

 private:
  Mutex mutex_;
  std::vector<Task> tasks_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::app::testing

#endif  // BITS_TESTS_UNIT_APP_FAKES_H_
