// A job's id in 16 bytes, as stores keep it. Any thread.
#ifndef BITS_SERVER_STORE_JOB_ID_H_
#define BITS_SERVER_STORE_JOB_ID_H_

#include <optional>
#include <string>
#include <string_view>

#include "server/domain/job.h"

namespace bits::store {

// Nullopt if `id` is no UUID in canonical lower-case form. Ids and their packed forms sort
// alike.
std::optional<std::string> PackJobId(std::string_view id);

// Nullopt if `packed` is not 16 bytes.
std::optional<domain::JobId> UnpackJobId(std::string_view packed);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_JOB_ID_H_
