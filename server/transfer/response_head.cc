#include "server/transfer/response_head.h"

#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/base/strings.h"

namespace bits::transfer {
namespace {

std::string_view Trim(std::string_view text) { return Sv(absl::StripAsciiWhitespace(Av(text))); }

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(Av(a), Av(b));
}

// Whether a comma-separated list has the token.
bool HasToken(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (EqualsIgnoreCase(Trim(list.substr(0, comma)), token)) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

// "bytes", case and space around it aside; the rest is left in `text`.
bool TakeUnit(std::string_view& text) {
  constexpr std::string_view kUnit = "bytes";
  text = Trim(text);
  if (text.size() <= kUnit.size() || !EqualsIgnoreCase(text.substr(0, kUnit.size()), kUnit)) {
    return false;
  }
  text.remove_prefix(kUnit.size());
  // Some servers write "bytes=0-9/10" or "bytes: 0-9/10".
  if (text.front() != ' ' && text.front() != '=' && text.front() != ':') return false;
  text = Trim(text.substr(1));
  return true;
}

}  // namespace

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

std::optional<ContentRange> ParseContentRange(std::string_view text) {
  if (!TakeUnit(text)) return std::nullopt;
  const size_t slash = text.find('/');
  const size_t dash = text.find('-');
  if (slash == std::string_view::npos || dash > slash) return std::nullopt;
  const std::optional<uint64_t> first = ParseNumber(Trim(text.substr(0, dash)));
  const std::optional<uint64_t> last = ParseNumber(Trim(text.substr(dash + 1, slash - dash - 1)));
  if (!first || !last || *last < *first) return std::nullopt;
  ContentRange range{*first, *last, std::nullopt};
  const std::string_view total = Trim(text.substr(slash + 1));
  if (total != "*") {
    range.total = ParseNumber(total);
    if (!range.total || *range.total <= *last) return std::nullopt;
  }
  return range;
}

std::optional<uint64_t> ParseUnsatisfiedRange(std::string_view text) {
  if (!TakeUnit(text) || !text.starts_with('*')) return std::nullopt;
  text = Trim(text.substr(1));
  if (!text.starts_with('/')) return std::nullopt;
  return ParseNumber(Trim(text.substr(1)));
}

bool ResponseHeadParser::Add(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return true;
  if (line.starts_with("HTTP/")) {
    head_ = ResponseHead();
    head_.persistent = line.starts_with("HTTP/1.1");
    const size_t space = line.find(' ');
    if (space != std::string_view::npos) {
      const std::string_view rest = Trim(line.substr(space));
      const std::optional<uint64_t> status = ParseNumber(rest.substr(0, rest.find(' ')));
      if (status && *status < 1000) head_.status = static_cast<uint32_t>(*status);
    }
    return false;
  }
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    AddField(Trim(line.substr(0, colon)), Trim(line.substr(colon + 1)));
  }
  return false;
}

void ResponseHeadParser::AddTransferCodings(std::string_view list) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view coding = Trim(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (coding.empty()) continue;
    if (EqualsIgnoreCase(coding, "identity")) {  // of HTTP before RFC 7230: none
      head_.identity_coding = true;
    } else if (EqualsIgnoreCase(coding, "chunked") && !head_.chunked) {
      head_.chunked = true;
    } else {
      head_.unknown_coding = true;
    }
  }
}

void ResponseHeadParser::AddField(std::string_view name, std::string_view value) {
  const auto is = [name](std::string_view wanted) { return EqualsIgnoreCase(name, wanted); };
  if (is("Content-Length")) {
    const std::optional<uint64_t> length = ParseNumber(value);
    if (!length || (head_.content_length && *head_.content_length != *length)) {
      head_.bad_length = true;
    }
    head_.content_length = length;
  } else if (is("Transfer-Encoding")) {
    AddTransferCodings(value);
  } else if (is("Connection") || is("Proxy-Connection")) {
    if (HasToken(value, "close")) head_.persistent = false;
  } else if (is("ETag")) {
    head_.etag = value;
  } else if (is("Last-Modified")) {
    head_.last_modified = value;
  } else if (is("Date")) {
    head_.date = value;
  } else if (is("Content-Range")) {
    head_.content_range = value;
  } else if (is("Content-Type")) {
    head_.content_type = value;
  } else if (is("Content-Encoding")) {
    if (!head_.content_encoding.empty()) head_.content_encoding += ", ";
    head_.content_encoding += value;
  } else if (is("Accept-Ranges")) {
    head_.accept_ranges = value;
  } else if (is("Retry-After")) {
    head_.retry_after = value;
  } else if (is("Location")) {
    head_.location = value;
  }
}

}  // namespace bits::transfer
