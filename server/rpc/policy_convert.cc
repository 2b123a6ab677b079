#include "server/rpc/policy_convert.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
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

template <typename Message>
const Message& As(const google::protobuf::Message& message) {
  return dynamic_cast<const Message&>(message);
}

domain::RateLimits LimitsFrom(const v1::RateLimits& from) {
  domain::RateLimits to;
  if (from.has_server()) to.server = from.server();
  if (from.has_background()) to.background = from.background();
  if (from.has_foreground()) to.priority[0] = from.foreground();
  if (from.has_high()) to.priority[1] = from.high();
  if (from.has_normal()) to.priority[2] = from.normal();
  if (from.has_low()) to.priority[3] = from.low();
  if (from.has_per_host()) to.per_host = from.per_host();
  to.hosts.insert(from.hosts().begin(), from.hosts().end());
  return to;
}

void ToProto(const domain::RateLimits& limits, v1::RateLimits* to) {
  if (limits.server) to->set_server(*limits.server);
  if (limits.background) to->set_background(*limits.background);
  if (limits.priority[0]) to->set_foreground(*limits.priority[0]);
  if (limits.priority[1]) to->set_high(*limits.priority[1]);
  if (limits.priority[2]) to->set_normal(*limits.priority[2]);
  if (limits.priority[3]) to->set_low(*limits.priority[3]);
  if (limits.per_host) to->set_per_host(*limits.per_host);
  to->mutable_hosts()->insert(limits.hosts.begin(), limits.hosts.end());
}

// Minutes after midnight, of HH:MM; what the domain refuses where it is none.
uint16_t MinutesFrom(const std::string& text) {
  constexpr uint16_t kNone = 0xFFFF;
  const auto digit = [&](size_t at) { return text[at] - '0'; };
  if (text.size() != 5 || text[2] != ':') return kNone;
  for (const size_t at : {0, 1, 3, 4}) {
    if (digit(at) < 0 || digit(at) > 9) return kNone;
  }
  const int minutes = digit(3) * 10 + digit(4);
  if (minutes >= 60) return kNone;
  return static_cast<uint16_t>((digit(0) * 10 + digit(1)) * 60 + minutes);
}

std::string TimeText(uint16_t minutes) {
  const auto two = [](int n) { return absl::StrCat(n / 10, n % 10); };
  return absl::StrCat(two(minutes / 60), ":", two(minutes % 60));
}

domain::WeeklyHours HoursFrom(const v1::WeeklyHours& from) {
  // Unspecified is 0 there, Sunday 1; here Sunday is 0, and 255 is none.
  const auto day = [](v1::WeeklyHours::Day d) {
    return v1::WeeklyHours::Day_IsValid(d) ? static_cast<uint8_t>(d - 1) : uint8_t{255};
  };
  return {day(from.first_day()), day(from.last_day()), MinutesFrom(from.start()),
          MinutesFrom(from.end())};
}

void ToProto(const domain::WeeklyHours& hours, v1::WeeklyHours* to) {
  to->set_first_day(static_cast<v1::WeeklyHours::Day>(hours.first_day + 1));
  to->set_last_day(static_cast<v1::WeeklyHours::Day>(hours.last_day + 1));
  to->set_start(TimeText(hours.start));
  to->set_end(TimeText(hours.end));
}

v1::RatesInForce::Hours HoursOf(domain::HoursKind kind) {
  switch (kind) {
    case domain::HoursKind::kGeneral:
      return v1::RatesInForce::HOURS_GENERAL;
    case domain::HoursKind::kWork:
      return v1::RatesInForce::HOURS_WORK;
    case domain::HoursKind::kMaintenance:
      return v1::RatesInForce::HOURS_MAINTENANCE;
  }
  return v1::RatesInForce::HOURS_UNSPECIFIED;
}

