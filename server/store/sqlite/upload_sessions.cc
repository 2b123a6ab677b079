#include "server/store/sqlite/upload_sessions.h"

#include <utility>

#include "server/base/status_macros.h"
#include "server/store/record_upload.h"
#include "server/store/sqlite/filter_sql.h"

namespace bits::store {

absl::Status WriteUploadSession(Database& database, const domain::UploadSession& session) {
  const std::string record = EncodeUploadSession(session);
  StatementLease put = database.Cached(
      "INSERT INTO upload_sessions (id, client, ended, expires, record) VALUES (?1, ?2, ?3, ?4, ?5)"
      " ON CONFLICT (id) DO UPDATE SET client = ?2, ended = ?3, expires = ?4, record = ?5");
  put->BindText(1, session.id);
  put->BindText(2, session.client);
  put->BindInt(3, session.state == domain::UploadState::kEnded ? 1 : 0);
  put->BindInt(4, TimeColumn(session.expire_time));
  put->BindBlob(5, record);
  return put->Run();
}

absl::Status RemoveUploadSession(Database& database, const std::string& id) {
  StatementLease remove = database.Cached("DELETE FROM upload_sessions WHERE id = ?1");
  remove->BindText(1, id);
  return remove->Run();
}

absl::StatusOr<uint32_t> ReadUploadCount(Database& database, const std::string& client,
                                         uint32_t most) {
  StatementLease select = database.Cached(
      "SELECT count(*) FROM (SELECT 1 FROM upload_sessions INDEXED BY upload_sessions_by_client"
      " WHERE client = ?1 AND ended = 0 LIMIT ?2)");
  select->BindText(1, client);
  select->BindInt(2, most);
  BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
  return row ? static_cast<uint32_t>(select->Int(0)) : 0;
}

absl::StatusOr<domain::UploadSession> ReadUploadSession(Database& database, const std::string& id) {
  StatementLease select = database.Cached("SELECT record FROM upload_sessions WHERE id = ?1");
  select->BindText(1, id);
  BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
  if (!row) return absl::NotFoundError("no such upload session");
  return DecodeUploadSession(select->Bytes(0));
}

absl::StatusOr<std::vector<std::string>> ReadExpiredUploads(Database& database, absl::Time now,
                                                            uint32_t limit) {
  std::vector<std::string> expired;
  StatementLease select = database.Cached(
      "SELECT id FROM upload_sessions INDEXED BY upload_sessions_by_expiry"
      " WHERE expires <= ?1 ORDER BY expires LIMIT ?2");
  select->BindInt(1, TimeColumn(now));
  select->BindInt(2, limit);
  while (true) {
    BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
    if (!row) return expired;
    expired.emplace_back(select->Bytes(0));
  }
}

absl::StatusOr<absl::Time> ReadNextUploadExpiry(Database& database, absl::Time after) {
  StatementLease select = database.Cached(
      "SELECT expires FROM upload_sessions INDEXED BY upload_sessions_by_expiry"
      " WHERE expires > ?1 ORDER BY expires LIMIT 1");
  select->BindInt(1, TimeColumn(after));
  BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
  return row ? absl::FromUnixNanos(select->Int(0)) : absl::InfiniteFuture();
}

}  // namespace bits::store
