#include "tests/conformance/harness/watch.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace bits::testing {

bool TellsState(const v1::JobEvent& event) {
  return event.type() == v1::JobEvent::TYPE_SNAPSHOT ||
         event.type() == v1::JobEvent::TYPE_CREATED ||
         event.type() == v1::JobEvent::TYPE_STATE_CHANGED;
}

std::string NamesOf(const std::vector<v1::Job::State>& states) {
  std::string names;
  for (v1::Job::State state : states) {
    const std::string name = v1::Job::State_Name(state);
    absl::StrAppend(&names, names.empty() ? "" : " ", name.substr(sizeof("STATE_") - 1));
  }
  return names;
}

Watch::Watch(v1::JobService::Stub* stub, const v1::WatchJobsRequest& request,
             std::optional<absl::Duration> deadline) {
  if (deadline) context_.set_deadline(absl::ToChronoTime(absl::Now() + *deadline));
  reader_ = stub->WatchJobs(&context_, request);
  thread_ = std::thread([this] { Run(); });
}

Watch::~Watch() { CancelAndWait(); }

void Watch::CancelAndWait() {
  context_.TryCancel();
  if (thread_.joinable()) thread_.join();
}

void Watch::Run() {
  v1::JobEvent event;
  while (reader_->Read(&event)) {
    {
      MutexLock lock(mutex_);
      events_.push_back(event);
    }
    changed_.SignalAll();
  }
  grpc::Status status = reader_->Finish();
  {
    MutexLock lock(mutex_);
    end_ = std::move(status);
  }
  changed_.SignalAll();
}

absl::StatusOr<v1::Job> Watch::Await(const std::string& job, v1::Job::State state,
                                     absl::Duration timeout) {
  MutexLock lock(mutex_);
  std::optional<v1::Job> found;
  changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout), [&] {
    mutex_.AssertHeld();
    size_t& next = awaited_[job];
    while (next < events_.size()) {
      const v1::JobEvent& event = events_[next++];
      if (!TellsState(event) || event.job().name() != job) continue;
      if (event.job().state() != state) continue;
      found = event.job();
      return true;
    }
    return end_.has_value();
  });
  if (found) return *found;
  lock.Unlock();
  std::string what = absl::StrCat(job, " did not come to ", NamesOf({state}), "; it went through ",
                                  NamesOf(StatesOf(job)));
  for (const v1::JobEvent& event : EventsOf(job)) {
    if (event.has_error()) {
      absl::StrAppend(&what, "; error ", event.error().code(), " ", event.error().description());
    }
  }
  lock.Lock();
  if (end_) absl::StrAppend(&what, "; the watch ended: ", end_->error_message());
  return absl::DeadlineExceededError(what);
}

absl::StatusOr<v1::JobEvent> Watch::AwaitEvent(const Predicate& predicate,
                                               absl::Duration timeout) {
  MutexLock lock(mutex_);
  std::optional<v1::JobEvent> found;
  size_t next = 0;
  changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout), [&] {
    mutex_.AssertHeld();
    for (; next < events_.size() && !found; ++next) {
      if (predicate(events_[next])) found = events_[next];
    }
    return found.has_value() || end_.has_value();
  });
  if (found) return *found;
  return absl::DeadlineExceededError(absl::StrCat(
      "no such event among ", events_.size(),
      end_ ? absl::StrCat("; the watch ended: ", end_->error_message()) : std::string()));
}

std::optional<grpc::Status> Watch::AwaitEnd(absl::Duration timeout) {
  MutexLock lock(mutex_);
  changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout), [&] {
    mutex_.AssertHeld();
    return end_.has_value();
  });
  return end_;
}

std::vector<v1::JobEvent> Watch::Events() const {
  MutexLock lock(mutex_);
  return events_;
}

std::vector<v1::JobEvent> Watch::EventsOf(const std::string& job) const {
  MutexLock lock(mutex_);
  std::vector<v1::JobEvent> found;
  for (const v1::JobEvent& event : events_) {
    if (event.job().name() == job) found.push_back(event);
  }
  return found;
}

std::vector<v1::Job::State> Watch::StatesOf(const std::string& job) const {
  std::vector<v1::Job::State> states;
  for (const v1::JobEvent& event : EventsOf(job)) {
    if (TellsState(event)) states.push_back(event.job().state());
  }
  return states;
}

std::string Watch::LastCursor() const {
  MutexLock lock(mutex_);
  for (auto it = events_.rbegin(); it != events_.rend(); ++it) {
    if (!it->cursor().empty()) return it->cursor();
  }
  return "";
}

}  // namespace bits::testing
