// The schema, and how an older database gets it.
#ifndef BITS_SERVER_STORE_SQLITE_MIGRATIONS_H_
#define BITS_SERVER_STORE_SQLITE_MIGRATIONS_H_

#include <cstdint>
#include <span>

#include "absl/status/status.h"

namespace bits::store {

class Database;

// In PRAGMA application_id: "bitd".
inline constexpr int64_t kApplicationId = 0x62697464;

// SQL that leads from one schema version to the next.
using Migration = const char*;

// Those of this bitsd, from the file migrations/0001_*.sql on. After the first n of them the
// version, in PRAGMA user_version, is n.
std::span<const Migration> Migrations();

// Brings the database, new or older, to the version that `migrations` lead to, each in a
// transaction: what fails or is killed leaves an older version, whole. FAILED_PRECONDITION
// if the database is newer, or another program's; UNAVAILABLE if it cannot be written.
absl::Status Migrate(Database& database, std::span<const Migration> migrations);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_MIGRATIONS_H_
