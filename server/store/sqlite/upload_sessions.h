// The sessions of uploads in SQLite. Statuses are those of app::UploadSessionWrites and -Reads.
#ifndef BITS_SERVER_STORE_SQLITE_UPLOAD_SESSIONS_H_
#define BITS_SERVER_STORE_SQLITE_UPLOAD_SESSIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/domain/upload_session.h"
#include "server/store/sqlite/database.h"

namespace bits::store {

absl::Status WriteUploadSession(Database& database, const domain::UploadSession& session);
absl::Status RemoveUploadSession(Database& database, const std::string& id);
absl::StatusOr<uint32_t> ReadUploadCount(Database& database, const std::string& client,
                                         uint32_t most);
absl::StatusOr<domain::UploadSession> ReadUploadSession(Database& database, const std::string& id);
absl::StatusOr<std::vector<std::string>> ReadExpiredUploads(Database& database, absl::Time now,
                                                            uint32_t limit);
absl::StatusOr<absl::Time> ReadNextUploadExpiry(Database& database, absl::Time after);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_UPLOAD_SESSIONS_H_
