// The head of an HTTP response, as far as the engine cares. Pure.
#ifndef BITS_SERVER_TRANSFER_RESPONSE_HEAD_H_
#define BITS_SERVER_TRANSFER_RESPONSE_HEAD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bits::transfer {

struct ResponseHead {
  uint32_t status = 0;
  bool persistent = false;  // HTTP/1.1 and no Connection: close
  std::optional<uint64_t> content_length;
  bool bad_length = false;  // a Content-Length that is no number, or two that differ
  // Of Transfer-Encoding:
  bool chunked = false;
  bool identity_coding = false;  // which is none, but libcurl then reads until the close
  bool unknown_coding = false;   // any other, or chunked twice
  std::string etag;
  std::string last_modified;
  std::string date;
  std::string content_range;
  std::string content_type;
  std::string content_encoding;
  std::string accept_ranges;
  std::string retry_after;
  std::string location;
};

// Takes a response's lines one by one, each with or without its line end, as libcurl gives them.
class ResponseHeadParser {
 public:
  // True if the line ended a head; head() is whole then. The next status line begins anew.
  bool Add(std::string_view line);
  const ResponseHead& head() const { return head_; }

 private:
  void AddField(std::string_view name, std::string_view value);
  void AddTransferCodings(std::string_view list);
  ResponseHead head_;
};

// "bytes 0-99/1000", "bytes 0-99/*".
struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;  // at least first
  std::optional<uint64_t> total;
  bool operator==(const ContentRange&) const = default;
};
std::optional<ContentRange> ParseContentRange(std::string_view text);

// "bytes */1000": the total.
std::optional<uint64_t> ParseUnsatisfiedRange(std::string_view text);

// Decimal digits alone, within 64 bits.
std::optional<uint64_t> ParseNumber(std::string_view text);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_RESPONSE_HEAD_H_
