#include "client/cli/error_text.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include "bits/status.h"
#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

std::string ContextName(v1::ErrorContext context) {
  const std::string name = v1::ErrorContext_Name(context);
  const std::string prefix = "ERROR_CONTEXT_";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

// What gRPC says of a connection that failed, down to what a user needs: "failed to
// connect to all addresses; last error: UNKNOWN: ipv4:...: Connection refused".
std::string ConnectionTrouble(const std::string& message) {
  const auto colon = message.rfind(": ");
  const bool wordy = message.starts_with("failed to connect") && colon != std::string::npos;
  return wordy ? message.substr(colon + 2) : message;
}

bool IsWrongChecksum(const v1::Error& error) { return error.code() == "BG_E_VALIDATION_FAILED"; }

bool WantsCredentials(const v1::Error& error) {
  return error.http_status() == 401 || error.http_status() == 407 ||
         error.code() == "BG_E_INVALID_CREDENTIALS";
}

const char* Advice(const v1::Error& error) {
  if (WantsCredentials(error)) {
    return "Give the job a user name and password (or those of before anew); then go on.";
  }
  if (error.code() == "BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED") {
    return "The limit stays as it is once the job has run: cancel it and make one with a larger\n"
           "--max-size.";
  }
  if (error.code() == "BG_E_INVALID_PROXY_INFO") {
    return "Mend its proxies with `set --proxy`; then go on.";
  }
  if (IsWrongChecksum(error)) {
    return "What came is not what the checksum says: see that the URL is the right one, then go\n"
           "on, which fetches the file anew. If the checksum is wrong, cancel and make a new job.";
  }
  if (error.code() == "ERROR_DIRECTORY") {
    return "A file stands where the local name needs a directory: move it away; then go on.";
  }
  switch (error.context()) {
    case v1::ERROR_CONTEXT_LOCAL_FILE:
      return "Make room, or give bitsd the right to write there; then go on.";
    case v1::ERROR_CONTEXT_REMOTE_FILE:
      if (error.http_status() == 403) {
        return "The origin refuses this download: see that the URL may be read, or give another.";
      }
      return "See that the URL is right and its server answers, or give another; then go on.";
    case v1::ERROR_CONTEXT_GENERAL_QUEUE_MANAGER:
      return "A limit of the job was reached: change it with `set` if need be; then go on.";
    default:
      return "Mend what the error says; then go on.";
  }
}

// What to do about a file that could not get its final name; empty of other refusals.
std::string_view PublishAdvice(const absl::Status& status) {
  const auto info = GetErrorInfo(status);
  if (!info || !info->metadata.contains("local_name")) return "";
  if (info->reason == "E_ACCESSDENIED") {
    return "\nSee that bitsd may write there, and that the name is not that of a directory.";
  }
  if (info->reason == "ERROR_DIRECTORY") {
    return "\nA file stands where the local name needs a directory: move it away.";
  }
  return "";
}

}  // namespace

std::string HresultText(std::uint32_t hresult) { return absl::StrFormat("0x%08X", hresult); }

std::string ErrorSummary(const v1::Error& error) {
  return absl::StrCat(Printable(error.code()), " (", HresultText(error.hresult()),
                      "): ", Printable(error.description()));
}

std::string ErrorDetails(const v1::Error& error, absl::TimeZone zone) {
  std::string text;
  const auto line = [&text](const char* title, const std::string& value) {
    if (!value.empty()) absl::StrAppendFormat(&text, "%-12s %s\n", title, Printable(value));
  };
  line("Error:", absl::StrCat(error.code(), " (", HresultText(error.hresult()), ")"));
  line("Meaning:", error.description());
  line("Context:",
       absl::StrCat(ContextName(error.context()), error.context_description().empty() ? "" : ": ",
                    error.context_description()));
  line("Remote:", error.remote_name());
  line("Local:", error.local_name());
  line("Protocol:", error.protocol());
  if (error.http_status() != 0) line("HTTP status:", absl::StrCat(error.http_status()));
  line("When:", absl::StrCat(TimeText(error.occur_time(), zone), ", attempt ", error.attempt()));
  line("Next try:", error.transient() ? TimeText(error.retry_time(), zone)
                                      : "none; the job waits for its owner");
  return text;
}

std::string ErrorAdvice(const v1::Error& error, const std::string& bitsctl,
                        const std::string& job) {
  if (error.transient()) {
    return absl::StrCat("bitsd tries again by itself at the time of the next try. To try now:\n  ",
                        bitsctl, " resume ", job, "\n");
  }
  const std::string file =
      error.file().empty() ? "FILE" : error.file().substr(error.file().rfind('/') + 1);
  std::string text = absl::StrCat(Advice(error), "\n");
  const auto command = [&](const std::string& words, const char* what) {
    absl::StrAppend(&text, "  ", bitsctl, " ", words, "\n      ", what, "\n");
  };
  if (WantsCredentials(error)) {
    command(absl::StrCat("set-credentials ", job, " --scheme=basic --user=NAME"),
            error.http_status() == 407 ? "with --target=proxy, for the proxy"
                                       : "or --scheme=digest, ntlm, bearer");
  }
  if (error.context() == v1::ERROR_CONTEXT_REMOTE_FILE || IsWrongChecksum(error)) {
    command(absl::StrCat("set-remote ", job, " ", file, " URL"), "another URL for the file");
  }
  command(absl::StrCat("transfer --resume ", job), "go on and show it");
  command(absl::StrCat("complete ", job), "keep the files that are whole, and end the job");
  command(absl::StrCat("cancel ", job), "end the job and delete what it fetched");
  return text;
}

std::string FailureText(const absl::Status& status, const std::string& address) {
  const std::string message = Printable(std::string(status.message()));
  const std::string reason = GetErrorReason(status);
  if (status.code() == absl::StatusCode::kUnavailable && reason.empty()) {
    return absl::StrCat("no bitsd answers at ", Printable(address), ": ",
                        ConnectionTrouble(message),
                        "\nIs it running? --server=ADDRESS or BITS_SERVER says where.");
  }
  if (status.code() == absl::StatusCode::kDeadlineExceeded && reason.empty()) {
    return absl::StrCat("bitsd at ", Printable(address), " did not answer in time");
  }
  // Messages made on this side may have lines of their own.
  std::string text = reason.empty() ? std::string(status.message()) : message;
  if (!reason.empty()) {
    const auto hresult = GetHresult(status);
    absl::StrAppend(&text, " (", Printable(reason),
                    hresult ? absl::StrCat(", ", HresultText(*hresult)) : "", ")");
  }
  for (const auto& violation : GetFieldViolations(status)) {
    const std::string said = absl::StrCat(violation.field, ": ", violation.description);
    if (message.find(said) == std::string::npos) {
      absl::StrAppend(&text, "\n  ", Printable(said));
    }
  }
  return text + std::string(PublishAdvice(status));
}

}  // namespace bits::cli
