// set-credentials and remove-credentials. The password never comes from the command line, where
// others can read it.
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <iterator>

#include "client/cli/command.h"
#include "client/cli/http_args.h"
#include "client/cli/job_ref.h"
#include "client/cli/text.h"

namespace bits::cli {
namespace {

constexpr char kPasswordVariable[] = "BITS_PASSWORD";

absl::StatusOr<v1::CredentialsKey> KeyFrom(const Arguments& arguments) {
  v1::CredentialsKey key;
  v1::AuthTarget target = v1::AUTH_TARGET_UNSPECIFIED;
  v1::AuthScheme scheme = v1::AUTH_SCHEME_UNSPECIFIED;
  const std::string target_text = arguments.Get("target").value_or("server");
  if (!v1::AuthTarget_Parse(absl::StrCat("AUTH_TARGET_", absl::AsciiStrToUpper(target_text)),
                            &target)) {
    return absl::InvalidArgumentError("--target wants server or proxy");
  }
  const std::string scheme_text = arguments.Get("scheme").value_or("");
  if (!v1::AuthScheme_Parse(absl::StrCat("AUTH_SCHEME_", absl::AsciiStrToUpper(scheme_text)),
                            &scheme) ||
      scheme == v1::AUTH_SCHEME_UNSPECIFIED) {
    return absl::InvalidArgumentError("--scheme wants basic, digest, ntlm or bearer");
  }
  key.set_target(target);
  key.set_scheme(scheme);
  return key;
}

// One line without echo, from the terminal itself, whatever standard input is.
absl::StatusOr<std::string> AskForPassword() {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  termios before{};
  if (terminal < 0 || ::tcgetattr(terminal, &before) != 0) {
    if (terminal >= 0) ::close(terminal);
    return absl::InvalidArgumentError(
        absl::StrCat("there is no terminal to ask for the password: --password-file=FILE, or ",
                     kPasswordVariable, " in the environment"));
  }
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal, TCSAFLUSH, &silent);
  constexpr char kPrompt[] = "Password or token: ";
  (void)!::write(terminal, kPrompt, sizeof(kPrompt) - 1);
  std::string password;
  char c = 0;
  while (::read(terminal, &c, 1) == 1 && c != '\n') password.push_back(c);
  ::tcsetattr(terminal, TCSAFLUSH, &before);
  (void)!::write(terminal, "\n", 1);
  ::close(terminal);
  return password;
}

absl::StatusOr<std::string> PasswordFrom(const Arguments& arguments, const Context& context) {
  if (const auto path = arguments.Get("password-file")) {
    std::ifstream file;
    if (*path != "-") {
      file.open(*path);
      if (!file) return absl::InvalidArgumentError(absl::StrCat("cannot read ", Printable(*path)));
    }
    std::istream& in = *path == "-" ? std::cin : file;
    std::string password((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    while (!password.empty() && (password.back() == '\n' || password.back() == '\r')) {
      password.pop_back();
    }
    return password;
  }
  if (context.variable) {
    if (auto password = context.variable(kPasswordVariable)) return *password;
  }
  return AskForPassword();
}

ExitCode RunSetCredentials(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 1) return context.Misused("set-credentials wants one JOB");
  const auto key = KeyFrom(arguments);
  if (!key.ok()) return context.Misused(std::string(key.status().message()));
  const auto password = PasswordFrom(arguments, context);
  if (!password.ok()) return context.Misused(std::string(password.status().message()));
  const std::string doing =
      absl::StrCat("set the credentials of ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  v1::SetCredentialsRequest request;
  request.set_name(*name);
  request.set_target(key->target());
  request.set_scheme(key->scheme());
  request.set_user_name(arguments.Get("user").value_or(""));
  request.set_password(*password);
  const auto job = context.client.SetCredentials(request);
  if (!job.ok()) return context.Fail(doing, job.status());
  if (context.json) {
    context.PrintJson(*job);
  } else if (job->secrets().in_memory_only()) {
    context.console.err.stream << "They are lost when bitsd stops: its operator gave it no key to "
                                  "keep them with."
                               << std::endl;
  }
  return ExitCode::kOk;
}

ExitCode RunRemoveCredentials(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 1) return context.Misused("remove-credentials wants one JOB");
  const auto key = KeyFrom(arguments);
  if (!key.ok()) return context.Misused(std::string(key.status().message()));
  const std::string doing =
      absl::StrCat("remove the credentials of ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  v1::RemoveCredentialsRequest request;
  request.set_name(*name);
  request.set_target(key->target());
  request.set_scheme(key->scheme());
  const auto removed = context.client.RemoveCredentials(request);
  if (!removed.ok()) return context.Fail(doing, removed.status());
  if (context.json) {
    context.PrintJson(*removed);
  } else if (!removed->removed()) {
    context.console.out.stream << "There were none for " << CredentialsText(*key) << "."
                               << std::endl;
  }
  return ExitCode::kOk;
}

}  // namespace

Command SetCredentialsCommand() {
  Command command;
  command.name = "set-credentials";
  command.arguments = "JOB";
  command.summary = "give a job a user name and password";
  command.help = absl::StrCat(
      "They are sent to the server (or proxy) only when it asks for them, and never shown again.\n"
      "The password, or token, is read from --password-file, else from ", kPasswordVariable,
      " in the\nenvironment, else the terminal. Prints nothing when it is done.\n");
  command.options = {
      {"target", "TARGET", "server (the default) or proxy"},
      {"scheme", "SCHEME", "basic, digest, ntlm or bearer"},
      {"user", "NAME", "the user name; none for bearer"},
      {"password-file", "FILE", "a file with the password; - is standard input"}};
  command.run = RunSetCredentials;
  return command;
}

Command RemoveCredentialsCommand() {
  Command command;
  command.name = "remove-credentials";
  command.arguments = "JOB";
  command.summary = "take a user name and password from a job";
  command.help = "Prints nothing when it is done, and says so where there were none.\n";
  command.options = {{"target", "TARGET", "server (the default) or proxy"},
                     {"scheme", "SCHEME", "basic, digest, ntlm or bearer"}};
  command.run = RunRemoveCredentials;
  return command;
}

}  // namespace bits::cli
