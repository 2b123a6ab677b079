// error, errors, describe: what went wrong.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <optional>

#include "client/cli/command.h"
#include "client/cli/error_text.h"
#include "client/cli/job_ref.h"
#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

ExitCode RunError(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 1) return context.Misused("error wants one JOB");
  const std::string doing = absl::StrCat("show the error of ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  v1::GetErrorRequest request;
  request.set_job(*name);
  request.set_language_code(arguments.Get("language").value_or(""));
  const auto error = context.client.connection().GetError(request, {});
  if (!error.ok()) return context.Fail(doing, error.status());
  if (context.json) {
    context.PrintJson(*error);
    return ExitCode::kOk;
  }
  context.console.out.stream << ErrorDetails(*error, absl::LocalTimeZone()) << "\n"
                             << ErrorAdvice(*error, context.program, JobId(*name)) << std::flush;
  return ExitCode::kOk;
}

ExitCode RunErrors(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 1) return context.Misused("errors wants one JOB");
  const std::string doing = absl::StrCat("show the errors of ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  const auto errors = context.client.ListErrors(*name);
  if (!errors.ok()) return context.Fail(doing, errors.status());
  if (context.json) {
    context.PrintJson(*errors);
    return ExitCode::kOk;
  }
  std::ostream& out = context.console.out.stream;
  std::uint32_t attempt = 0;
  for (const auto& error : errors->errors()) {
    if (attempt != 0 && error.attempt() > attempt + 1) out << "  ...\n";
    attempt = error.attempt();
    out << TimeText(error.occur_time(), absl::LocalTimeZone()) << "  attempt " << attempt << "  "
        << ErrorSummary(error)
        << (error.local_name().empty() ? "" : "  [" + Printable(error.local_name()) + "]") << "\n";
  }
  if (errors->total_count() == 0) {
    context.console.err.stream << "The job had no errors." << std::endl;
  } else {
    out << "\n" << errors->total_count() << " in all:\n";
    for (const auto& count : errors->counts()) {
      out << absl::StrFormat("%8d  %s (%s)\n", count.count(), Printable(count.code()),
                             HresultText(count.hresult()));
    }
  }
  out << std::flush;
  return ExitCode::kOk;
}

// 0x80190194, 2149122452 or, as some languages print it, -2145844844.
std::optional<std::uint32_t> ParseHresult(const std::string& text) {
  std::uint32_t code = 0;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    if (absl::SimpleHexAtoi(text, &code)) return code;
    return std::nullopt;
  }
  if (absl::SimpleAtoi(text, &code)) return code;
  std::int32_t negative = 0;
  if (absl::SimpleAtoi(text, &negative)) return static_cast<std::uint32_t>(negative);
  return std::nullopt;
}

ExitCode RunDescribe(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 1) return context.Misused("describe wants one CODE");
  const auto code = ParseHresult(arguments.rest()[0]);
  if (!code) return context.Misused("CODE is a 32-bit number, such as 0x80190194");
  const auto description =
      context.client.DescribeError(*code, arguments.Get("language").value_or("en"));
  if (!description.ok()) {
    return context.Fail(absl::StrCat("describe ", HresultText(*code)), description.status());
  }
  if (context.json) {
    context.PrintJson(*description);
  } else {
    context.console.out.stream << HresultText(*code) << "  " << Printable(description->code())
                               << "\n"
                               << Printable(description->description()) << std::endl;
  }
  return ExitCode::kOk;
}

}  // namespace

Command ErrorCommand() {
  Command command;
  command.name = "error";
  command.arguments = "JOB";
  command.summary = "show what stopped a job, and what can be done";
  command.help =
      "A job keeps its error until bytes flow again; then, and if there was none, the server\n"
      "refuses with BG_E_ERROR_INFORMATION_UNAVAILABLE (exit code 2).\n";
  command.options = {{"language", "CODE", "the language of the texts, such as en"}};
  command.run = RunError;
  return command;
}

Command ErrorsCommand() {
  Command command;
  command.name = "errors";
  command.arguments = "JOB";
  command.summary = "show the errors of all attempts, and how many";
  command.help = "Of many errors the first and the last are kept; the counts are of all.\n";
  command.run = RunErrors;
  return command;
}

Command DescribeCommand() {
  Command command;
  command.name = "describe";
  command.arguments = "CODE";
  command.summary = "say what an error code means";
  command.help = "CODE is a number: 0x80190194 or 2149122452; a negative one after `--`.\n";
  command.options = {{"language", "CODE", "the language of the text (default en)"}};
  command.run = RunDescribe;
  return command;
}

}  // namespace bits::cli
