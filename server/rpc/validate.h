// The form of requests, as the protos state it: a refused one gives INVALID_ARGUMENT that names
// the field and the rule (base/error_info.h), the first that is wrong. What depends on the
// state is the application's to check. Pure; any thread.
#ifndef BITS_SERVER_RPC_VALIDATE_H_
#define BITS_SERVER_RPC_VALIDATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bits/v1/file.pb.h"
#include "bits/v1/job.pb.h"
#include "bits/v1/job_service.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "server/app/job_manager.h"
#include "server/domain/event.h"
#include "server/domain/job.h"
#include "server/domain/policy.h"

namespace bits::rpc {

inline constexpr size_t kDisplayNameCharacters = 256;
inline constexpr size_t kDescriptionCharacters = 1024;
inline constexpr size_t kRemoteNameBytes = 2200;
inline constexpr size_t kLocalNameBytes = 4096;
inline constexpr size_t kLocalNameComponentBytes = 255;
inline constexpr int kFilesPerCall = 10'000;
inline constexpr size_t kLabelsPerJob = 64;
inline constexpr size_t kLabelKeyCharacters = 63;
inline constexpr size_t kLabelValueBytes = 256;
inline constexpr absl::Duration kLongestDuration = absl::Hours(365 * 24);
inline constexpr uint32_t kDefaultPageSize = 100;
inline constexpr uint32_t kMaximumPageSize = 1000;

// The properties of a new job. A type other than download is UNIMPLEMENTED (E_NOTIMPL).
// The policy gives the defaults that are not fixed.
absl::StatusOr<domain::Job> NewJobFrom(const v1::CreateJobRequest& request,
                                       const domain::Policy& policy = {});

// What UpdateJob is to write: that of update_mask, see the proto. In a mask an unset
// property means its default; an empty mask never clears anything.
absl::StatusOr<domain::Update> UpdateFrom(const v1::UpdateJobRequest& request,
                                          const domain::Policy& policy = {});

// What UpdateFile is to write.
absl::StatusOr<app::FileUpdate> FileUpdateFrom(const v1::UpdateFileRequest& request);
absl::StatusOr<app::PrefixChange> PrefixChangeFrom(const v1::ReplaceRemotePrefixRequest& request);

// `files` of CreateJob and AddFiles: at most kFilesPerCall.
absl::StatusOr<std::vector<app::NewFile>> FilesFrom(
    const google::protobuf::RepeatedPtrField<v1::File>& files);

// 0 is kDefaultPageSize, what is above kMaximumPageSize is that.
absl::StatusOr<uint32_t> PageSizeFrom(int32_t page_size);

// Empty or a UUID.
absl::Status CheckRequestId(std::string_view request_id);

// What is wrong with the name, or nullopt. No part of it is in the answer: it may hold secrets.
std::optional<std::string> RemoteNameFault(std::string_view name);
std::optional<std::string> LocalNameFault(std::string_view name);

bool IsLabelKey(std::string_view key);

// Not negative, at most kLongestDuration.
absl::StatusOr<absl::Duration> DurationFrom(const google::protobuf::Duration& duration,
                                            std::string_view field);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_VALIDATE_H_
