// The header of a request, taken apart by Boost.Beast. Pure.
#ifndef BITS_SERVER_RECEIVE_REQUEST_HEAD_H_
#define BITS_SERVER_RECEIVE_REQUEST_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bits::receive {

// Of one field, and of all together with the request line, in bytes; and how many fields.
inline constexpr size_t kLongestField = 4096;
inline constexpr size_t kLongestHead = 16384;
inline constexpr size_t kMostFields = 64;

struct RequestHead {
  std::string method;
  std::string target;
  bool http11 = true;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
  std::optional<uint64_t> content_length;
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case

  // Nullopt if it is not there. Of one that is there twice, the first.
  std::optional<std::string_view> Find(std::string_view lower_case_name) const;
};

enum class HeadState : uint8_t {
  kMore,     // it is not all there
  kDone,     // and no longer in `buffer`, of which the rest is what follows it
  kBad,      // it is no HTTP, or two of its fields contradict each other
  kTooLong,  // one of the bounds above
};
HeadState TakeHead(std::string& buffer, RequestHead& head);

}  // namespace bits::receive

#endif  // BITS_SERVER_RECEIVE_REQUEST_HEAD_H_
