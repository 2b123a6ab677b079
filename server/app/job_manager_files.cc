// The calls that change files of a job.
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/job_call.h"
#include "server/app/job_manager.h"
#include "server/base/error_info.h"

namespace bits::app {

using domain::File;
using domain::Job;
using domain::JobId;

void JobManager::UpdateFile(const Principal& principal, const JobId& id, uint32_t ordinal,
                            FileUpdate update, const CallOptions& options, Callback<File> done) {
  Mutate<File>(
      principal, id, options,
      [ordinal, update = std::move(update)](Call& call) -> absl::StatusOr<File> {
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
          BITS_RETURN_IF_ERROR(apply(domain::SetRemoteName{*update.remote_name}));
        }
        if (update.valid) {
          BITS_RETURN_IF_ERROR(apply(domain::SetValidationState{*update.valid}));
        }
        return file;
      },
      std::move(done));
}

void JobManager::ReplaceRemotePrefix(const Principal& principal, const JobId& id,
                                     PrefixChange change, const CallOptions& options,
                                     Callback<PrefixOutcome> done) {
  constexpr uint32_t kFilesAtOnce = 500;
  Mutate<PrefixOutcome>(
      principal, id, options,
      [change = std::move(change)](Call& call) -> absl::StatusOr<PrefixOutcome> {
        if (call.repeated) return PrefixOutcome{call.job, call.record.file_count};
        // Refused where the job is final or being published, also if no file is concerned.
        BITS_RETURN_IF_ERROR(
            domain::Decide(call.job, nullptr, domain::SetRemoteName{}, call.step.now()).status());
        uint32_t changed = 0;
        uint32_t after = 0;
        while (true) {
          BITS_ASSIGN_OR_RETURN(
              std::vector<File> files,
              call.step.txn().ListUntransferredFiles(call.job.id, after, kFilesAtOnce));
          const bool last = files.size() < kFilesAtOnce;
          if (!files.empty()) after = files.back().ordinal;
          std::erase_if(files, [&](const File& file) {
            return !file.remote_name.starts_with(change.old_prefix);
          });
          for (File& file : files) {
            file.remote_name.replace(0, change.old_prefix.size(), change.new_prefix);
            if (const auto fault = change.fault(file.remote_name)) {
              return InvalidField("new_prefix",
                                  absl::StrCat("the remote name of file ", file.ordinal,
                                               " would be none: it ", *fault));
            }
          }
          changed += static_cast<uint32_t>(files.size());
          if (!files.empty()) {
            BITS_RETURN_IF_ERROR(
                call.step.Apply(call.job, nullptr, domain::SetRemoteName{"", std::move(files)})
                    .status());
          }
          if (last) break;
        }
        call.record.file_count = changed;
        return PrefixOutcome{call.job, changed};
      },
      std::move(done));
}

}  // namespace bits::app
