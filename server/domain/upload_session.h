// Uploads that the server receives: the server role of [MC-BUP], packet by packet. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_UPLOAD_SESSION_H_
#define BITS_SERVER_DOMAIN_UPLOAD_SESSION_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "server/domain/error.h"
#include "server/domain/file_kind.h"

namespace bits::domain {

// How the server application hears of an upload: BITSServerNotificationType, by its numbers.
enum class UploadNotification : uint8_t { kNone = 0, kByReference = 1, kByValue = 2 };

// What holds for uploads to the URLs beneath one path.
struct UploadLocation {
  std::string path = "/";  // begins and ends with a slash, decoded
  std::string root;        // the directory they go to: absolute, no slash at its end
  bool enabled = true;     // BITSUploadEnabled
  uint64_t max_size = std::numeric_limits<int64_t>::max();  // bytes: BITSMaximumUploadSize
  bool overwrite = false;                                   // BITSAllowOverwrites
  // Since the last packet that was answered with success: BITSSessionTimeout.
  absl::Duration session_timeout = absl::Hours(14 * 24);
  uint32_t max_sessions_per_client = 50;  // BITSNumberOfSessionsLimit; 0: no limit
  UploadNotification notification = UploadNotification::kNone;
  std::string notification_url;  // BITSServerNotificationURL
  std::string host_id;           // BITSHostId; empty: none is sent
  absl::Duration host_id_fallback_timeout = absl::Hours(24);  // BITSHostIdFallbackTimeout
};

enum class UploadState : uint8_t {
  // RECEIVE_FRAGMENTS; also while all bytes are there, but were not delivered.
  kReceiving = 0,
  kDelivered = 1,  // WAIT_FOR_CLOSE: published, or taken by the application
  kEnded = 2,      // unknown to clients; its files are still to be deleted
};

// One upload, as the store keeps it.
struct UploadSession {
  std::string id;           // "{GUID}"
  std::string client;       // whose it is: see max_sessions_per_client
  std::string location;     // the path of the one that it was created at; of earlier versions empty
  std::string destination;  // absolute, as are the next two
  std::string temporary;
  std::string reply;  // where the application's reply is, if has_reply
  UploadState state = UploadState::kReceiving;
  std::optional<uint64_t> total;  // fixed by the first fragment
  uint64_t received = 0;          // so many of the first bytes are durable
  std::string identity;           // of the temporary file; empty: there is none yet
  absl::Time create_time;
  absl::Time expire_time;  // when it ends by itself; of an ended one: when its files are deleted
  bool refused = false;    // the application said 403: it is not asked again
  bool published = false;  // the destination is it
  std::string reply_url;   // what the last fragment's ack says; empty: nothing
  bool has_reply = false;
  uint64_t reply_size = 0;
  absl::Time reply_time;

  // All bytes are there.
  bool whole() const { return total.has_value() && received == *total; }
  bool operator==(const UploadSession&) const = default;
};

// What a packet is answered with.
struct UploadAnswer {
  uint32_t status = 200;
  // Of an error: BITS-Error-Code, BITS-Error, and BITS-Error-Context, which is 5 or 7.
  Hresult hresult = 0;
  ErrorContext context = ErrorContext::kNone;
  std::string session_id = {};
  bool created = false;                       // the ack of Create-Session: protocol, host id
  std::optional<uint64_t> received = {};      // BITS-Received-Content-Range
  std::string reply_url = {};                 // BITS-Reply-URL
  std::string detail = {};                    // for the log: no secrets

  bool ok() const { return status == 200; }
  bool operator==(const UploadAnswer&) const = default;
};

UploadAnswer UploadError(uint32_t status, Hresult hresult, std::string_view detail,
                         ErrorContext context = ErrorContext::kRemoteFile);
UploadAnswer UploadSessionNotFound();
// 500, and transient for clients. What the protocol's documents call the code of a full disk.
inline constexpr Hresult kUploadDiskFull = 0x80070112;
// A failure of the file system, by its code.
UploadAnswer UploadFileError(Hresult hresult, std::string_view detail);
// What is not the client's fault and passes: 503.
UploadAnswer UploadUnavailable(std::string_view detail);

// Why a session cannot be created where `there` stands; nullopt: it can.
std::optional<UploadAnswer> RefuseUpload(const UploadLocation& location, FileKind there);
// The same, where the client has so many sessions already.
std::optional<UploadAnswer> RefuseAnotherUpload(const UploadLocation& location, uint32_t sessions);

// Content-Range and Content-Length. `bytes */0` (ours: an empty file) has length 0 and total 0.
struct UploadRange {
  uint64_t first = 0;
  uint64_t length = 0;
  uint64_t total = 0;
  bool operator==(const UploadRange&) const = default;
};

struct UploadStep {
  // Set: the fragment is of no use, and this is the answer.
  std::optional<UploadAnswer> answer;
  // Else so many of its first bytes are here already; the rest goes behind `received`.
  uint64_t skip = 0;
};
UploadStep DecideFragment(const UploadSession& session, const UploadLocation& location,
                          const UploadRange& range);

// All bytes of the fragment are durable: what the session is then. Deliver it, if it is whole().
void AcceptFragment(UploadSession& session, const UploadRange& range);
// What a session that is not whole is answered with, and one that was delivered.
UploadAnswer FragmentAck(const UploadSession& session);

// What the server application made of an upload.
struct ApplicationAnswer {
  uint32_t status = 0;  // of HTTP; 0: it gave none
  bool timed_out = false;
  Hresult hresult = 0;  // why it gave none
  std::string static_url = {};  // BITS-Static-Response-URL
  bool copy = false;            // BITS-Copy-File-To-Destination
  uint64_t reply_size = 0;      // of the reply file; 0: there is no reply
  std::string detail = {};
};
// Nullopt: it took it (200). Else the error that the client gets, with context 7: by its class in
// BITS's table transient or fatal, and never a status that the protocol has another meaning for.
std::optional<UploadAnswer> ApplicationRefusal(const ApplicationAnswer& answer);

// Longer ones are refused: of the reply, and of the notification with its query.
inline constexpr size_t kLongestUploadUrl = 2200;

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_UPLOAD_SESSION_H_