// Whether the field is set: a list that is empty is not.
bool IsSet(const v1::Policy& policy, const FieldDescriptor& descriptor) {
  const google::protobuf::Reflection& reflection = *v1::Policy::GetReflection();
  return descriptor.is_repeated() ? reflection.FieldSize(policy, &descriptor) > 0
                                  : reflection.HasField(policy, &descriptor);
}

// The field's value in `policy`; nullopt if it is not set there.
absl::StatusOr<std::optional<domain::PolicyValue>> ValueFrom(const v1::Policy& policy,
                                                             const domain::PolicyField& field,
                                                             std::string_view prefix) {
  const FieldDescriptor& descriptor = DescriptorOf(field);
  const google::protobuf::Reflection& reflection = *v1::Policy::GetReflection();
  std::optional<domain::PolicyValue> value;
  if (!IsSet(policy, descriptor)) return value;
  const auto wrong = [&](std::string_view rule) {
    return InvalidField(absl::StrCat(Av(prefix), Av(field.name)), rule);
  };
  if (descriptor.is_repeated()) {
    std::vector<domain::WeeklyHours> hours;
    for (int i = 0; i < reflection.FieldSize(policy, &descriptor); ++i) {
      hours.push_back(
          HoursFrom(As<v1::WeeklyHours>(reflection.GetRepeatedMessage(policy, &descriptor, i))));
    }
    value = std::move(hours);
  } else if (descriptor.cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
    value = uint64_t{reflection.GetUInt32(policy, &descriptor)};
  } else if (descriptor.cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    value = reflection.GetUInt64(policy, &descriptor);
  } else if (descriptor.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    value = reflection.GetString(policy, &descriptor);
    absl::TimeZone zone;
    const bool known = !std::get<std::string>(*value).empty() &&
                       absl::LoadTimeZone(std::get<std::string>(*value), &zone);
    if (!known) return wrong("must be the name of a time zone, as Europe/Berlin");
  } else if (std::holds_alternative<domain::RateLimits>(field.least)) {
    value = LimitsFrom(As<v1::RateLimits>(reflection.GetMessage(policy, &descriptor)));
  } else {
    const auto length =
        LengthOf(As<google::protobuf::Duration>(reflection.GetMessage(policy, &descriptor)));
    if (!length) return wrong("must be a duration");
    value = *length;
  }
  BITS_RETURN_IF_ERROR(domain::CheckPolicyValue(field, *value, prefix));
  return value;
}

void SetValue(const domain::PolicyValue& value, const domain::PolicyField& field, v1::Policy* to) {
  const FieldDescriptor& descriptor = DescriptorOf(field);
  const google::protobuf::Reflection& reflection = *v1::Policy::GetReflection();
  if (const auto* number = std::get_if<uint64_t>(&value)) {
    if (descriptor.cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
      reflection.SetUInt32(to, &descriptor, static_cast<uint32_t>(*number));
    } else {
      reflection.SetUInt64(to, &descriptor, *number);
    }
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    reflection.SetString(to, &descriptor, *text);
  } else if (const auto* length = std::get_if<absl::Duration>(&value)) {
    rpc::ToProto(*length, dynamic_cast<google::protobuf::Duration*>(
                              reflection.MutableMessage(to, &descriptor)));
  } else if (const auto* limits = std::get_if<domain::RateLimits>(&value)) {
    ToProto(*limits, dynamic_cast<v1::RateLimits*>(reflection.MutableMessage(to, &descriptor)));
  } else {
    for (const domain::WeeklyHours& hours : std::get<std::vector<domain::WeeklyHours>>(value)) {
      ToProto(hours, dynamic_cast<v1::WeeklyHours*>(reflection.AddMessage(to, &descriptor)));
    }
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
  const domain::RatesInForce& rates = view.policy.rates;
  v1::RatesInForce* in_force = to->mutable_rates_in_force();
  in_force->set_hours(HoursOf(rates.hours));
  ToProto(rates.limits, in_force->mutable_limits());
  if (rates.until != absl::InfiniteFuture()) rpc::ToProto(rates.until, in_force->mutable_until());
}

}  // namespace bits::rpc
