// Labels as a column, and the SQL function that looks into it.
#ifndef BITS_SERVER_STORE_SQLITE_LABEL_FUNCTION_H_
#define BITS_SERVER_STORE_SQLITE_LABEL_FUNCTION_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace bits::store {

class Database;

// Each key and value, by key: its length as 4 bytes, the lowest first, then its bytes.
std::string EncodeLabels(const std::map<std::string, std::string>& labels);

// The value of `key` in what EncodeLabels gave; nullopt if it is not there.
std::optional<std::string_view> FindLabel(std::string_view labels, std::string_view key);

// Makes bits_label(labels, key) known: the value as a blob, or NULL. Keys compare as bytes.
absl::Status RegisterLabelFunction(Database& database);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_LABEL_FUNCTION_H_
