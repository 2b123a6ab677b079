#ifndef BITS_CLIENT_CLI_JSON_H_
#define BITS_CLIENT_CLI_JSON_H_

#include <absl/status/status.h>
#include <google/protobuf/message.h>

#include <string>

namespace bits::cli {

// protobuf's JSON on one line, with numbers, texts and lists that are zero or
// empty written out; what has presence (bytesTotal) only where it is set.
std::string ToJson(const google::protobuf::Message& message);

// google.rpc.Status: {"code":9,"message":"...","details":[{"@type":...}]}.
std::string StatusToJson(const absl::Status& status);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_JSON_H_
