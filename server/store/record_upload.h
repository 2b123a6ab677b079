// A session of an upload to bytes and back; see record.h. Any thread.
#ifndef BITS_SERVER_STORE_RECORD_UPLOAD_H_
#define BITS_SERVER_STORE_RECORD_UPLOAD_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/domain/upload_session.h"

namespace bits::store {

std::string EncodeUploadSession(const domain::UploadSession& session);
// UNAVAILABLE if the bytes are none: the store is damaged.
absl::StatusOr<domain::UploadSession> DecodeUploadSession(std::string_view record);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_RECORD_UPLOAD_H_
