// Who is to be told of what becomes of a job: BITS's notify flags, and where to. Plain values; any
// thread.
#ifndef BITS_SERVER_DOMAIN_NOTIFICATION_OPTIONS_H_
#define BITS_SERVER_DOMAIN_NOTIFICATION_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/base/secret.h"

namespace bits::domain {

// BG_NOTIFY_; BITS's numbers, which are stored, each a bit of a set. 32 is FILE_RANGES_TRANSFERRED,
// which no job can have so far.
enum class NotifyFlag : uint8_t {
  kNone = 0,
  kJobTransferred = 1,
  kJobError = 2,
  kDisable = 4,
  kJobModification = 8,
  kFileTransferred = 16,
};
using NotifyFlags = uint8_t;
inline constexpr NotifyFlags kDefaultNotifyFlags = 3;  // JOB_TRANSFERRED, JOB_ERROR
inline constexpr NotifyFlags kAllNotifyFlags = 31;

// A program to be run, without a shell.
struct CommandLine {
  std::string program;                 // an absolute path; empty: none
  std::vector<std::string> arguments;  // after argv[0], which is the program
  bool operator==(const CommandLine&) const = default;
};

struct NotificationOptions {
  NotifyFlags flags = kDefaultNotifyFlags;
  std::string webhook_uri;  // empty: none. May hold secrets. What it signs with is kept apart
  bool webhook_volatile = false;  // what it signs with will not survive the process
  CommandLine command = {};
  bool operator==(const NotificationOptions&) const = default;
};

// What UpdateJob writes of them, already checked; absent ones stay.
struct NotificationUpdate {
  std::optional<NotifyFlags> flags;
  std::optional<std::string> webhook_uri;
  Secret webhook_secret;  // empty: the one there is. Never part of a job
  bool webhook_volatile = false;
  std::optional<CommandLine> command;
};

void Apply(const NotificationUpdate& update, NotificationOptions& options);
// What is the owner's alone goes; the flags stay.
void RemoveReceivers(NotificationOptions& options);

inline bool HasReceiver(const NotificationOptions& options) {
  return !options.webhook_uri.empty() || !options.command.program.empty();
}
// BITS: a command line is for JOB_TRANSFERRED and JOB_ERROR only.
bool IsForCommand(NotifyFlag notification);
// Whether there is a receiver for it.
bool HasReceiverFor(const NotificationOptions& options, NotifyFlag notification);
// Whether the flags ask for it. Never of kNone and kDisable.
bool Asks(NotifyFlags flags, NotifyFlag notification);

// What the operator lets jobs have.
struct NotificationPermissions {
  bool webhooks = true;
  std::vector<std::string> programs = {};  // that command lines may run
};
// PERMISSION_DENIED (E_ACCESSDENIED) names the field.
absl::Status CheckPermissions(const NotificationPermissions& permissions,
                              const NotificationOptions& options);

// The bytes of a secret as Standard Webhooks write it: `whsec_`, then 24 to 64 bytes in base64.
// Nullopt if it is none.
std::optional<Secret> WebhookKey(const Secret& secret);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_NOTIFICATION_OPTIONS_H_
