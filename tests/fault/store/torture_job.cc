#include "tests/fault/store/torture_job.h"

#include <cinttypes>
#include <cstdio>
#include <random>
#include <vector>

#include "server/base/status_macros.h"

namespace bits::testing {
namespace {

constexpr uint32_t kMostFiles = 3;
constexpr uint32_t kErrorCode = 0x80190194;

std::string Uuid(std::initializer_list<uint64_t> from) {
  std::vector<uint32_t> words;
  for (const uint64_t word : from) {
    words.push_back(static_cast<uint32_t>(word));
    words.push_back(static_cast<uint32_t>(word >> 32));
  }
  std::seed_seq sequence(words.begin(), words.end());
  std::mt19937_64 random(sequence);
  const uint64_t high = random();
  const uint64_t low = random();
  char text[37];
  std::snprintf(text, sizeof(text),
                "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-8%03" PRIx64 "-%012" PRIx64, high >> 32,
                (high >> 16) & 0xffff, high & 0xfff, low >> 52, low & 0xffffffffffff);
  return text;
}

domain::File FileOf(const domain::Job& job, uint32_t ordinal) {
  domain::File file;
  file.ordinal = ordinal;
  file.remote_name = "http://origin/" + job.id + "/" + std::to_string(ordinal);
  file.local_name = job.id + "." + std::to_string(ordinal);
  file.path = "/srv/" + file.local_name;
  file.temporary_path = file.path + ".part";
  file.transferred = ordinal == 1 && job.state == domain::JobState::kSuspended;
  return file;
}

absl::Status Append(app::Transaction& transaction, domain::ChangeKind kind, domain::Job& job) {
  app::EventRecord event;
  event.kind = kind;
  event.job = job;
  BITS_RETURN_IF_ERROR(transaction.AppendEvent(event));
  job.revision = event.revision;
  return absl::OkStatus();
}

}  // namespace

std::string TortureRequestId(const TortureRequest& request) {
  return Uuid({request.seed, request.writer, request.number});
}

domain::JobId TortureJobId(const TortureRequest& request, uint32_t round) {
  return Uuid({request.seed, request.writer, request.number, round + 1});
}

std::optional<TortureRequest> RequestOf(const domain::Job& job) {
  const auto number = [&job](const char* key) -> std::optional<uint64_t> {
    const auto it = job.labels.find(key);
    if (it == job.labels.end()) return std::nullopt;
    return std::strtoull(it->second.c_str(), nullptr, 10);
  };
  const auto seed = number("seed");
  const auto writer = number("writer");
  const auto count = number("number");
  if (!seed || !writer || !count) return std::nullopt;
  return TortureRequest{*seed, static_cast<uint32_t>(*writer), static_cast<uint32_t>(*count)};
}

absl::StatusOr<domain::Job> CreateTortureJob(app::Transaction& transaction,
                                             const TortureRequest& request,
                                             const domain::JobId& id) {
  const std::string request_id = TortureRequestId(request);
  BITS_ASSIGN_OR_RETURN(
      const std::optional<app::RequestRecord> before,
      transaction.FindRequest(kTorturePrincipal, request_id, absl::InfinitePast()));
  if (before.has_value()) return transaction.GetJob(before->job);
  domain::Job job;
  job.id = id;
  job.owner = kTorturePrincipal;
  job.state = domain::JobState::kQueued;
  job.labels = {{"seed", std::to_string(request.seed)},
                {"writer", std::to_string(request.writer)},
                {"number", std::to_string(request.number)}};
  job.progress.files_total = 1 + request.number % kMostFiles;
  BITS_RETURN_IF_ERROR(Append(transaction, domain::ChangeKind::kCreated, job));
  BITS_RETURN_IF_ERROR(transaction.InsertJob(job, absl::UnixEpoch()));
  for (uint32_t ordinal = 1; ordinal <= job.progress.files_total; ++ordinal) {
    const domain::File file = FileOf(job, ordinal);
    BITS_RETURN_IF_ERROR(transaction.PutFile(id, file));
    BITS_RETURN_IF_ERROR(transaction.ReserveDestination(file.path, id));
  }
  app::RequestRecord record;
  record.principal = kTorturePrincipal;
  record.request_id = request_id;
  record.job = id;
  BITS_RETURN_IF_ERROR(transaction.PutRequest(record));
  return job;
}

absl::Status ChangeTortureJob(app::Transaction& transaction, const domain::JobId& id) {
  BITS_ASSIGN_OR_RETURN(domain::Job job, transaction.GetJob(id));
  job.state = domain::JobState::kSuspended;
  BITS_RETURN_IF_ERROR(Append(transaction, domain::ChangeKind::kStateChanged, job));
  BITS_RETURN_IF_ERROR(transaction.UpdateJob(job, absl::InfiniteFuture()));
  BITS_RETURN_IF_ERROR(transaction.PutFile(id, FileOf(job, 1)));
  domain::Error error;
  error.hresult = kErrorCode;
  return transaction.AddError(id, error);
}

absl::Status CheckTortureJob(app::JobStore& store, const domain::Job& job) {
  const auto amiss = [&job](const std::string& what) {
    return absl::DataLossError("job " + job.id + " of version " + std::to_string(job.version) +
                               ": " + what);
  };
  const bool changed = job.state == domain::JobState::kSuspended;
  if (job.version != (changed ? 2u : 1u)) return amiss("its state is not its version's");
  const std::optional<TortureRequest> request = RequestOf(job);
  if (!request.has_value()) return amiss("it belongs to no request");
  const uint32_t files_total = 1 + request->number % kMostFiles;
  BITS_ASSIGN_OR_RETURN(const std::vector<domain::File> files,
                        store.ListFiles(job.id, 0, kMostFiles + 1));
  if (files.size() != files_total)
    return amiss("it has " + std::to_string(files.size()) + " files");
  for (uint32_t ordinal = 1; ordinal <= files_total; ++ordinal) {
    if (files[ordinal - 1] != FileOf(job, ordinal)) return amiss("a file is not as it was put");
  }
  BITS_ASSIGN_OR_RETURN(const app::ErrorHistory history, store.ListErrors(job.id));
  if (history.total != (changed ? 1u : 0u)) return amiss("its errors are not its version's");
  return absl::OkStatus();
}

}  // namespace bits::testing
