#include "server/receive/response.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/strings.h"
#include "server/domain/upload_packet.h"

namespace bits::receive {
namespace {

std::string_view Reason(uint32_t status) {
  switch (status) {
    case 200: return "OK";
    case 206: return "Partial Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 411: return "Length Required";
    case 416: return "Range Not Satisfiable";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Answer";
  }
}

std::string Begin(uint32_t status, bool keep_alive, absl::Time now) {
  std::string text = absl::StrCat("HTTP/1.1 ", status, " ", Av(Reason(status)),
                                  "\r\nDate: ", HttpDate(now), "\r\nServer: bitsd\r\n");
  if (!keep_alive) absl::StrAppend(&text, "Connection: close\r\n");
  return text;
}

// Digits only.
std::optional<uint64_t> Number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string HttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time, absl::UTCTimeZone());
}

std::string AckText(const domain::UploadAnswer& answer, const ResponseOptions& options,
                    absl::Time now) {
  std::string text = Begin(answer.status, options.keep_alive, now);
  absl::StrAppend(&text, "BITS-Packet-Type: Ack\r\n");
  if (!answer.session_id.empty()) {
    absl::StrAppend(&text, "BITS-Session-Id: ", answer.session_id, "\r\n");
  }
  if (answer.created) {
    absl::StrAppend(&text, "BITS-Protocol: ", Av(domain::kUploadProtocol),
                    "\r\nAccept-Encoding: Identity\r\n");
    if (options.location != nullptr && !options.location->host_id.empty()) {
      const int64_t seconds =
          absl::ToInt64Seconds(options.location->host_id_fallback_timeout);
      absl::StrAppend(&text, "BITS-Host-Id: ", options.location->host_id,
                      "\r\nBITS-Host-Id-Fallback-Timeout: ", seconds, "\r\n");
    }
  }
  if (answer.received.has_value()) {
    absl::StrAppend(&text, "BITS-Received-Content-Range: ", *answer.received, "\r\n");
  }
  if (!answer.reply_url.empty()) {
    absl::StrAppend(&text, "BITS-Reply-URL: ", answer.reply_url, "\r\n");
  }
  if (!answer.ok()) {
    // The win32 documents have the first name, [MC-BUP] the second.
    const std::string code = absl::StrFormat("0x%X", answer.hresult);
    absl::StrAppend(&text, "BITS-Error-Code: ", code, "\r\nBITS-Error: ", code, "\r\n");
    absl::StrAppendFormat(&text, "BITS-Error-Context: 0x%X\r\n", static_cast<int>(answer.context));
  }
  if (options.challenge) {
    absl::StrAppend(&text, "WWW-Authenticate: Basic realm=\"bitsd\", charset=\"UTF-8\"\r\n");
  }
  if (options.allow) absl::StrAppend(&text, "Allow: BITS_POST, GET, HEAD\r\n");
  absl::StrAppend(&text, "Content-Length: 0\r\n\r\n");
  return text;
}

ReplyPart ChoosePart(std::optional<std::string_view> range, std::optional<std::string_view> if_range,
                     std::string_view etag, std::string_view last_modified, uint64_t size) {
  const ReplyPart whole{200, 0, size};
  constexpr std::string_view kUnit = "bytes=";
  if (!range.has_value() || !range->starts_with(kUnit)) return whole;
  if (if_range.has_value() && *if_range != etag && *if_range != last_modified) return whole;
  const std::string_view text = range->substr(kUnit.size());
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos) return whole;
  const auto first = Number(text.substr(0, dash));
  const auto last = Number(text.substr(dash + 1));
  if (dash == 0) {  // the last so many
    if (!last.has_value()) return whole;
    if (*last == 0) return {416, 0, 0};
    const uint64_t length = std::min(*last, size);
    return {206, size - length, length};
  }
  const bool open = dash + 1 == text.size();
  if (!first.has_value() || (!open && (!last.has_value() || *last < *first))) return whole;
  if (*first >= size) return {416, 0, 0};
  const uint64_t end = open ? size : std::min(*last, size - 1) + 1;
  return {206, *first, end - *first};
}

std::string ReplyHead(const ReplyPart& part, std::string_view etag, std::string_view last_modified,
                      uint64_t size, bool keep_alive, absl::Time now) {
  std::string text = Begin(part.status, keep_alive, now);
  absl::StrAppend(&text, "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\nETag: ",
                  Av(etag), "\r\nLast-Modified: ", Av(last_modified), "\r\n");
  if (part.status == 206) {
    absl::StrAppend(&text, "Content-Range: bytes ", part.first, "-", part.first + part.length - 1,
                    "/", size, "\r\n");
  } else if (part.status == 416) {
    absl::StrAppend(&text, "Content-Range: bytes */", size, "\r\n");
  }
  absl::StrAppend(&text, "Content-Length: ", part.length, "\r\n\r\n");
  return text;
}

}  // namespace bits::receive
