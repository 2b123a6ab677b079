#include "server/app/finisher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::app {
namespace {

constexpr uint32_t kFilesPerPage = 256;

// What a caller of CompleteJob is told of a rename that failed.
absl::Status PublishRefusal(const absl::Status& status, const domain::File& file) {
  const domain::Hresult hresult = HresultOf(status);
  absl::StatusCode code = absl::StatusCode::kFailedPrecondition;
  if (hresult == domain::kAccessDenied) code = absl::StatusCode::kPermissionDenied;
  if (hresult == domain::kDiskFull) code = absl::StatusCode::kResourceExhausted;
  return MakeRefusal(
      code, domain::SymbolOf(hresult),
      absl::StrCat("File ", file.ordinal, " could not be given the name ", file.local_name, ": ",
                   Av(Sv(status.message())),
                   absl::IsDataLoss(status) ? ". Resume the job to fetch it again." : ""),
      {{"file", absl::StrCat(file.ordinal)}, {"local_name", file.local_name}});
}

}  // namespace

void Finisher::Begin(const domain::Job& job) {
  {
    MutexLock lock(mutex_);
    waiters_.try_emplace(job.id);
  }
  const domain::JobId id = job.id;
  const bool publish = job.pending == domain::Pending::kPublish;
  runner_->WhenIdle(id, [this, id, publish] {
    // An empty transaction: once it is done, all that the transfers reported is committed.
    writer_->Run([](Step&) { return absl::OkStatus(); },
                 [this, id, publish](absl::Status status) {
                   if (status.ok()) {
                     status = executor_->TryPost(
                         [this, id, publish] { publish ? Publish(id) : Cleanup(id); });
                   }
                   if (!status.ok()) Postpone(id, status);
                 });
  });
}

void Finisher::Wait(const domain::Job& job, Callback done) {
  if (job.pending == domain::Pending::kNone) return done(job);
  {
    MutexLock lock(mutex_);
    if (auto it = waiters_.find(job.id); it != waiters_.end()) {
      it->second.push_back(std::move(done));
      return;
    }
  }
  done(MakeRefusal(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                   "The files are seen to once the store is in order again.", {{"job", job.id}}));
}

absl::Status Finisher::ForEachPage(
    const domain::JobId& id,
    const std::function<absl::Status(const std::vector<domain::File>&)>& visit) {
  uint32_t after = 0;
  while (true) {
    BITS_ASSIGN_OR_RETURN(const std::vector<domain::File> page,
                          store_->ListFiles(id, after, kFilesPerPage));
    BITS_RETURN_IF_ERROR(visit(page));
    if (page.size() < kFilesPerPage) return absl::OkStatus();
    after = page.back().ordinal;
  }
}

absl::Status Finisher::Record(const domain::JobId& id, std::vector<uint32_t> ordinals,
                              domain::Event outcome) {
  if (ordinals.empty()) return absl::OkStatus();
  struct Wait {
    Mutex mutex;
    CondVar cv;
    std::optional<absl::Status> status;
  };
  auto wait = std::make_shared<Wait>();
  writer_->Run(
      [id, ordinals = std::move(ordinals), outcome = std::move(outcome)](Step& step) {
        BITS_ASSIGN_OR_RETURN(domain::Job job, step.txn().GetJob(id));
        for (uint32_t ordinal : ordinals) {
          BITS_ASSIGN_OR_RETURN(const domain::File file, step.txn().GetFile(id, ordinal));
          BITS_RETURN_IF_ERROR(step.Apply(job, &file, outcome).status());
        }
        return absl::OkStatus();
      },
      [wait](absl::Status status) {
        MutexLock lock(wait->mutex);
        wait->status = std::move(status);
        wait->cv.SignalAll();
      });
  MutexLock lock(wait->mutex);
  wait->cv.Wait(wait->mutex, [&] {
    wait->mutex.AssertHeld();
    return wait->status.has_value();
  });
  return *wait->status;
}

