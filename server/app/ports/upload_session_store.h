// Where the sessions of uploads that are received live: a part of the JobStore, so that there is one
// writer, and one group commit for all.
#ifndef BITS_SERVER_APP_PORTS_UPLOAD_SESSION_STORE_H_
#define BITS_SERVER_APP_PORTS_UPLOAD_SESSION_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/domain/upload_session.h"

namespace bits::app {

// The part of a Transaction.
class UploadSessionWrites {
 public:
  virtual ~UploadSessionWrites() = default;
  // Inserts or replaces, by the id.
  virtual absl::Status PutUploadSession(const domain::UploadSession& session) = 0;
  // Nothing happens if it is not there.
  virtual absl::Status DeleteUploadSession(const std::string& id) = 0;
  // Those of the client that have not ended; counts no further than `most`.
  virtual absl::StatusOr<uint32_t> CountUploadSessions(const std::string& client,
                                                       uint32_t most) = 0;
};

// The part of a JobStore, whose rules hold.
class UploadSessionReads {
 public:
  virtual ~UploadSessionReads() = default;
  // NOT_FOUND if there is none.
  virtual absl::StatusOr<domain::UploadSession> GetUploadSession(const std::string& id) = 0;
  // The ids of those whose expire_time has come, the earliest first.
  virtual absl::StatusOr<std::vector<std::string>> ListExpiredUploads(absl::Time now,
                                                                      uint32_t limit) = 0;
  // The earliest expire_time after `after`; InfiniteFuture if there is none.
  virtual absl::StatusOr<absl::Time> NextUploadExpiry(absl::Time after) = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_UPLOAD_SESSION_STORE_H_
