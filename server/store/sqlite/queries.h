// What is read in the same way inside and outside of a write transaction. Statuses are those
// of app::Transaction and app::JobStore.
#ifndef BITS_SERVER_STORE_SQLITE_QUERIES_H_
#define BITS_SERVER_STORE_SQLITE_QUERIES_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/job_store.h"
#include "server/store/sqlite/database.h"

namespace bits::store {

// NOT_FOUND.
absl::Status JobIsMissing();

absl::StatusOr<domain::Job> ReadJob(Database& database, const domain::JobId& id);
absl::StatusOr<domain::File> ReadFile(Database& database, const domain::JobId& id,
                                      uint32_t ordinal);
absl::StatusOr<std::vector<domain::File>> ReadFiles(Database& database, const domain::JobId& id,
                                                    uint32_t after, uint32_t limit);
absl::StatusOr<std::vector<domain::File>> ReadUntransferredFiles(Database& database,
                                                                 const domain::JobId& id,
                                                                 uint32_t after, uint32_t limit);
absl::StatusOr<app::ErrorHistory> ReadErrors(Database& database, const domain::JobId& id);

absl::StatusOr<std::vector<domain::JobId>> ReadHostFailed(Database& database,
                                                          const std::string& host,
                                                          const domain::JobId& after,
                                                          uint32_t limit);
absl::StatusOr<std::vector<domain::JobId>> ReadDue(Database& database, absl::Time now,
                                                   uint32_t limit);
absl::StatusOr<absl::Time> ReadNextTimer(Database& database);
absl::StatusOr<std::vector<domain::JobId>> ReadUnsettled(Database& database,
                                                         const domain::JobId& after,
                                                         uint32_t limit);

absl::StatusOr<std::vector<app::EventRecord>> ReadEvents(Database& database, app::Revision after,
                                                         uint32_t limit);
absl::StatusOr<app::Revision> ReadLastRevision(Database& database);
absl::StatusOr<app::Revision> ReadOldestCursor(Database& database);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_QUERIES_H_
