#include "server/rpc/byte_stream_service.h"

#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/rpc/names.h"

namespace bits::rpc {

grpc::ServerWriteReactor<google::bytestream::ReadResponse>* ByteStreamService::Read(
    grpc::CallbackServerContext* context, const google::bytestream::ReadRequest* request) {
  env_.gate->Enter();
  ++readers_;
  const std::shared_ptr<ContentReader> reader = ContentReader::Make(content_env_, context, [this] {
    --readers_;
    env_.gate->Leave();
  });
  const absl::Status begun = Begin(*context, *request, *reader);
  if (!begun.ok()) reader->Refuse(begun);
  return reader.get();
}

absl::Status ByteStreamService::Begin(const grpc::CallbackServerContext& context,
                                      const google::bytestream::ReadRequest& request,
                                      ContentReader& reader) {
  BITS_RETURN_IF_ERROR(env_.gate->Admit());
  BITS_ASSIGN_OR_RETURN(const app::Principal principal, env_.authenticator->Authenticate(context));
  BITS_ASSIGN_OR_RETURN(const FileId file, ParseFileName(request.resource_name(), "resource_name"));
  if (request.read_offset() < 0) return InvalidField("read_offset", "must not be negative");
  if (request.read_limit() < 0) return InvalidField("read_limit", "must not be negative");
  if (readers_ > content_env_.options.max_readers) {
    return MakeRefusal(absl::StatusCode::kResourceExhausted, "TOO_MANY_READERS",
                       "as many files are being read as may be at once");
  }
  ContentReader::Part part;
  part.offset = static_cast<uint64_t>(request.read_offset());
  if (request.read_limit() > 0) part.limit = static_cast<uint64_t>(request.read_limit());
  reader.Start([jobs = jobs_, principal, file] {
    return jobs->OpenContent(principal, file.job, file.ordinal);
  }, part);
  return absl::OkStatus();
}

}  // namespace bits::rpc