absl::Status Finisher::PublishPage(const domain::JobId& id, const std::vector<domain::File>& page,
                                   Trouble& trouble) {
  std::vector<const domain::File*> files;
  std::vector<Publication> publications;
  for (const domain::File& file : page) {
    if (!file.transferred || file.completed) continue;
    files.push_back(&file);
    publications.push_back({file.temporary_path, file.path, file.bytes_transferred,
                            file.temporary_identity, file.last_modified});
  }
  size_t done = 0;
  const absl::Status status = files_->Publish(publications, &done);
  std::vector<uint32_t> published;
  for (size_t i = 0; i < done; ++i) published.push_back(files[i]->ordinal);
  BITS_RETURN_IF_ERROR(Record(id, std::move(published), domain::FilePublished{}));
  if (status.ok()) return absl::OkStatus();
  // Where it was a sync that failed, it was of this file or of one of those after it.
  const domain::File& file = *files[std::min(done, files.size() - 1)];
  trouble.file = file.ordinal;
  trouble.failure.hresult = HresultOf(status);
  trouble.failure.context = domain::ErrorContext::kLocalFile;
  trouble.failure.detail = absl::StrCat("completing the job: ", status.message());
  if (absl::IsDataLoss(status)) {
    BITS_RETURN_IF_ERROR(Record(id, {file.ordinal}, domain::FileLost{}));
  }
  return PublishRefusal(status, file);
}

absl::StatusOr<bool> Finisher::RemoveTemporaries(const domain::JobId& id) {
  bool left = false;
  BITS_RETURN_IF_ERROR(ForEachPage(id, [&](const std::vector<domain::File>& page) {
    for (const domain::File& file : page) {
      if (file.completed || domain::IsWrittenInPlace(file)) continue;
      const absl::Status status = files_->Remove(file.temporary_path);
      if (status.ok()) continue;
      left = true;
      BITS_LOG(kWarning, "a temporary file could not be deleted",
               {{"job", id}, {"file", file.ordinal}, {"status", status}});
    }
    return absl::OkStatus();
  }));
  return left;
}

void Finisher::Publish(const domain::JobId& id) {
  Trouble trouble;
  absl::Status status = ForEachPage(id, [&](const std::vector<domain::File>& page) {
    return PublishPage(id, page, trouble);
  });
  if (absl::IsUnavailable(status)) return Postpone(id, status);  // the store's
  if (!status.ok()) {
    const domain::PublishFailed outcome{trouble.failure};
    return Report(id, trouble.file, outcome, std::move(status));
  }
  absl::StatusOr<bool> left = RemoveTemporaries(id);
  if (!left.ok()) return Postpone(id, left.status());
  Report(id, 0, domain::Published{*left}, absl::OkStatus());
}

void Finisher::Cleanup(const domain::JobId& id) {
  absl::StatusOr<bool> left = RemoveTemporaries(id);
  if (!left.ok()) return Postpone(id, left.status());
  Report(id, 0, domain::CleanedUp{*left}, absl::OkStatus());
}

void Finisher::Report(const domain::JobId& id, uint32_t file, domain::Event outcome,
                      absl::Status failure) {
  writer_->Apply(id, file, std::move(outcome), nullptr,
                 [this, id, failure = std::move(failure)](const absl::StatusOr<domain::Job>& job) {
                   if (!job.ok()) return Postpone(id, job.status());
                   if (!failure.ok()) return Tell(id, failure);
                   Tell(id, job);
                 });
}

void Finisher::Postpone(const domain::JobId& id, const absl::Status& why) {
  BITS_LOG(kWarning, "publishing or deleting files is put off", {{"job", id}, {"status", why}});
  {
    MutexLock lock(mutex_);
    postponed_.insert(id);
  }
  Tell(id, why);
}

void Finisher::RecoverFromOutage() {
  std::unordered_set<domain::JobId> postponed;
  {
    MutexLock lock(mutex_);
    postponed.swap(postponed_);
  }
  for (const domain::JobId& id : postponed) {
    auto job = std::make_shared<domain::Job>();
    writer_->Run(
        [id, job](Step& step) {
          BITS_ASSIGN_OR_RETURN(*job, step.txn().GetJob(id));
          return absl::OkStatus();
        },
        [this, id, job](const absl::Status& status) {
          if (absl::IsNotFound(status)) return;
          if (!status.ok()) return Postpone(id, status);
          if (job->pending != domain::Pending::kNone) Begin(*job);
        });
  }
}

void Finisher::Tell(const domain::JobId& id, const absl::StatusOr<domain::Job>& result) {
  std::vector<Callback> waiters;
  {
    MutexLock lock(mutex_);
    auto it = waiters_.find(id);
    if (it == waiters_.end()) return;
    waiters = std::move(it->second);
    waiters_.erase(it);
  }
  for (const Callback& waiter : waiters) waiter(result);
}

}  // namespace bits::app
