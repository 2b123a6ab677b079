#include "server/base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <utility>

#include "server/base/strings.h"

namespace bits {
namespace {

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::atomic<LogFormat> g_format{LogFormat::kText};
std::atomic<int> g_fd{STDERR_FILENO};

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 4> kSeverities = {"DEBUG", "INFO", "WARNING", "ERROR"};

void AppendTime(std::string& line) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  std::array<char, 64> text{};
  size_t n = strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  line.append(text.data(), n);
  int m = snprintf(text.data(), text.size(), ".%06ldZ", now.tv_nsec / 1000);
  line.append(text.data(), static_cast<size_t>(m));
}

// The length of the valid UTF-8 sequence at the start of `text`, or 0.
size_t Utf8Length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  size_t length = 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) length = 2;
  if (lead >= 0xe0 && lead <= 0xef) length = 3;
  if (lead >= 0xf0 && lead <= 0xf4) length = 4;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;  // Overlong.
  if (lead == 0xed && byte(1) > 0x9f) return 0;  // A surrogate.
  if (lead == 0xf0 && byte(1) < 0x90) return 0;  // Overlong.
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;  // Beyond U+10FFFF.
  return length;
}

void AppendEscape(unsigned code, std::string& line) {
  std::array<char, 8> text{};
  snprintf(text.data(), text.size(), "\\u%04x", code);
  line += text.data();
}

// With JSON's escapes, which serve the text format too: a line must stay one
// line, and a terminal must not be driven by what a remote server said. Bytes
// that are not UTF-8, as a file name may have, become U+FFFD.
void AppendEscaped(std::string_view text, std::string& line) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const auto byte = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      line += "\xef\xbf\xbd";
    } else if (byte == '"' || byte == '\\') {
      line += '\\';
      line += text[0];
    } else if (byte == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      AppendEscape(byte, line);
    } else if (byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) {
      AppendEscape(static_cast<unsigned char>(text[1]), line);  // A C1 control.
    } else {
      line += text.substr(0, length);
    }
    text.remove_prefix(length > 0 ? length : 1);
  }
}

void AppendQuoted(std::string_view text, std::string& line) {
  line += '"';
  AppendEscaped(text, line);
  line += '"';
}

bool IsPlainWord(std::string_view text) {
  if (text.empty()) return false;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string TextLine(LogLevel level, std::string_view source, std::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string line;
  AppendTime(line);
  line += ' ';
  std::string_view severity = kSeverities[static_cast<size_t>(level)];
  line += severity;
  line.append(severity.size() < 5 ? 6 - severity.size() : 1, ' ');
  AppendEscaped(message, line);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key();
    line += '=';
    if (IsPlainWord(field.value())) {
      line += field.value();
    } else {
      AppendQuoted(field.value(), line);
    }
  }
  line += " (";
  line += source;
  line += ")\n";
  return line;
}

std::string JsonLine(LogLevel level, std::string_view source, std::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string line = "{\"time\":\"";
  AppendTime(line);
  line += "\",\"severity\":\"";
  line += kSeverities[static_cast<size_t>(level)];
  line += "\",\"message\":";
  AppendQuoted(message, line);
  line += ",\"source\":";
  AppendQuoted(source, line);
  for (const LogField& field : fields) {
    line += ',';
    AppendQuoted(field.key(), line);
    line += ':';
    if (field.quoted()) {
      AppendQuoted(field.value(), line);
    } else {
      line += field.value();
    }
  }
  line += "}\n";
  return line;
}

}  // namespace

LogField::LogField(std::string_view key, std::string_view value) : key_(key), view_(value) {}
LogField::LogField(std::string_view key, const std::string& value) : key_(key), view_(value) {}
LogField::LogField(std::string_view key, const char* value)
    : key_(key), view_(value == nullptr ? "" : value) {}
LogField::LogField(std::string_view key, absl::string_view value) : key_(key), view_(Sv(value)) {}
LogField::LogField(std::string_view key, const absl::Status& value)
    : key_(key),
      own_(value.ToString(absl::StatusToStringMode::kWithNoExtraData)),
      is_view_(false) {}
LogField::LogField(std::string_view key, bool value)
    : key_(key), view_(value ? "true" : "false"), quoted_(false) {}
LogField::LogField(std::string_view key, double value) : key_(key), is_view_(false) {
  quoted_ = !std::isfinite(value);  // JSON has no number for these.
  std::array<char, 32> text{};
  snprintf(text.data(), text.size(), "%.9g", value);
  own_ = text.data();
}
LogField::LogField(std::string_view key, std::string value, Unquoted)
    : key_(key), own_(std::move(value)), is_view_(false), quoted_(false) {}

void SetLogLevel(LogLevel level) { g_level = level; }
void SetLogFormat(LogFormat format) { g_format = format; }
int SetLogFd(int fd) { return g_fd.exchange(fd); }

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

std::optional<LogFormat> ParseLogFormat(std::string_view name) {
  if (name == "text") return LogFormat::kText;
  if (name == "json") return LogFormat::kJson;
  return std::nullopt;
}

bool LogEnabled(LogLevel level) { return level >= g_level.load(std::memory_order_relaxed); }

void WriteLog(LogLevel level, std::string_view file, int line_number, std::string_view message,
              std::initializer_list<LogField> fields) {
  const int saved_errno = errno;
  std::string source(BaseName(file));
  source += ':';
  source += std::to_string(line_number);
  const std::string line = g_format.load() == LogFormat::kJson
                               ? JsonLine(level, source, message, fields)
                               : TextLine(level, source, message, fields);
  std::string_view rest = line;
  while (!rest.empty()) {
    ssize_t written = ::write(g_fd.load(), rest.data(), rest.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      break;  // There is nowhere to say so.
    }
    rest.remove_prefix(static_cast<size_t>(written));
  }
  errno = saved_errno;
}

}  // namespace bits
