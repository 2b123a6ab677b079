// policy: what an administrator decides for all jobs.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <set>

#include "client/cli/command.h"
#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Fields are written as a whole, so what is there is read first, and the write is refused (ABORTED)
// if somebody else came between.
constexpr int kMostPolicyTries = 5;

bool IsOutputOnly(const std::string& name) {
  return name == "name" || name == "etag" || name == "written_fields" || name == "file_fields" ||
         name == "rates_in_force";
}

bool IsRates(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->name() == "RateLimits";
}

bool IsDuration(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->name() == "Duration";
}

// As `policy set` takes it, or as a text proto.
std::string ValueText(const v1::Policy& policy, const FieldDescriptor& field) {
  if (IsDuration(field)) {
    const auto& duration = dynamic_cast<const google::protobuf::Duration&>(
        v1::Policy::GetReflection()->GetMessage(policy, &field));
    return DurationText(ToDuration(duration));
  }
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  const auto print = [&](int index) {
    std::string one;
    printer.PrintFieldValueToString(policy, &field, index, &one);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) one = absl::StrCat("{ ", one, "}");
    absl::StrAppend(&text, text.empty() ? "" : " ", one);
  };
  if (!field.is_repeated()) {
    print(-1);
  } else {
    for (int i = 0; i < v1::Policy::GetReflection()->FieldSize(policy, &field); ++i) print(i);
  }
  return text;
}

std::string SourceText(const v1::Policy& policy, const std::string& name) {
  const auto has = [&](const google::protobuf::FieldMask& mask) {
    return std::find(mask.paths().begin(), mask.paths().end(), name) != mask.paths().end();
  };
  if (has(policy.written_fields())) return "set";
  return has(policy.file_fields()) ? "file" : "default";
}

ExitCode Get(const std::vector<std::string>& names, Context& context) {
  for (const auto& name : names) {
    const auto* field = v1::Policy::descriptor()->FindFieldByName(name);
    if (field == nullptr)
      return context.Misused(absl::StrCat("there is no field ", Printable(name)));
  }
  const auto policy = context.client.GetPolicy();
  if (!policy.ok()) return context.Fail("read the policy", policy.status());
  if (context.json) {
    context.PrintJson(*policy);
    return ExitCode::kOk;
  }
  const auto* descriptor = v1::Policy::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor& field = *descriptor->field(i);
    const bool wanted = names.empty()
                            ? !IsOutputOnly(field.name())
                            : std::find(names.begin(), names.end(), field.name()) != names.end();
    if (!wanted) continue;
    context.console.out.stream << field.name() << " = " << Printable(ValueText(*policy, field));
    if (!IsOutputOnly(field.name())) {
      context.console.out.stream << "  (" << SourceText(*policy, field.name()) << ")";
    }
    context.console.out.stream << std::endl;
  }
  return ExitCode::kOk;
}

// Writes FIELD=VALUE into `policy`; an empty VALUE clears it. The name of the field of Policy.
absl::StatusOr<std::string> Apply(const std::string& word, v1::Policy& policy) {
  const auto wrong = [&](const std::string& why) {
    return absl::InvalidArgumentError(absl::StrCat(Printable(word), ": ", why));
  };
  const auto equals = word.find('=');
  if (equals == std::string::npos) return wrong("give FIELD=VALUE");
  const std::string path = word.substr(0, equals);
  const std::string value = word.substr(equals + 1);
  const auto dot = path.find('.');
  std::string name = path.substr(0, dot);
  const FieldDescriptor* field = v1::Policy::descriptor()->FindFieldByName(name);
  if (field == nullptr || IsOutputOnly(name)) {
    return wrong("is no field; `bitsctl policy get` shows them");
  }
  Message* message = &policy;
  if (dot != std::string::npos) {
    const std::string leaf = path.substr(dot + 1);
    const FieldDescriptor* part =
        IsRates(*field) ? field->message_type()->FindFieldByName(leaf) : nullptr;
    if (part == nullptr || part->is_repeated()) return wrong("is no part of a field");
    message = v1::Policy::GetReflection()->MutableMessage(&policy, field);
    field = part;
  }
  const auto* reflection = message->GetReflection();
  if (value.empty()) {
    reflection->ClearField(message, field);
  } else if (IsDuration(*field)) {
    const auto duration = ParseDuration(value);
    if (!duration.ok()) return duration.status();
    *dynamic_cast<google::protobuf::Duration*>(reflection->MutableMessage(message, field)) =
        ToProto(*duration);
  } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
    std::uint32_t number = 0;
    if (!absl::SimpleAtoi(value, &number)) return wrong("wants a number");
    reflection->SetUInt32(message, field, number);
  } else if (message != &policy) {
    const auto rate = ParseRate(value);
    if (!rate.ok()) return rate.status();
    reflection->SetUInt64(message, field, *rate);
  } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    std::uint64_t number = 0;
    if (!absl::SimpleAtoi(value, &number)) return wrong("wants a number");
    reflection->SetUInt64(message, field, number);
  } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    reflection->SetString(message, field, value);
  } else {
    return wrong("give it by --text, or part by part");
  }
  return name;
}

