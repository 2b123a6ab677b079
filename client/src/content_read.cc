#include "client/src/content_read.h"

#include <string>

#include "client/src/status_convert.h"

namespace bits::client_internal {
namespace {

using google::bytestream::ReadRequest;
using google::bytestream::ReadResponse;

constexpr char kContentVersion[] = "bits-content-version";  // bytestream.proto

// One try: asks from request.read_offset on, and moves that along.
struct Tried {
  absl::Status status;
  bool over = false;      // it is the answer
  bool brought = false;   // something
};

// The server refuses what is of another version than what came before.
Tried TryOnce(google::bytestream::ByteStream::StubInterface& stub, grpc::ClientContext& context,
              std::string& version, ReadRequest& request, const ContentSink& sink) {
  Tried tried;
  if (!version.empty()) context.AddMetadata(kContentVersion, version);
  const auto reader = stub.Read(&context, request);
  ReadResponse response;
  while (reader->Read(&response)) {
    if (version.empty()) {
      const auto& metadata = context.GetServerInitialMetadata();
      const auto found = metadata.find(kContentVersion);
      if (found != metadata.end()) version.assign(found->second.data(), found->second.size());
    }
    const std::string& data = response.data();
    tried.status = sink(data);
    if (!tried.status.ok()) {
      context.TryCancel();
      (void)reader->Finish();
      tried.over = true;
      return tried;
    }
    const auto size = static_cast<std::int64_t>(data.size());
    tried.brought = tried.brought || size > 0;
    request.set_read_offset(request.read_offset() + size);
    if (request.read_limit() == 0) continue;
    request.set_read_limit(request.read_limit() - size);
    // 0 would ask for all that follows.
    tried.over = request.read_limit() <= 0;
  }
  tried.status = ToAbslStatus(reader->Finish());
  if (tried.over) tried.status = absl::OkStatus();
  tried.over = tried.over || !absl::IsUnavailable(tried.status);
  return tried;
}

}  // namespace

absl::Status ReadContent(google::bytestream::ByteStream::StubInterface& stub,
                         const std::function<std::unique_ptr<grpc::ClientContext>()>& context,
                         const RetryOptions& retry, const RetryClock& clock, ReadRequest request,
                         const ContentSink& sink) {
  Backoff backoff(retry, clock.uniform);
  TimePoint since = clock.now();
  std::string version;
  while (true) {
    const Tried tried = TryOnce(stub, *context(), version, request, sink);
    if (tried.over) return tried.status;
    if (tried.brought) {
      backoff.Reset();
      since = clock.now();
    }
    const Milliseconds wait = backoff.Next(tried.status);
    if (clock.now() + wait > since + retry.max_elapsed) return tried.status;
    clock.sleep(wait);
  }
}

}  // namespace bits::client_internal
