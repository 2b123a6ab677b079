#include "server/rpc/validate_notifications.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/rpc/utf8.h"
#include "server/rpc/validate.h"

namespace bits::rpc {
namespace {

constexpr std::string_view kUri = "job.notifications.webhook.uri";
constexpr std::string_view kSecret = "job.notifications.webhook.secret";
constexpr std::string_view kAllNotifications = "notifications";
constexpr std::string_view kFlagsPath = "notifications.flags";
constexpr std::string_view kWebhookPath = "notifications.webhook";
constexpr std::string_view kCommandPath = "notifications.command_line";

absl::StatusOr<domain::NotifyFlags> FlagsFrom(const v1::NotificationOptions& options) {
  if (options.flags().empty()) return domain::kDefaultNotifyFlags;
  domain::NotifyFlags flags = 0;
  for (int i = 0; i < options.flags_size(); ++i) {
    const int flag = options.flags(i);
    const bool one_bit = flag > 0 && (flag & (flag - 1)) == 0;
    if (!one_bit || flag > domain::kAllNotifyFlags) {
      const std::string field = absl::StrCat("job.notifications.flags[", i, "]");
      return MakeRefusal(absl::StatusCode::kUnimplemented, "E_NOTIMPL",
                         flag == v1::NOTIFY_FLAG_FILE_RANGES_TRANSFERRED
                             ? field + ": there are no on-demand jobs so far"
                             : field + ": must be a value of NotifyFlag",
                         {{"field", field}});
    }
    flags = static_cast<domain::NotifyFlags>(flags | flag);
  }
  return flags;
}

// What is wrong with it; none of it is in the answer, as it may hold secrets.
std::optional<std::string> UriFault(const std::string& uri) {
  if (std::optional<std::string> fault = RemoteNameFault(uri)) return fault;
  if (absl::StartsWithIgnoreCase(uri, "file:")) return "must be an http or https URL";
  if (uri.find('#') != std::string::npos) return "must have no fragment";
  const size_t authority = uri.find("://") + 3;
  const size_t end = std::min(uri.find_first_of("/?", authority), uri.size());
  if (uri.substr(authority, end - authority).find('@') != std::string::npos) {
    return "must hold no user name or password";
  }
  return std::nullopt;
}

absl::StatusOr<std::string> UriFrom(const v1::NotificationOptions& options) {
  if (!options.has_webhook()) return std::string();
  const std::string& uri = options.webhook().uri();
  if (const auto fault = UriFault(uri)) return InvalidField(kUri, *fault);
  return uri;
}

// Empty: none is given.
absl::StatusOr<Secret> KeyFrom(const v1::NotificationOptions& options) {
  if (options.webhook().secret().empty()) return Secret();
  std::optional<Secret> key = domain::WebhookKey(Secret(options.webhook().secret()));
  if (key.has_value()) return *std::move(key);
  return InvalidField(kSecret, "must be `whsec_` and 24 to 64 bytes in base64");
}

absl::StatusOr<domain::CommandLine> CommandFrom(const v1::NotificationOptions& options) {
  constexpr std::string_view kProgram = "job.notifications.command_line.program";
  constexpr std::string_view kArguments = "job.notifications.command_line.arguments";
  constexpr std::string_view kStringTooLong = "BG_E_STRING_TOO_LONG";
  constexpr size_t kProgramBytes = 4096;
  constexpr size_t kArgumentCharacters = 4000;
  constexpr int kArgumentCount = 100;
  domain::CommandLine command;
  if (!options.has_command_line()) return command;
  const v1::CommandLine& from = options.command_line();
  if (!from.program().starts_with('/')) return InvalidField(kProgram, "must be an absolute path");
  if (from.program().size() > kProgramBytes) {
    return InvalidField(kProgram, "must be at most 4,096 bytes", kStringTooLong);
  }
  if (from.program().find('\0') != std::string::npos) {
    return InvalidField(kProgram, "must not hold a NUL");
  }
  if (from.arguments_size() > kArgumentCount) {
    return InvalidField(kArguments, "must be at most 100");
  }
  size_t all = 0;
  for (const std::string& argument : from.arguments()) {
    const std::optional<size_t> characters = CountCharacters(argument);
    if (!characters) return InvalidField(kArguments, "must be UTF-8");
    if (argument.find('\0') != std::string::npos) {
      return InvalidField(kArguments, "must not hold a NUL");
    }
    all += *characters;
    if (all > kArgumentCharacters) {
      return InvalidField(kArguments, "must be at most 4,000 characters in all", kStringTooLong);
    }
    command.arguments.push_back(argument);
  }
  command.program = from.program();
  return command;
}

}  // namespace

absl::StatusOr<domain::NotificationOptions> NotificationsFrom(const v1::Job& job) {
  domain::NotificationOptions options;
  BITS_ASSIGN_OR_RETURN(options.flags, FlagsFrom(job.notifications()));
  BITS_ASSIGN_OR_RETURN(options.webhook_uri, UriFrom(job.notifications()));
  BITS_ASSIGN_OR_RETURN(options.command, CommandFrom(job.notifications()));
  return options;
}

absl::StatusOr<Secret> WebhookKeyFrom(const v1::Job& job) {
  if (!job.notifications().has_webhook()) return Secret();
  BITS_ASSIGN_OR_RETURN(Secret key, KeyFrom(job.notifications()));
  if (key.empty()) return InvalidField(kSecret, "is required: `whsec_` and 24 to 64 bytes in base64");
  return key;
}

bool IsNotificationPath(std::string_view path) {
  return path == kAllNotifications || path == kFlagsPath || path == kWebhookPath ||
         path == kCommandPath;
}

absl::StatusOr<std::optional<domain::NotificationUpdate>> NotificationUpdateFrom(
    const v1::UpdateJobRequest& request) {
  const v1::NotificationOptions& from = request.job().notifications();
  const auto& paths = request.update_mask().paths();
  const auto selects = [&paths](std::string_view leaf, bool populated) {
    if (paths.empty()) return populated;
    return std::any_of(paths.begin(), paths.end(), [leaf](const std::string& path) {
      return path == "*" || path == kAllNotifications || path == leaf;
    });
  };
  domain::NotificationUpdate update;
  if (selects(kFlagsPath, !from.flags().empty())) {
    BITS_ASSIGN_OR_RETURN(update.flags, FlagsFrom(from));
  }
  if (selects(kWebhookPath, from.has_webhook())) {
    BITS_ASSIGN_OR_RETURN(update.webhook_uri, UriFrom(from));
    BITS_ASSIGN_OR_RETURN(update.webhook_secret, KeyFrom(from));
  }
  if (selects(kCommandPath, from.has_command_line())) {
    BITS_ASSIGN_OR_RETURN(update.command, CommandFrom(from));
  }
  const bool any = update.flags || update.webhook_uri || update.command;
  if (!any) return std::nullopt;
  return update;
}

}  // namespace bits::rpc
