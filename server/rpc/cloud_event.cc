#include "server/rpc/cloud_event.h"

#include <google/protobuf/util/json_util.h>

#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bits/v1/event.pb.h"
#include "server/base/strings.h"
#include "server/rpc/convert.h"
#include "server/rpc/names.h"

namespace bits::rpc {
namespace {

std::string_view TypeOf(domain::NotifyFlag flag) {
  switch (flag) {
    case domain::NotifyFlag::kJobTransferred:
      return "bits.v1.job.transferred";
    case domain::NotifyFlag::kJobError:
      return "bits.v1.job.error";
    case domain::NotifyFlag::kFileTransferred:
      return "bits.v1.file.transferred";
    case domain::NotifyFlag::kJobModification:
    case domain::NotifyFlag::kNone:
    case domain::NotifyFlag::kDisable:
      break;
  }
  return "bits.v1.job.modified";
}

}  // namespace

CloudEventFormat::CloudEventFormat(const std::string& host) : source_("//") {
  // Nothing that a URI or JSON would have escaped.
  for (const char c : host) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-') source_ += c;
  }
  source_ += "/bitsd";
}

std::string CloudEventFormat::Format(const std::string& id,
                                     const app::NotificationRecord& notification,
                                     const domain::Policy& policy) const {
  const app::EventRecord& event = notification.event;
  v1::JobEvent message;
  ToProto(event, policy, &message);
  std::string data;
  if (!google::protobuf::util::MessageToJsonString(message, &data).ok()) data = "{}";
  const std::string subject =
      message.file().empty() ? JobName(event.job.id) : FileName(event.job.id, event.file);
  return absl::StrCat(
      R"({"specversion":"1.0","id":")", id, R"(","source":")", source_, R"(","type":")",
      Av(TypeOf(notification.flag)), R"(","subject":")", subject, R"(","time":")",
      absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", event.time, absl::UTCTimeZone()),
      R"(","datacontenttype":"application/json","data":)", data, "}");
}

}  // namespace bits::rpc
