#include "client/cli/json.h"

#include <absl/strings/cord.h>
#include <google/protobuf/util/json_util.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace bits::cli {

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  // Only an Any of a type that is not linked in can fail; see StatusToJson.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "{}";
  return json;
}

std::string StatusToJson(const absl::Status& status) {
  google::rpc::Status proto;
  proto.set_code(status.raw_code());
  proto.set_message(std::string(status.message()));
  status.ForEachPayload([&proto](absl::string_view type_url, const absl::Cord& value) {
    // What this program has no type for could not be written as JSON.
    const std::string url(type_url);
    const std::string type = url.substr(url.rfind('/') + 1);
    if (google::rpc::ErrorInfo::descriptor()->file()->pool()->FindMessageTypeByName(type) ==
        nullptr) {
      return;
    }
    auto* detail = proto.add_details();
    detail->set_type_url(url);
    detail->set_value(std::string(value));
  });
  return ToJson(proto);
}

}  // namespace bits::cli