// Keeps what the parser finds wrong first, and prints nothing.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int /*line*/, int column, const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat("column ", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

ExitCode Set(const std::vector<std::string>& words, const std::optional<std::string>& text,
             Context& context) {
  v1::Policy from_text;
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (text && !parser.ParseFromString(*text, &from_text)) {
    return context.Misused(absl::StrCat("--text: ", Printable(error.text())));
  }
  if (words.empty() && !text) {
    return context.Misused("policy set wants FIELD=VALUE or --text; see `bitsctl help policy`");
  }
  absl::StatusOr<v1::Policy> updated;
  for (int i = 0; i < kMostPolicyTries; ++i) {
    const auto policy = context.client.GetPolicy();
    if (!policy.ok()) return context.Fail("read the policy", policy.status());
    v1::UpdatePolicyRequest request;
    v1::Policy& changed = *request.mutable_policy();
    changed = *policy;
    std::set<std::string> names;
    std::vector<const FieldDescriptor*> in_text;
    v1::Policy::GetReflection()->ListFields(from_text, &in_text);
    for (const FieldDescriptor* field : in_text) {
      v1::Policy::GetReflection()->ClearField(&changed, field);
      names.insert(field->name());
    }
    changed.MergeFrom(from_text);
    for (const auto& word : words) {
      const auto name = Apply(word, changed);
      if (!name.ok()) return context.Misused(std::string(name.status().message()));
      names.insert(*name);
    }
    for (const auto& name : names) request.mutable_update_mask()->add_paths(name);
    changed.set_etag(policy->etag());
    updated = context.client.UpdatePolicy(request);
    if (!absl::IsAborted(updated.status())) break;
  }
  if (!updated.ok()) return context.Fail("change the policy", updated.status());
  if (context.json) context.PrintJson(*updated);
  return ExitCode::kOk;
}

ExitCode RunPolicy(const Arguments& arguments, Context& context) {
  const auto& rest = arguments.rest();
  if (rest.empty() || (rest[0] != "get" && rest[0] != "set")) {
    return context.Misused("policy wants get or set");
  }
  const std::vector<std::string> words(rest.begin() + 1, rest.end());
  if (rest[0] == "set") return Set(words, arguments.Get("text"), context);
  if (arguments.Has("text")) return context.Misused("--text is for policy set");
  return Get(words, context);
}

}  // namespace

Command PolicyCommand() {
  Command command;
  command.name = "policy";
  command.arguments = "get [FIELD ...] | set FIELD=VALUE ...";
  command.summary = "show or change what holds for all jobs (an administrator's)";
  command.help =
      "get prints each field, its value, and who decided it: set (by `policy set`), file (the\n"
      "server's configuration) or default. set changes fields at once, without a restart; an\n"
      "empty VALUE gives the field back to the file. Durations are such as 90s or 14d. Rates are\n"
      "set part by part, and given as 500k, 2M or 1Gi bytes a second; 0 stops such jobs:\n"
      "  bitsctl policy set max_jobs_per_owner=500 rate_limits.background=2M\n"
      "  bitsctl policy set time_zone=Europe/Berlin work_rate_limits.background=200k --text=\\\n"
      "    'work_hours { first_day: DAY_MONDAY last_day: DAY_FRIDAY start: \"08:00\" end: "
      "\"17:00\" }'\n";
  command.options = {{"text", "TEXTPROTO",
                      "fields as a text proto of bits.v1.Policy; each replaces what is there"}};
  command.run = RunPolicy;
  return command;
}

}  // namespace bits::cli
