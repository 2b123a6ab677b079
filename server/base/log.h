// A structured log: one line to standard error for each call, written with one
// write(2), so that lines of several threads do not mix. Secrets do not belong
// here: pass URLs through RedactUrl().
//
//   BITS_LOG(kInfo, "job created", {{"job", id}, {"files", n}});
//
// As text:
//   2026-01-31T12:34:56.789012Z INFO  job created job=1b2c files=3 (job_service.cc:42)
// As JSON, one object on a line:
//   {"time":"2026-01-31T12:34:56.789012Z","severity":"INFO","message":"job created",
//    "source":"job_service.cc:42","job":"1b2c","files":3}

#ifndef BITS_SERVER_BASE_LOG_H_
#define BITS_SERVER_BASE_LOG_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace bits {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

// One key and its value. It points to what it was given: for use as a temporary.
class LogField {
 public:
  LogField(std::string_view key, std::string_view value);
  LogField(std::string_view key, const std::string& value);
  LogField(std::string_view key, const char* value);
  LogField(std::string_view key, absl::string_view value);
  LogField(std::string_view key, const absl::Status& value);
  LogField(std::string_view key, bool value);
  LogField(std::string_view key, double value);
  template <std::integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view key, T value)
      : LogField(key, std::to_string(value), Unquoted{}) {}

  std::string_view key() const { return key_; }
  std::string_view value() const { return is_view_ ? view_ : std::string_view(own_); }
  bool quoted() const { return quoted_; }  // A string in JSON, rather than a number or bool.

 private:
  struct Unquoted {};
  LogField(std::string_view key, std::string value, Unquoted);

  std::string_view key_;
  std::string_view view_;
  std::string own_;
  bool is_view_ = true;
  bool quoted_ = true;
};

// Lines below the level are dropped; kInfo and kText at the start. Any thread,
// at any time.
void SetLogLevel(LogLevel level);
void SetLogFormat(LogFormat format);

// "debug", "info", "warning", "error"; "text", "json". nullopt for anything else.
std::optional<LogLevel> ParseLogLevel(std::string_view name);
std::optional<LogFormat> ParseLogFormat(std::string_view name);

bool LogEnabled(LogLevel level);

// Writes a line whatever the level is; BITS_LOG asks LogEnabled() first, so that
// fields of a dropped line cost nothing.
void WriteLog(LogLevel level, std::string_view file, int line, std::string_view message,
              std::initializer_list<LogField> fields = {});

// Where lines go: standard error (2) at the start. Gives the one before. The
// descriptor stays the caller's. For tests.
int SetLogFd(int fd);

}  // namespace bits

#define BITS_LOG(level, ...)                                                      \
  do {                                                                            \
    if (::bits::LogEnabled(::bits::LogLevel::level)) {                            \
      ::bits::WriteLog(::bits::LogLevel::level, __FILE__, __LINE__, __VA_ARGS__); \
    }                                                                             \
  } while (false)

#endif  // BITS_SERVER_BASE_LOG_H_
