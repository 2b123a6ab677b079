#include "server/app/job_call.h"

#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::Job;
using domain::JobId;

namespace {

absl::Status JobNotFound(const JobId& id) {
  return MakeRefusal(absl::StatusCode::kNotFound, domain::SymbolOf(domain::kNotFound),
                     absl::StrCat("There is no job ", id, "."), {{"job", id}});
}

}  // namespace

absl::Status FileNotFound(const JobId& id, uint32_t file) {
  return MakeRefusal(absl::StatusCode::kNotFound, domain::SymbolOf(domain::kFileNotFound),
                     absl::StrCat("Job ", id, " has no file ", file, "."),
                     {{"job", id}, {"file", absl::StrCat(file)}});
}

absl::StatusOr<Job> IfAllowed(const Principal& principal, const JobId& id,
                              absl::StatusOr<Job> found) {
  if (!found.ok() && !absl::IsNotFound(found.status())) return found;
  if (principal.administrator) {
    if (!found.ok()) return JobNotFound(id);
    return found;
  }
  if (found.ok() && found->owner == principal.name) return found;
  return MakeRefusal(absl::StatusCode::kPermissionDenied,
                     domain::SymbolOf(domain::kAccessDenied),
                     absl::StrCat("There is no job ", id, " of yours."), {{"job", id}});
}

absl::Status CheckMayRedirect(const Principal& principal, const Job& job,
                              std::string_view field) {
  const bool has_secrets =
      domain::HasSecrets(job) || !job.http.tls.client_certificate.empty();
  if (principal.name == job.owner || !has_secrets) return absl::OkStatus();
  return MakeRefusal(absl::StatusCode::kPermissionDenied, domain::SymbolOf(domain::kAccessDenied),
                     absl::StrCat(Av(field), ": only its owner decides to whom a job shows its secrets; "
                                  "TakeOwnership first."),
                     {{"job", job.id}, {"field", std::string(field)}});
}

absl::Status CheckRevision(const CallOptions& options, const Job& job) {
  if (!options.revision.has_value() || *options.revision == job.revision) {
    return absl::OkStatus();
  }
  return MakeRefusal(absl::StatusCode::kAborted, "ETAG_MISMATCH",
                     "The job has changed since the etag was given: read it again.",
                     {{"job", job.id}});
}

absl::Status TooMuchUnderWay() {
  return MakeRefusal(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS",
                     "Too many changes are under way: come again in a moment.");
}

absl::StatusOr<std::optional<RequestRecord>> FindRepeated(Step& step, const Principal& principal,
                                                          const CallOptions& options) {
  if (options.request_id.empty()) return std::nullopt;
  using Found = std::optional<RequestRecord>;
  BITS_ASSIGN_OR_RETURN(Found found,
                        step.txn().FindRequest(principal.name, options.request_id,
                                               step.now() - kRequestRetention));
  if (found.has_value() && found->fingerprint != options.fingerprint) {
    return InvalidField("request_id", "was used for another request in the last 24 hours",
                        "REQUEST_ID_REUSED");
  }
  return found;
}

RequestRecord NewRecord(const Step& step, const Principal& principal, const CallOptions& options,
                        const JobId& id) {
  RequestRecord record;
  record.principal = principal.name;
  record.request_id = options.request_id;
  record.fingerprint = options.fingerprint;
  record.job = id;
  record.time = step.now();
  return record;
}

}  // namespace bits::app
