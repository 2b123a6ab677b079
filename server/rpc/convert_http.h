// The parts of bits.v1's messages that say how a job goes over HTTP. Pure; any thread.
#ifndef BITS_SERVER_RPC_CONVERT_HTTP_H_
#define BITS_SERVER_RPC_CONVERT_HTTP_H_

#include <string_view>

#include "bits/v1/file.pb.h"
#include "bits/v1/job.pb.h"
#include "server/domain/job.h"

namespace bits::rpc {

// http_options, proxy_settings and secrets.
void FillHttp(const domain::Job& job, v1::Job* to);
// For events: without the values of headers, the query of the webhook and the arguments of the command.
void HideFromEvents(v1::Job* job);
// `lines`: as in domain::File.
void FillResponseHeaders(std::string_view lines, v1::File* to);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_CONVERT_HTTP_H_
