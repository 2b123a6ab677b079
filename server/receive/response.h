// What is sent back, as text. Pure.
#ifndef BITS_SERVER_RECEIVE_RESPONSE_H_
#define BITS_SERVER_RECEIVE_RESPONSE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "server/domain/upload_session.h"

namespace bits::receive {

struct ResponseOptions {
  bool keep_alive = true;
  // Of the session's ack: BITS-Host-Id and its time-out, where the location has one.
  const domain::UploadLocation* location = nullptr;
  bool challenge = false;  // by Basic, with 401
  bool allow = false;      // the methods that there are, with 405
};
// The ack of a packet, or the error.
std::string AckText(const domain::UploadAnswer& answer, const ResponseOptions& options,
                    absl::Time now);

// What of a reply is sent.
struct ReplyPart {
  uint32_t status = 200;  // 200, 206 or 416
  uint64_t first = 0;
  uint64_t length = 0;
};
// `range`, `if_range`: those fields; nullopt: not there. Several ranges, and what is no range, are
// passed over.
ReplyPart ChoosePart(std::optional<std::string_view> range, std::optional<std::string_view> if_range,
                     std::string_view etag, std::string_view last_modified, uint64_t size);
// The header of a reply.
std::string ReplyHead(const ReplyPart& part, std::string_view etag, std::string_view last_modified,
                      uint64_t size, bool keep_alive, absl::Time now);

// As HTTP writes a time.
std::string HttpDate(absl::Time time);

}  // namespace bits::receive

#endif  // BITS_SERVER_RECEIVE_RESPONSE_H_
