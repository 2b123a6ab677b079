// What a turn needs of the store.
#include <utility>

#include "server/app/transfer_runner.h"
#include "server/app/transfer_section.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::File;
using domain::Job;
using domain::JobId;

namespace {

constexpr uint32_t kFilesPerLoad = 64;

}  // namespace

void TransferRunner::Load(const JobId& id, Turn& turn) {
  ++turn.loads;
  auto loaded = std::make_shared<Loaded>();
  const bool first = turn.request == nullptr;
  deferred_.emplace_back([this, id, loaded, first, after = turn.cursor] {
    writer_->Run(
        [this, id, loaded, first, after](Step& step) {
          BITS_ASSIGN_OR_RETURN(loaded->files,
                                step.txn().ListUntransferredFiles(id, after, kFilesPerLoad));
          if (!first) return absl::OkStatus();
          // As the job is now, not as it was when its turn came.
          BITS_ASSIGN_OR_RETURN(const Job job, step.txn().GetJob(id));
          RequestOptions request{job.http, job.proxy, {}};
          if (domain::HasSecrets(job)) {
            BITS_ASSIGN_OR_RETURN(request.secrets, vault_->Load(step.txn(), id));
          }
          loaded->missing = MissingSecrets(job, request.secrets);
          loaded->request = std::make_shared<const RequestOptions>(std::move(request));
          return absl::OkStatus();
        },
        [this, id, loaded](const absl::Status& status) {
          const bool last = loaded->files.size() < kFilesPerLoad;
          OnLoaded(id, status, std::move(*loaded), false, last);
        });
  });
}

void TransferRunner::Reload(const JobId& id, uint32_t ordinal, Turn& turn) {
  ++turn.loads;
  auto loaded = std::make_shared<Loaded>();
  deferred_.emplace_back([this, id, loaded, ordinal] {
    writer_->Run(
        [id, loaded, ordinal](Step& step) {
          loaded->files.clear();
          BITS_ASSIGN_OR_RETURN(File file, step.txn().GetFile(id, ordinal));
          if (!file.transferred) loaded->files.push_back(std::move(file));
          return absl::OkStatus();
        },
        [this, id, loaded](const absl::Status& status) {
          OnLoaded(id, status, std::move(*loaded), true, false);
        });
  });
}

void TransferRunner::TurnToSource(const JobId& id, uint32_t ordinal, const Source& source,
                                  const domain::Failure& failure) {
  auto loaded = std::make_shared<Loaded>();
  auto goes_on = std::make_shared<bool>();
  writer_->Run(
      [id, ordinal, source, failure, loaded, goes_on](Step& step) -> absl::Status {
        loaded->files.clear();
        *goes_on = false;
        BITS_ASSIGN_OR_RETURN(const Job job, step.txn().GetJob(id));
        if (job.attempt_count != source.attempt) return absl::OkStatus();
        BITS_RETURN_IF_ERROR(ApplyOfSource(step, id, ordinal, source, failure.final_name,
                                           domain::Fail{failure, source.number}));
        BITS_ASSIGN_OR_RETURN(const Job after, step.txn().GetJob(id));
        *goes_on = domain::IsActive(after.state);
        BITS_ASSIGN_OR_RETURN(File file, step.txn().GetFile(id, ordinal));
        if (*goes_on && !file.transferred) loaded->files.push_back(std::move(file));
        return absl::OkStatus();
      },
      [this, id, ordinal, loaded, goes_on, code = failure.hresult](const absl::Status& status) {
        if (!loaded->files.empty()) {
          BITS_LOG(kInfo, "a file turns to another source",
                   {{"job", id},
                    {"file", ordinal},
                    {"mirror", loaded->files.front().mirrors.source},
                    {"code", domain::SymbolOf(code)}});
        }
        const bool over = status.ok() && !*goes_on;
        if (over) StopFiles(id);
        OnLoaded(id, status, std::move(*loaded), true, false);
      });
}

void TransferRunner::FailTurn(const JobId& id, Turn& turn, domain::Failure failure) {
  turn.ending = true;  // nothing more is started; what runs stops by the commit
  deferred_.emplace_back([this, id, attempt = turn.job.attempt_count,
                          failure = std::move(failure)] {
    writer_->Run(
        [id, attempt, failure](Step& step) {
          BITS_ASSIGN_OR_RETURN(Job job, step.txn().GetJob(id));
          if (job.attempt_count != attempt) return absl::OkStatus();
          return step.Apply(job, nullptr, domain::Fail{failure}).status();
        },
        [this, id](const absl::Status& status) {
          if (!status.ok()) return Lose(id);
          StopFiles(id);
        });
  });
}

void TransferRunner::OnLoaded(const JobId& id, const absl::Status& status, Loaded loaded,
                              bool single, bool last) {
  const Section section(*this);
  auto it = turns_.find(id);
  if (it == turns_.end()) return;
  Turn& turn = it->second;
  --turn.loads;
  if (!status.ok()) {
    lost_.insert(id);
    StopAll(turn);
  } else if (!loaded.missing.empty() && !turn.ending) {
    domain::Failure failure;
    failure.hresult = domain::kInvalidCredentials;
    failure.context = domain::ErrorContext::kGeneralQueueManager;
    failure.detail =
        "bitsd has no key (any more) that opens them, so they are to be set again: " +
        loaded.missing;
    FailTurn(id, turn, std::move(failure));
  } else if (!turn.ending) {
    if (loaded.request != nullptr) turn.request = std::move(loaded.request);
    std::vector<File>& files = loaded.files;
    if (single) {
      turn.ready.insert(turn.ready.begin(), files.begin(), files.end());
    } else {
      if (!files.empty()) turn.cursor = files.back().ordinal;
      turn.exhausted = last;
      for (File& file : files) turn.ready.push_back(std::move(file));
    }
    Pump(id, turn);
  }
  EndIfOver(id);
}

}  // namespace bits::app
