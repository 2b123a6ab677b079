// Domain values to bytes and back: the records that durable stores keep (record.proto).
// What is decoded equals what was encoded, times and durations to the nanosecond. Any
// thread.
#ifndef BITS_SERVER_STORE_RECORD_H_
#define BITS_SERVER_STORE_RECORD_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/app/ports/job_store.h"
#include "server/domain/error.h"
#include "server/domain/job.h"

namespace bits::store {

// A job whose id is no canonical UUID loses it.
std::string EncodeJob(const domain::Job& job);
std::string EncodeFile(const domain::File& file);
std::string EncodeError(const domain::Error& error);
std::string EncodeEvent(const app::EventRecord& event);
std::string EncodeNotification(const app::NotificationRecord& notification);
// Without principal and request_id, by which the record is found.
std::string EncodeRequest(const app::RequestRecord& request);
std::string EncodePolicy(const app::PolicyRecord& policy);

// UNAVAILABLE if the bytes are not such a record: the store is damaged.
absl::StatusOr<domain::Job> DecodeJob(std::string_view record);
absl::StatusOr<domain::File> DecodeFile(std::string_view record);
absl::StatusOr<domain::Error> DecodeError(std::string_view record);
absl::StatusOr<app::EventRecord> DecodeEvent(std::string_view record);
absl::StatusOr<app::NotificationRecord> DecodeNotification(std::string_view record);
absl::StatusOr<app::RequestRecord> DecodeRequest(std::string_view record);
absl::StatusOr<app::PolicyRecord> DecodePolicy(std::string_view record);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_RECORD_H_
