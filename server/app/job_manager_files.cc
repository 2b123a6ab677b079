// The calls that change files of a job.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/app/job_call.h"
#include "server/app/job_manager.h"
#include "server/base/error_info.h"

namespace bits::app {

using domain::File;
using domain::JobId;

void JobManager::UpdateFile(const Principal& principal, const JobId& id, uint32_t ordinal,
                            FileUpdate update, const CallOptions& options, Callback<File> done) {
  Mutate<File>(
      principal, id, options,
      [principal, ordinal, update = std::move(update)](Call& call) -> absl::StatusOr<File> {
        BITS_ASSIGN_OR_RETURN(File file,
                              OrNotFound(call.step.txn().GetFile(call.job.id, ordinal),
                                         FileNotFound(call.job.id, ordinal)));
        if (call.repeated) return file;
        const auto apply = [&](const domain::Event& event) -> absl::Status {
          BITS_ASSIGN_OR_RETURN(domain::Decision decision,
                                call.step.Apply(call.job, &file, event));
          if (!decision.files.empty()) file = std::move(decision.files.front());
          return absl::OkStatus();
        };
        if (update.remote_name) {
          BITS_RETURN_IF_ERROR(CheckMayRedirect(principal, call.job, "file.remote_name"));
          BITS_RETURN_IF_ERROR(apply(domain::SetRemoteName{*update.remote_name}));
        }
        if (update.valid) {
          BITS_RETURN_IF_ERROR(apply(domain::SetValidationState{*update.valid}));
        }
        return file;
      },
      std::move(done));
}

namespace {

// The files that the change is of, with their new names.
absl::StatusOr<std::vector<File>> Renamed(Transaction& txn, const JobId& id,
                                          const PrefixChange& change) {
  constexpr uint32_t kFilesAtOnce = 500;
  std::vector<File> renamed;
  uint32_t after = 0;
  while (true) {
    BITS_ASSIGN_OR_RETURN(std::vector<File> files,
                          txn.ListUntransferredFiles(id, after, kFilesAtOnce));
    for (File& file : files) {
      after = file.ordinal;
      if (!file.remote_name.starts_with(change.old_prefix)) continue;
      file.remote_name.replace(0, change.old_prefix.size(), change.new_prefix);
      if (const auto fault = change.fault(file.remote_name)) {
        return InvalidField("new_prefix", absl::StrCat("the remote name of file ", file.ordinal,
                                                       " would be none: it ", *fault));
      }
      if (renamed.size() == kFilesPerPrefixChange) {
        return InvalidField("old_prefix",
                            absl::StrCat("begins the remote names of more than ",
                                         kFilesPerPrefixChange, " files: use longer ones in turn"));
      }
      renamed.push_back(std::move(file));
    }
    if (files.size() < kFilesAtOnce) return renamed;
  }
}

}  // namespace

void JobManager::ReplaceRemotePrefix(const Principal& principal, const JobId& id,
                                     PrefixChange change, const CallOptions& options,
                                     Callback<PrefixOutcome> done) {
  Mutate<PrefixOutcome>(
      principal, id, options,
      [principal, change = std::move(change)](Call& call) -> absl::StatusOr<PrefixOutcome> {
        if (call.repeated) return PrefixOutcome{call.job, call.record.file_count};
        BITS_RETURN_IF_ERROR(CheckMayRedirect(principal, call.job, "new_prefix"));
        // Refused where the job is final or being published, also if no file is concerned.
        BITS_RETURN_IF_ERROR(
            domain::Decide(call.job, nullptr, domain::SetRemoteName{}, call.step.now()).status());
        // All names are known to be good before anything is written.
        BITS_ASSIGN_OR_RETURN(std::vector<File> files,
                              Renamed(call.step.txn(), call.job.id, change));
        call.record.file_count = static_cast<uint32_t>(files.size());
        if (!files.empty()) {
          BITS_RETURN_IF_ERROR(
              call.step.Apply(call.job, nullptr, domain::SetRemoteName{"", std::move(files)})
                  .status());
        }
        return PrefixOutcome{call.job, call.record.file_count};
      },
      std::move(done));
}

}  // namespace bits::app
