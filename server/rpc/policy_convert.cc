#include "server/rpc/policy_convert.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/rpc/convert.h"
#include "server/rpc/names.h"

namespace bits::rpc {
namespace {

using google::protobuf::FieldDescriptor;

// The unit test of this file holds the proto to the fields of the domain.
const FieldDescriptor& DescriptorOf(const domain::PolicyField& field) {
  return *v1::Policy::descriptor()->FindFieldByName(std::string(field.name));
}

// Of any length; nullopt if it is malformed.
std::optional<absl::Duration> LengthOf(const google::protobuf::Duration& duration) {
  constexpr int64_t kMost = 315'576'000'000;  // 10,000 years, as the message's comment has it
  const bool in_range = duration.seconds() >= -kMost && duration.seconds() <= kMost &&
                        duration.nanos() > -1'000'000'000 && duration.nanos() < 1'000'000'000;
  if (!in_range) return std::nullopt;
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// The field's value in `policy`; nullopt if it is not set there.
absl::StatusOr<std::optional<domain::PolicyValue>> ValueFrom(const v1::Policy& policy,
                                                             const domain::PolicyField& field,
                                                             std::string_view prefix) {
  const FieldDescriptor& descriptor = DescriptorOf(field);
  const google::protobuf::Reflection& reflection = *policy.GetReflection();
  std::optional<domain::PolicyValue> value;
  if (!reflection.HasField(policy, &descriptor)) return value;
  if (descriptor.cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
    value = uint64_t{reflection.GetUInt32(policy, &descriptor)};
  } else if (descriptor.cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    value = reflection.GetUInt64(policy, &descriptor);
  } else {
    const auto length = LengthOf(dynamic_cast<const google::protobuf::Duration&>(
        reflection.GetMessage(policy, &descriptor)));
    if (!length) {
      return InvalidField(absl::StrCat(Av(prefix), Av(field.name)), "must be a duration");
    }
    value = *length;
  }
  BITS_RETURN_IF_ERROR(domain::CheckPolicyValue(field, *value, prefix));
  return value;
}

void SetValue(const domain::PolicyValue& value, const domain::PolicyField& field, v1::Policy* to) {
  const FieldDescriptor& descriptor = DescriptorOf(field);
  const google::protobuf::Reflection& reflection = *to->GetReflection();
  if (descriptor.cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
    reflection.SetUInt32(to, &descriptor, static_cast<uint32_t>(std::get<uint64_t>(value)));
  } else if (descriptor.cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    reflection.SetUInt64(to, &descriptor, std::get<uint64_t>(value));
  } else {
    ToProto(std::get<absl::Duration>(value),
            dynamic_cast<google::protobuf::Duration*>(reflection.MutableMessage(to, &descriptor)));
  }
}

// Those that this version knows.
void NameFields(const domain::PolicySettings& settings, google::protobuf::FieldMask* to) {
  for (const domain::PolicyField& field : domain::PolicyFields()) {
    if (settings.contains(field.name)) to->add_paths(std::string(field.name));
  }
}

}  // namespace

absl::StatusOr<domain::PolicySettings> SettingsFrom(const v1::Policy& policy,
                                                    std::string_view prefix) {
  domain::PolicySettings settings;
  for (const domain::PolicyField& field : domain::PolicyFields()) {
    BITS_ASSIGN_OR_RETURN(auto value, ValueFrom(policy, field, prefix));
    if (value.has_value()) settings[std::string(field.name)] = *std::move(value);
  }
  return settings;
}

absl::StatusOr<app::PolicyChange> PolicyChangeFrom(const v1::UpdatePolicyRequest& request) {
  constexpr std::string_view kPrefix = "policy.";
  const v1::Policy& policy = request.policy();
  if (!policy.name().empty() && policy.name() != "policy") {
    return InvalidField("policy.name", "must be `policy` or empty");
  }
  app::PolicyChange change;
  change.version = ParseEtag(policy.etag());
  const auto& paths = request.update_mask().paths();
  if (paths.empty()) {
    BITS_ASSIGN_OR_RETURN(domain::PolicySettings settings, SettingsFrom(policy, kPrefix));
    for (auto& [name, value] : settings) change.fields[name] = std::move(value);
    return change;
  }
  const bool all = paths.size() == 1 && paths[0] == "*";
  for (const std::string& path : paths) {
    if (all || domain::FindPolicyField(path) != nullptr) continue;
    return InvalidField("update_mask", path == "*"
                                           ? "`*` must stand alone"
                                           : "`" + path + "` is not a path that can be written");
  }
  for (const domain::PolicyField& field : domain::PolicyFields()) {
    const bool named = all || std::find(paths.begin(), paths.end(), field.name) != paths.end();
    if (!named) continue;
    BITS_ASSIGN_OR_RETURN(change.fields[std::string(field.name)],
                          ValueFrom(policy, field, kPrefix));
  }
  return change;
}

void ToProto(const app::PolicyView& view, v1::Policy* to) {
  to->Clear();
  to->set_name("policy");
  to->set_etag(FormatEtag(view.version));
  NameFields(view.written, to->mutable_written_fields());
  NameFields(view.file, to->mutable_file_fields());
  for (const domain::PolicyField& field : domain::PolicyFields()) {
    SetValue(domain::ValueOf(view.policy, field), field, to);
  }
}

}  // namespace bits::rpc
