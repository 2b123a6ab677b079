// The calls that change a job's properties, its secrets among them.
#include <algorithm>
#include <utility>

#include "server/app/job_call.h"
#include "server/app/job_manager.h"
#include "server/base/error_info.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::Job;
using domain::JobId;

namespace {

absl::Status CheckOwner(const Principal& principal, const Job& job) {
  if (principal.name == job.owner) return absl::OkStatus();
  return MakeRefusal(absl::StatusCode::kPermissionDenied, domain::SymbolOf(domain::kAccessDenied),
                     "Only its owner sets the credentials of a job.", {{"job", job.id}});
}

}  // namespace

absl::Status JobManager::CheckCertificate(const std::string& name) const {
  const bool there = name.empty() || (parts_.certificates != nullptr &&
                                      !parts_.certificates->PathOf(name).empty());
  if (there) return absl::OkStatus();
  return InvalidField("job.http_options.client_certificate",
                      "there is no such client certificate on this server");
}

namespace {

// What waits need not wait for what its former webhook asked for.
absl::Status TryAnew(Step& step, const JobId& id) {
  absl::StatusOr<NotificationRecord> first = step.txn().FirstPendingNotification(id);
  if (absl::IsNotFound(first.status())) return absl::OkStatus();
  BITS_RETURN_IF_ERROR(first.status());
  first->tries = 0;
  first->next_try = step.now();
  BITS_RETURN_IF_ERROR(step.txn().PutNotification(id, *first));
  step.Notify();
  return absl::OkStatus();
}

}  // namespace

absl::Status JobManager::ApplyUpdate(Call& call, const domain::Update& update) const {
  if (!update.notifications.has_value()) return ApplyHttpUpdate(call, update);
  const std::string before = call.job.notifications.webhook_uri;
  const domain::NotificationUpdate& notifications = *update.notifications;
  domain::Update whole = update;
  whole.notifications->webhook_volatile = notifications.webhook_secret.empty()
                                              ? call.job.notifications.webhook_volatile
                                              : parts_.vault->is_volatile();
  BITS_RETURN_IF_ERROR(ApplyHttpUpdate(call, whole));
  const domain::NotificationOptions& after = call.job.notifications;
  if (notifications.webhook_uri.has_value() || notifications.command.has_value()) {
    BITS_RETURN_IF_ERROR(domain::CheckPermissions(parts_.notifications, after));
  }
  if (!notifications.webhook_uri.has_value() || after.webhook_uri.empty()) return absl::OkStatus();
  BITS_RETURN_IF_ERROR(TryAnew(call.step, call.job.id));
  if (!notifications.webhook_secret.empty()) {
    return parts_.vault->SaveWebhookKey(call.step.txn(), call.job.id, notifications.webhook_secret);
  }
  if (after.webhook_uri == before) return absl::OkStatus();
  return InvalidField("job.notifications.webhook.secret", "is required with another uri");
}

absl::Status JobManager::ApplyHttpUpdate(Call& call, const domain::Update& update) const {
  const bool touches_secrets =
      update.http.has_value() &&
      (update.http->headers.has_value() || update.http->headers_write_only.has_value());
  if (!touches_secrets) return call.step.Apply(call.job, nullptr, update).status();
  const Job before = call.job;
  domain::HttpOptions options = before.http;
  domain::Apply(*update.http, options);
  domain::Update whole = update;
  whole.secrets_volatile = parts_.vault->is_volatile() &&
                           (!before.credentials.empty() || !options.secret_headers.empty());
  BITS_RETURN_IF_ERROR(call.step.Apply(call.job, nullptr, whole).status());
  BITS_ASSIGN_OR_RETURN(JobSecrets secrets, parts_.vault->Load(call.step.txn(), before.id));
  const auto* given = update.http->headers.has_value() ? &*update.http->headers : nullptr;
  secrets.headers = SecretHeadersAfter(before.http, call.job.http, given, secrets);
  return parts_.vault->Save(call.step.txn(), before.id, secrets);
}

namespace {

// Jobs of earlier versions do not have it recorded whether some file has ranges.
absl::Status LookForRanges(Transaction& txn, Job& job) {
  constexpr uint32_t kFilesAtOnce = 500;
  uint32_t after = 0;
  while (!job.has_ranges && after < job.progress.files_total) {
    BITS_ASSIGN_OR_RETURN(const std::vector<domain::File> files,
                          txn.ListFiles(job.id, after, kFilesAtOnce));
    if (files.empty()) break;
    after = files.back().ordinal;
    job.has_ranges = std::any_of(files.begin(), files.end(),
                                 [](const domain::File& file) { return !file.ranges.empty(); });
  }
  return absl::OkStatus();
}

}  // namespace

