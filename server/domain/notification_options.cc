#include "server/domain/notification_options.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::domain {

void Apply(const NotificationUpdate& update, NotificationOptions& options) {
  if (update.flags) options.flags = *update.flags;
  if (update.webhook_uri) {
    options.webhook_uri = *update.webhook_uri;
    options.webhook_volatile = update.webhook_volatile && !options.webhook_uri.empty();
  }
  if (update.command) options.command = *update.command;
}

void RemoveReceivers(NotificationOptions& options) {
  options.webhook_uri.clear();
  options.webhook_volatile = false;
  options.command = {};
}

bool IsForCommand(NotifyFlag notification) {
  return notification == NotifyFlag::kJobTransferred || notification == NotifyFlag::kJobError;
}

bool HasReceiverFor(const NotificationOptions& options, NotifyFlag notification) {
  return !options.webhook_uri.empty() ||
         (!options.command.program.empty() && IsForCommand(notification));
}

bool Asks(NotifyFlags flags, NotifyFlag notification) {
  const auto bit = static_cast<NotifyFlags>(notification);
  const auto disable = static_cast<NotifyFlags>(NotifyFlag::kDisable);
  return (flags & disable) == 0 && (flags & bit) != 0;
}

absl::Status CheckPermissions(const NotificationPermissions& permissions,
                              const NotificationOptions& options) {
  if (!options.webhook_uri.empty() && !permissions.webhooks) {
    return MakeRefusal(absl::StatusCode::kPermissionDenied, SymbolOf(kAccessDenied),
                       "job.notifications.webhook: this server's operator allows no webhooks.",
                       {{"field", "job.notifications.webhook"}});
  }
  const std::vector<std::string>& programs = permissions.programs;
  if (options.command.program.empty() ||
      std::find(programs.begin(), programs.end(), options.command.program) != programs.end()) {
    return absl::OkStatus();
  }
  return MakeRefusal(absl::StatusCode::kPermissionDenied, SymbolOf(kAccessDenied),
                     "job.notifications.command_line.program: this server's operator does not "
                     "allow that program.",
                     {{"field", "job.notifications.command_line.program"}});
}

std::optional<Secret> WebhookKey(const Secret& secret) {
  constexpr std::string_view kPrefix = "whsec_";
  constexpr size_t kLeast = 24;
  constexpr size_t kMost = 64;
  const std::string& text = secret.Reveal();
  if (!std::string_view(text).starts_with(kPrefix)) return std::nullopt;
  std::string bytes;
  if (!absl::Base64Unescape(Av(text).substr(kPrefix.size()), &bytes)) return std::nullopt;
  Secret key(std::move(bytes));
  const size_t size = key.Reveal().size();
  if (size < kLeast || size > kMost) return std::nullopt;
  return key;
}

}  // namespace bits::domain
