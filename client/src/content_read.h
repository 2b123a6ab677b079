// ByteStream.Read, taken up again where it broke off.
#ifndef BITS_CLIENT_SRC_CONTENT_READ_H_
#define BITS_CLIENT_SRC_CONTENT_READ_H_

#include <absl/status/status.h>
#include <grpcpp/client_context.h>

#include <functional>
#include <memory>

#include "bits/connection.h"
#include "bits/options.h"
#include "client/src/retry.h"
#include "google/bytestream/bytestream.grpc.pb.h"

namespace bits::client_internal {

// `context` makes one for each try. What was given to `sink` is not asked for again; tries that brought
// something do not count as such.
absl::Status ReadContent(google::bytestream::ByteStream::StubInterface& stub,
                         const std::function<std::unique_ptr<grpc::ClientContext>()>& context,
                         const RetryOptions& retry, const RetryClock& clock,
                         google::bytestream::ReadRequest request, const ContentSink& sink);

}  // namespace bits::client_internal

#endif  // BITS_CLIENT_SRC_CONTENT_READ_H_
