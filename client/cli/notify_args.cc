#include "client/cli/notify_args.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "client/cli/text.h"
#include "server/base/redact.h"

namespace bits::cli {
namespace {

constexpr std::pair<const char*, v1::NotifyFlag> kNotifyFlags[] = {
    {"transferred", v1::NOTIFY_FLAG_JOB_TRANSFERRED},
    {"error", v1::NOTIFY_FLAG_JOB_ERROR},
    {"none", v1::NOTIFY_FLAG_DISABLE},
    {"modification", v1::NOTIFY_FLAG_JOB_MODIFICATION},
    {"file", v1::NOTIFY_FLAG_FILE_TRANSFERRED},
};

absl::Status ApplyFlags(const std::string& text, v1::NotificationOptions& options) {
  options.clear_flags();
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    const auto flag = std::find_if(std::begin(kNotifyFlags), std::end(kNotifyFlags),
                                   [word](const auto& known) { return word == known.first; });
    if (word == "default" && text == "default") return absl::OkStatus();
    if (flag == std::end(kNotifyFlags)) {
      return absl::InvalidArgumentError(
          "--notify wants some of transferred, error, modification, file, with commas between; "
          "none; or default");
    }
    options.add_flags(flag->second);
  }
  return absl::OkStatus();
}

absl::Status ApplyWebhook(const Arguments& arguments, v1::NotificationOptions& options) {
  const auto uri = arguments.Get("webhook");
  const auto path = arguments.Get("webhook-secret-file");
  if (arguments.Has("no-webhook") && (uri || path)) {
    return absl::InvalidArgumentError("--webhook and --no-webhook exclude each other");
  }
  if (!uri && path) return absl::InvalidArgumentError("--webhook-secret-file needs --webhook");
  options.clear_webhook();
  if (!uri) return absl::OkStatus();
  options.mutable_webhook()->set_uri(*uri);
  if (!path) return absl::OkStatus();
  std::ifstream in(*path);
  if (!in) return absl::InvalidArgumentError(absl::StrCat("cannot read ", Printable(*path)));
  std::string secret((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  absl::StripAsciiWhitespace(&secret);
  options.mutable_webhook()->set_secret(secret);
  return absl::OkStatus();
}

absl::Status ApplyCommand(const Arguments& arguments, v1::NotificationOptions& options) {
  const auto program = arguments.Get("command");
  const bool has_arguments = arguments.Has("command-argument");
  if (arguments.Has("no-command") && (program || has_arguments)) {
    return absl::InvalidArgumentError("--command and --no-command exclude each other");
  }
  if (!program && has_arguments) {
    return absl::InvalidArgumentError("--command-argument needs --command");
  }
  options.clear_command_line();
  if (!program) return absl::OkStatus();
  options.mutable_command_line()->set_program(*program);
  for (const std::string& argument : arguments.GetAll("command-argument")) {
    options.mutable_command_line()->add_arguments(argument);
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<OptionSpec>& NotifyOptionSpecs() {
  static const std::vector<OptionSpec> specs = {
      {"notify", "LIST",
       "of what its webhook is told: transferred, error, modification, file, with commas between; "
       "none; default (transferred,error)"},
      {"webhook", "URL", "where to POST what becomes of the job, as CloudEvents"},
      {"webhook-secret-file", "FILE",
       "what that is signed with: whsec_ and the base64 of 24 to 64 bytes"},
      {"no-webhook", "", "call no webhook any more"},
      {"command", "PROGRAM",
       "a program of bitsd's machine to run when the job is transferred or in error; its operator "
       "must allow it"},
      {"command-argument", "TEXT", "an argument of it, as it is", true},
      {"no-command", "", "run no program any more"},
  };
  return specs;
}

absl::Status ApplyNotifyOptions(const Arguments& arguments, v1::Job& job,
                                std::vector<std::string>& mask) {
  if (const auto text = arguments.Get("notify")) {
    if (auto status = ApplyFlags(*text, *job.mutable_notifications()); !status.ok()) return status;
    mask.emplace_back("notifications.flags");
  }
  if (arguments.Has("webhook") || arguments.Has("webhook-secret-file") ||
      arguments.Has("no-webhook")) {
    if (auto status = ApplyWebhook(arguments, *job.mutable_notifications()); !status.ok()) {
      return status;
    }
    mask.emplace_back("notifications.webhook");
  }
  if (arguments.Has("command") || arguments.Has("command-argument") ||
      arguments.Has("no-command")) {
    if (auto status = ApplyCommand(arguments, *job.mutable_notifications()); !status.ok()) {
      return status;
    }
    mask.emplace_back("notifications.command_line");
  }
  return absl::OkStatus();
}

std::string NotifyFlagText(v1::NotifyFlag flag) {
  for (const auto& [text, known] : kNotifyFlags) {
    if (flag == known) return text;
  }
  return absl::StrCat(static_cast<int>(flag));  // a newer one
}

std::vector<std::pair<std::string, std::string>> NotifyDetails(const v1::Job& job) {
  std::vector<std::pair<std::string, std::string>> details;
  std::vector<std::string> flags;
  for (const int flag : job.notifications().flags()) {
    flags.push_back(NotifyFlagText(static_cast<v1::NotifyFlag>(flag)));
  }
  const std::string of = absl::StrJoin(flags, ",");
  if (!of.empty() && of != "transferred,error") details.emplace_back("Notify", of);
  if (job.notifications().has_command_line()) {
    const v1::CommandLine& command = job.notifications().command_line();
    std::string text = command.program();
    for (const std::string& argument : command.arguments()) absl::StrAppend(&text, " ", argument);
    details.emplace_back("Command", text);
  }
  if (!job.notifications().has_webhook()) return details;
  const v1::Webhook& webhook = job.notifications().webhook();
  details.emplace_back("Webhook", webhook.in_memory_only()
                                      ? RedactUrl(webhook.uri()) + " (its secret is lost when bitsd stops)"
                                      : RedactUrl(webhook.uri()));
  return details;
}

}  // namespace bits::cli
