// notifications, replay: what a job's webhook was not told yet.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include "client/cli/command.h"
#include "client/cli/error_text.h"
#include "client/cli/job_ref.h"
#include "client/cli/notify_args.h"
#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

// "7" of `jobs/{job}/notifications/7`.
std::string NumberOf(const v1::Notification& notification) {
  return notification.name().substr(notification.name().rfind('/') + 1);
}

void Tell(const v1::Notification& notification, std::ostream& out) {
  out << NumberOf(notification) << "  "
      << TimeText(notification.event_time(), absl::LocalTimeZone()) << "  "
      << NotifyFlagText(notification.flag());
  if (notification.state() == v1::Notification::STATE_DEAD) {
    out << "  given up";
  } else {
    out << "  waits";
    if (notification.tries() > 0) {
      out << ", tried again at "
          << TimeText(notification.next_try_time(), absl::LocalTimeZone());
    }
  }
  if (notification.tries() > 0) out << "  (" << notification.tries() << " tries)";
  if (notification.has_error()) out << "  " << ErrorSummary(notification.error());
  out << "\n";
}

ExitCode RunNotifications(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 1) return context.Misused("notifications wants one JOB");
  const std::string doing =
      absl::StrCat("show the notifications of ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  v1::ListNotificationsRequest request;
  request.set_parent(*name);
  request.set_page_size(1000);
  v1::ListNotificationsResponse all;
  do {
    const auto page = context.client.ListNotifications(request);
    if (!page.ok()) return context.Fail(doing, page.status());
    all.mutable_notifications()->MergeFrom(page->notifications());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  if (context.json) {
    context.PrintJson(all);
    return ExitCode::kOk;
  }
  if (all.notifications().empty()) {
    context.console.err.stream << "Nothing waits to be told." << std::endl;
  }
  for (const auto& notification : all.notifications()) {
    Tell(notification, context.console.out.stream);
  }
  context.console.out.stream << std::flush;
  return ExitCode::kOk;
}

ExitCode RunReplay(const Arguments& arguments, Context& context) {
  std::uint64_t number = 0;
  if (arguments.rest().size() != 2 || !absl::SimpleAtoi(arguments.rest()[1], &number) ||
      number == 0) {
    return context.Misused("replay wants JOB NUMBER; `bitsctl notifications JOB` shows the numbers");
  }
  const std::string doing = absl::StrCat("replay notification ", number, " of ",
                                         Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  const auto replayed =
      context.client.ReplayNotification(absl::StrCat(*name, "/notifications/", number));
  if (!replayed.ok()) return context.Fail(doing, replayed.status());
  if (context.json) context.PrintJson(*replayed);
  return ExitCode::kOk;
}

}  // namespace

Command NotificationsCommand() {
  Command command;
  command.name = "notifications";
  command.arguments = "JOB";
  command.summary = "show what a job's webhook was not told yet, and why";
  command.help =
      "What was delivered is not shown. What is given up is not tried again until\n"
      "`bitsctl replay`.\n";
  command.run = RunNotifications;
  return command;
}

Command ReplayCommand() {
  Command command;
  command.name = "replay";
  command.arguments = "JOB NUMBER";
  command.summary = "tell a webhook again what it could not be told";
  command.help = "NUMBER is the first column of `bitsctl notifications JOB`. Prints nothing.\n";
  command.run = RunReplay;
  return command;
}

}  // namespace bits::cli
