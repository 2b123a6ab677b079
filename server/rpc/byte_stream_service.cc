#include "server/rpc/byte_stream_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/base/error_info.h"
#include "server/base/status_macros.h"

namespace bits::rpc {
namespace {

absl::Status TooManyReaders(std::string_view whose) {
  return MakeRefusal(absl::StatusCode::kResourceExhausted, "TOO_MANY_READERS",
                     std::string(whose) + " as may be at once are being read");
}

}  // namespace

grpc::ServerWriteReactor<google::bytestream::ReadResponse>* ByteStreamService::Read(
    grpc::CallbackServerContext* context, const google::bytestream::ReadRequest* request) {
  uint64_t id = 0;
  {
    MutexLock lock(mutex_);
    id = next_++;
  }
  const Reader reader = ContentReader::Make(content_env_, context, [this, id] { Forget(id); });
  absl::StatusOr<Reading> reading = Check(*context, *request);
  absl::Status status = reading.status();
  if (status.ok()) status = Enlist(id, reader, reading->principal.name);
  if (status.ok()) {
    reader->Start(
        [jobs = jobs_, principal = reading->principal, file = reading->file] {
          return jobs->OpenContent(principal, file.job, file.ordinal);
        },
        std::move(reading->part));
  } else {
    reader->Refuse(status);
  }
  return reader.get();
}

absl::StatusOr<ByteStreamService::Reading> ByteStreamService::Check(
    const grpc::CallbackServerContext& context,
    const google::bytestream::ReadRequest& request) const {
  Reading reading;
  BITS_RETURN_IF_ERROR(env_.gate->Admit());
  BITS_ASSIGN_OR_RETURN(reading.principal, env_.authenticator->Authenticate(context));
  BITS_ASSIGN_OR_RETURN(reading.file, ParseFileName(request.resource_name(), "resource_name"));
  if (request.read_offset() < 0) return InvalidField("read_offset", "must not be negative");
  if (request.read_limit() < 0) return InvalidField("read_limit", "must not be negative");
  reading.part.offset = static_cast<uint64_t>(request.read_offset());
  if (request.read_limit() > 0) reading.part.limit = static_cast<uint64_t>(request.read_limit());
  const auto& metadata = context.client_metadata();
  if (const auto version = metadata.find(kContentVersion); version != metadata.end()) {
    reading.part.version.assign(version->second.data(), version->second.size());
  }
  return reading;
}

absl::Status ByteStreamService::Enlist(uint64_t id, const Reader& reader,
                                       const std::string& principal) {
  MutexLock lock(mutex_);
  const auto same = std::count_if(readers_.begin(), readers_.end(), [&](const auto& other) {
    return other.second.principal == principal;
  });
  const ContentOptions& options = content_env_.options;
  if (readers_.size() >= options.max_readers) return TooManyReaders("as many files");
  if (static_cast<size_t>(same) >= options.max_readers_per_principal) {
    return TooManyReaders("as many files of one caller");
  }
  readers_.emplace(id, Entry{reader, principal});
  return absl::OkStatus();
}

void ByteStreamService::Forget(uint64_t id) {
  MutexLock lock(mutex_);
  readers_.erase(id);
  if (readers_.empty()) forgotten_.SignalAll();
}

bool ByteStreamService::WaitUntilEmpty(std::chrono::steady_clock::time_point until) {
  MutexLock lock(mutex_);
  return forgotten_.WaitUntil(mutex_, until, [this] {
    mutex_.AssertHeld();
    return readers_.empty();
  });
}

bool ByteStreamService::EndReaders(std::chrono::steady_clock::time_point patience,
                                   std::chrono::steady_clock::time_point deadline) {
  if (WaitUntilEmpty(std::min(patience, deadline))) return true;
  std::vector<Reader> left;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, entry] : readers_) {
      if (Reader reader = entry.reader.lock()) left.push_back(std::move(reader));
    }
  }
  for (const Reader& reader : left) reader->End(DrainingStatus());
  return WaitUntilEmpty(deadline);
}

}  // namespace bits::rpc
