#include "server/receive/request_head.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace bits::receive {
namespace {

namespace http = boost::beast::http;

// A packet with two of these would be two packets.
constexpr std::string_view kOnce[] = {"host",          "bits-packet-type",
                                      "bits-session-id", "bits-supported-protocols",
                                      "content-range", "authorization"};

bool IsTwice(const RequestHead& head) {
  for (const std::string_view name : kOnce) {
    if (std::count_if(head.fields.begin(), head.fields.end(),
                      [name](const auto& field) { return field.first == name; }) > 1) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string_view> RequestHead::Find(std::string_view lower_case_name) const {
  for (const auto& [name, value] : fields) {
    if (name == lower_case_name) return value;
  }
  return std::nullopt;
}

HeadState TakeHead(std::string& buffer, RequestHead& head) {
  // Empty lines before a request are forgiven (RFC 9112, 2.2).
  size_t begin = 0;
  while (buffer.compare(begin, 2, "\r\n") == 0) begin += 2;
  buffer.erase(0, begin);
  const size_t end = buffer.find("\r\n\r\n");
  if (end == std::string::npos) {
    return buffer.size() > kLongestHead ? HeadState::kTooLong : HeadState::kMore;
  }
  const size_t size = end + 4;
  if (size > kLongestHead) return HeadState::kTooLong;

  http::request_parser<http::empty_body> parser;
  parser.header_limit(kLongestHead + 1);
  // Bodies are not its business. (None would be, to Boost 1.74, a limit that all of them exceed.)
  parser.body_limit(std::numeric_limits<uint64_t>::max());
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(buffer.data(), size), error);
  if (error || !parser.is_header_done()) return HeadState::kBad;
  const auto& message = parser.get();
  head = RequestHead();
  head.method = std::string(message.method_string());
  head.target = std::string(message.target());
  head.http11 = message.version() == 11;
  // Whatever it says: there is no body here but one of a Content-Length.
  head.chunked = message.count(http::field::transfer_encoding) > 0;
  head.keep_alive = parser.keep_alive();
  if (const auto length = parser.content_length()) head.content_length = *length;
  for (const auto& field : message) {
    if (head.fields.size() == kMostFields ||
        field.name_string().size() + field.value().size() > kLongestField) {
      return HeadState::kTooLong;
    }
    std::string name(field.name_string());
    absl::AsciiStrToLower(&name);
    head.fields.emplace_back(std::move(name), std::string(field.value()));
  }
  if (IsTwice(head)) return HeadState::kBad;
  const std::string expect(head.Find("expect").value_or(""));
  head.expects_continue = absl::EqualsIgnoreCase(expect, "100-continue");
  buffer.erase(0, size);
  return HeadState::kDone;
}

}  // namespace bits::receive
