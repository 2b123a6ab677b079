#include "server/store/sqlite/label_function.h"

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>

#include "server/store/sqlite/database.h"

namespace bits::store {
namespace {

constexpr size_t kLengthBytes = 4;

void AppendPiece(std::string_view piece, std::string& to) {
  for (size_t i = 0; i < kLengthBytes; ++i) {
    to.push_back(static_cast<char>(piece.size() >> (8 * i)));
  }
  to += piece;
}

// Takes the first piece off `from`; nullopt at the end, or if the rest is no piece.
std::optional<std::string_view> TakePiece(std::string_view& from) {
  if (from.size() < kLengthBytes) return std::nullopt;
  size_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length |= static_cast<size_t>(static_cast<uint8_t>(from[i])) << (8 * i);
  }
  from.remove_prefix(kLengthBytes);
  if (length > from.size()) return std::nullopt;
  const std::string_view piece = from.substr(0, length);
  from.remove_prefix(length);
  return piece;
}

std::string_view BytesOf(sqlite3_value* value) {
  const void* data = sqlite3_value_blob(value);
  const auto size = static_cast<size_t>(sqlite3_value_bytes(value));
  return data == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(data), size);
}

void LabelFunction(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) {
  const std::optional<std::string_view> value =
      FindLabel(BytesOf(arguments[0]), BytesOf(arguments[1]));
  if (!value.has_value()) return sqlite3_result_null(context);
  sqlite3_result_blob64(context, value->data(), value->size(), SQLITE_TRANSIENT);
}

}  // namespace

std::string EncodeLabels(const std::map<std::string, std::string>& labels) {
  std::string encoded;
  for (const auto& [key, value] : labels) {
    AppendPiece(key, encoded);
    AppendPiece(value, encoded);
  }
  return encoded;
}

std::optional<std::string_view> FindLabel(std::string_view labels, std::string_view key) {
  while (true) {
    const std::optional<std::string_view> found = TakePiece(labels);
    const std::optional<std::string_view> value = TakePiece(labels);
    if (!found.has_value() || !value.has_value()) return std::nullopt;
    if (*found == key) return value;
  }
}

absl::Status RegisterLabelFunction(Database& database) {
  const int result = sqlite3_create_function_v2(
      database.handle(), "bits_label", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
      nullptr, &LabelFunction, nullptr, nullptr, nullptr);
  return result == SQLITE_OK ? absl::OkStatus()
                             : database.NoteFailure(result, "registering bits_label");
}

}  // namespace bits::store
