// The bytes of a file, for who shares no file system with bitsd.
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/job_call.h"
#include "server/app/job_manager.h"
#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::app {
namespace {

absl::Status NoContent(domain::Hresult hresult, const domain::JobId& id, uint32_t ordinal,
                       std::string_view why) {
  return MakeRefusal(absl::StatusCode::kFailedPrecondition, domain::SymbolOf(hresult),
                     absl::StrCat("File ", ordinal, " of job ", id, " ", Av(why)),
                     {{"job", id}, {"file", absl::StrCat(ordinal)}});
}

}  // namespace

absl::StatusOr<Content> JobManager::OpenContent(const Principal& principal,
                                                const domain::JobId& id, uint32_t ordinal) {
  BITS_ASSIGN_OR_RETURN(const domain::Job job, Find(principal, id));
  if (job.type != domain::JobType::kDownload) {
    return NoContent(domain::kNotImplemented, id, ordinal, "is no download's.");
  }
  BITS_ASSIGN_OR_RETURN(
      const domain::File file,
      OrNotFound(parts_.store->GetFile(id, ordinal), FileNotFound(id, ordinal)));
  if (!file.transferred) return NoContent(domain::kPending, id, ordinal, "is not all there yet.");
  absl::StatusOr<std::unique_ptr<LocalFile>> opened =
      parts_.files->OpenSource(file.completed ? file.path : file.temporary_path);
  if (absl::IsNotFound(opened.status()) && !file.completed) {
    opened = parts_.files->OpenSource(file.path);  // it may just have been given its name
  }
  absl::Status changed =
      NoContent(domain::kLocalFileChanged, id, ordinal, "is not what was fetched any more.");
  if (absl::IsNotFound(opened.status())) return changed;
  BITS_RETURN_IF_ERROR(opened.status());
  BITS_ASSIGN_OR_RETURN(const std::string identity, (*opened)->Identity());
  BITS_ASSIGN_OR_RETURN(const uint64_t size, (*opened)->Size());
  const bool same = file.temporary_identity.empty() || identity == file.temporary_identity;
  if (!same || size != file.bytes_transferred) return changed;
  std::string version = absl::StrCat(absl::Hex(std::hash<std::string>{}(file.temporary_identity)),
                                     "-", file.restarts, "-", size);
  return Content{*std::move(opened), size, std::move(version)};
}

}  // namespace bits::app
