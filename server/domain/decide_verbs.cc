// What the owner's verbs do to a job.
#include <algorithm>
#include <utility>

#include "server/domain/decision_maker.h"
#include "server/domain/error_code.h"
#include "server/domain/holds.h"
#include "server/domain/retry.h"

namespace bits::domain {
namespace {

// The file has a new one.
void BeginAtRemoteName(File& file) {
  file.given_name.clear();
  // What is here did not come from the new one.
  if (file.transferred && file.validators.source == 0) file.validators.source = kNoSource;
  file.mirrors.source = 0;
  file.mirrors.failed = 0;
  file.mirrors.transient = false;
}

}  // namespace

void Maker::Apply(const Resume&) {
  OwnerActed();
  job().active_time = absl::ZeroDuration();
  job().resumed = true;
  job().retry_time.reset();
  if (before_.state != JobState::kTransientError) {
    NotStalled();
    job().host_failed = false;
  }
}

void Maker::Apply(const Suspend&) {
  OwnerActed();
  job().retry_time.reset();
}

void Maker::Apply(const Cancel&) { OwnerActed(); }

void Maker::Apply(const Complete&) {
  OwnerActed();
  job().pending = Pending::kPublish;
}

void Maker::Apply(const AddFiles& e) {
  if (e.files.empty()) return;
  OwnerActed();
  if (job().progress.files_total == 0) {
    const File& first = e.files.front();
    // Of one with mirrors it may be any: which are held is found out in the turn.
    job().host = first.mirrors.names.empty() ? HostFor(job(), first.remote_name) : "";
    job().destination = e.destination;
  }
  for (File file : e.files) {
    file.ordinal = ++job().progress.files_total;
    ++job().progress.files_unsized;
    job().has_ranges = job().has_ranges || !file.ranges.empty();
    job().has_mirrors = job().has_mirrors || !file.mirrors.names.empty();
    d_.files.push_back(std::move(file));
  }
}

void Maker::Apply(const Update& e) {
  Job& j = job();
  if (e.display_name) j.display_name = *e.display_name;
  if (e.description) j.description = *e.description;
  if (e.priority) j.priority = *e.priority;
  if (e.minimum_retry_delay) {
    j.minimum_retry_delay = std::max(*e.minimum_retry_delay, kLeastRetryDelay);
  }
  if (e.no_progress_timeout) j.no_progress_timeout = *e.no_progress_timeout;
  if (e.maximum_download_time) j.maximum_download_time = *e.maximum_download_time;
  if (e.labels) j.labels = *e.labels;
  if (e.max_parallel_files) j.options.max_parallel_files = *e.max_parallel_files;
  if (e.require_ranges) j.options.require_ranges = *e.require_ranges;
  if (e.http) domain::Apply(*e.http, j.http);
  if (HasCustomMethod(j.http)) j.priority = Priority::kForeground;
  if (e.proxy && *e.proxy != j.proxy) {
    j.proxy = *e.proxy;
    HostIsAnother();
  }
  if (e.credentials) j.credentials = *e.credentials;
  if (e.secrets_volatile) j.secrets_volatile = *e.secrets_volatile;
  if (e.dynamic_content) j.options.dynamic_content = *e.dynamic_content;
  if (e.high_performance) j.options.high_performance = *e.high_performance;
  if (e.max_download_size) j.options.max_download_size = *e.max_download_size;
  if (e.max_bytes_per_second) j.options.max_bytes_per_second = *e.max_bytes_per_second;
  if (e.retry) j.retry = *e.retry;
  if (e.notification_interval) j.notification_interval = *e.notification_interval;
  if (e.auto_complete) {
    const bool turned_on = *e.auto_complete && !j.auto_complete;
    j.auto_complete = *e.auto_complete;
    if (turned_on && j.state == JobState::kTransferred && AllFilesTransferred(j)) CompleteItself();
  }
  if (e.timing) {
    j.timing = After(j.timing, *e.timing);
    if (j.state == JobState::kQueued) DeferOrNot();
  }
  if (e.notifications) domain::Apply(*e.notifications, j.notifications);
  OwnerActed();
}

void Maker::Apply(const SetRemoteName& e) {
  if (!e.files.empty()) {
    OwnerActed();
    d_.files = e.files;
    for (File& file : d_.files) BeginAtRemoteName(file);
    HostIsAnother();
    return;
  }
  if (!file_.has_value()) return;
  OwnerActed();
  file_->remote_name = e.remote_name;
  BeginAtRemoteName(*file_);
  file_changed_ = true;
  HostIsAnother();
  if (file_->transferred) d_.effects &= static_cast<uint8_t>(~kRestartFile);
}

void Maker::Apply(const TakeOwnership& e) {
  OwnerActed();
  job().owner = e.owner;
  // What the former owner alone knew.
  job().credentials.clear();
  job().secrets_volatile = false;
  job().http.headers.clear();
  job().http.secret_headers.clear();
  job().http.tls.client_certificate.clear();
  RemoveReceivers(job().notifications);
}

void Maker::Apply(const SetValidationState& e) {
  if (!file_.has_value()) return;
  OwnerActed();
  file_changed_ = true;
  file_->validation = e.valid ? Validation::kValid : Validation::kInvalid;
  if (e.valid) return;
  Failure failure;
  failure.hresult = kValidationFailed;
  failure.context = ErrorContext::kLocalFile;
  failure.detail = "the owner of the job says that the content is not valid";
  if (Counts(failure)) ++job().error_count;
  Error error = ErrorOf(failure);
  const uint32_t source = file_->validators.source;
  NameFile(error, source);
  job().retry_time.reset();
  job().host_failed = false;
  StartOver();
  if (!file_->mirrors.names.empty()) {
    // Another source may give better.
    const bool is_known = source <= file_->mirrors.names.size();
    const auto next = is_known ? NextSource(file_->mirrors, source) : std::nullopt;
    if (next) {
      TurnTo(file_->mirrors, *next, source, false);
    } else {
      BeginRound(*file_);
    }
  }
  file_->transferred = false;
  file_->temporary_identity.clear();
  --job().progress.files_transferred;
  Keep(std::move(error));
}

}  // namespace bits::domain
