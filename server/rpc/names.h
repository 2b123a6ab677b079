// Resource names, request ids and etags. Pure; any thread.
#ifndef BITS_SERVER_RPC_NAMES_H_
#define BITS_SERVER_RPC_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/domain/job.h"

namespace bits::rpc {

// 8-4-4-4-12 hexadecimal digits, of either case.
bool IsUuid(std::string_view text);
// In lower case.
std::string CanonicalUuid(std::string_view uuid);

// `jobs/{job}`, `jobs/{job}/files/{file}`, `jobs/{job}/notifications/{notification}`.
std::string JobName(const domain::JobId& id);
std::string NotificationName(const domain::JobId& id, uint64_t number);
std::string FileName(const domain::JobId& id, uint32_t ordinal);

struct FileId {
  domain::JobId job;
  uint32_t ordinal = 0;
};

struct NotificationId {
  domain::JobId job;
  uint64_t number = 0;
};

// INVALID_ARGUMENT on `field` if the name has another form. The UUID may be in either case.
absl::StatusOr<domain::JobId> ParseJobName(std::string_view name, std::string_view field);
absl::StatusOr<FileId> ParseFileName(std::string_view name, std::string_view field);
absl::StatusOr<NotificationId> ParseNotificationName(std::string_view name, std::string_view field);

// A job's etag: its revision in double quotes.
std::string FormatEtag(uint64_t revision);
// The revision that it asks for; nullopt if it is empty: any. A text that is no etag of
// ours asks for revision 0, which no job ever has: it matches nothing, as HTTP has it.
std::optional<uint64_t> ParseEtag(std::string_view etag);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_NAMES_H_