void JobManager::UpdateJob(const Principal& principal, const JobId& id, domain::Update update,
                           const CallOptions& options, JobCallback done) {
  if (update.http.has_value() && update.http->client_certificate.has_value()) {
    absl::Status known = CheckCertificate(*update.http->client_certificate);
    if (!known.ok()) return done(std::move(known));
  }
  Mutate<Job>(
      principal, id, options,
      [this, principal, update = std::move(update),
       limited = !principal.administrator](Call& call) -> absl::StatusOr<Job> {
        if (call.repeated) return call.job;
        if (update.proxy && *update.proxy != call.job.proxy) {
          BITS_RETURN_IF_ERROR(CheckMayRedirect(principal, call.job, "job.proxy_settings"));
        }
        if (update.http) {
          domain::HttpOptions after = call.job.http;
          domain::Apply(*update.http, after);
          if (after.tls != call.job.http.tls) {
            BITS_RETURN_IF_ERROR(CheckMayRedirect(principal, call.job, "job.http_options"));
          }
        }
        if (limited && update.maximum_download_time) {
          BITS_RETURN_IF_ERROR(domain::CheckMaximumDownloadTime(call.step.policy(),
                                                                *update.maximum_download_time));
        }
        if (update.dynamic_content == true && !call.job.options.dynamic_content) {
          BITS_RETURN_IF_ERROR(LookForRanges(call.step.txn(), call.job));
        }
        BITS_RETURN_IF_ERROR(ApplyUpdate(call, update));
        return call.job;
      },
      std::move(done));
}

void JobManager::SetCredentials(const Principal& principal, const JobId& id,
                                const Credentials& credentials, const CallOptions& options,
                                JobCallback done) {
  Mutate<Job>(
      principal, id, options,
      [principal, credentials, vault = parts_.vault](Call& call) -> absl::StatusOr<Job> {
        BITS_RETURN_IF_ERROR(CheckOwner(principal, call.job));
        if (call.repeated) return call.job;
        domain::Update update;
        update.credentials = call.job.credentials;
        std::erase(*update.credentials, credentials.slot);
        update.credentials->push_back(credentials.slot);
        std::sort(update.credentials->begin(), update.credentials->end());
        update.secrets_volatile = vault->is_volatile();
        BITS_RETURN_IF_ERROR(call.step.Apply(call.job, nullptr, update).status());
        BITS_ASSIGN_OR_RETURN(JobSecrets secrets, vault->Load(call.step.txn(), call.job.id));
        app::SetCredentials(credentials, secrets);
        BITS_RETURN_IF_ERROR(vault->Save(call.step.txn(), call.job.id, secrets));
        return call.job;
      },
      std::move(done));
}

void JobManager::RemoveCredentials(const Principal& principal, const JobId& id,
                                   domain::CredentialSlot slot, const CallOptions& options,
                                   Callback<RemovedCredentials> done) {
  Mutate<RemovedCredentials>(
      principal, id, options,
      [principal, slot, vault = parts_.vault](Call& call) -> absl::StatusOr<RemovedCredentials> {
        BITS_RETURN_IF_ERROR(CheckOwner(principal, call.job));
        if (call.repeated) return RemovedCredentials{call.job, call.record.file_count != 0};
        domain::Update update;
        update.credentials = call.job.credentials;
        const bool removed = std::erase(*update.credentials, slot) != 0;
        if (update.credentials->empty() && call.job.http.secret_headers.empty()) {
          update.secrets_volatile = false;
        }
        // Also where there are none: a final job refuses it all the same.
        BITS_RETURN_IF_ERROR(call.step.Apply(call.job, nullptr, update).status());
        BITS_ASSIGN_OR_RETURN(JobSecrets secrets, vault->Load(call.step.txn(), call.job.id));
        app::RemoveCredentials(slot, secrets);
        BITS_RETURN_IF_ERROR(vault->Save(call.step.txn(), call.job.id, secrets));
        call.record.file_count = removed ? 1 : 0;  // for its repetition
        return RemovedCredentials{call.job, removed};
      },
      std::move(done));
}

}  // namespace bits::app
