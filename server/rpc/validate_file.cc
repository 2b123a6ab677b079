// Files: FilesFrom, FileUpdateFrom and PrefixChangeFrom of validate.h.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/domain/error_code.h"
#include "server/domain/holds.h"
#include "server/rpc/convert.h"
#include "server/rpc/validate.h"

namespace bits::rpc {
namespace {

std::optional<std::string> HttpUrlFault(const std::string& url) {
  if (auto fault = RemoteNameFault(url)) return fault;
  if (domain::HostOf(url).empty()) return "must be an http or https URL";
  return std::nullopt;
}

constexpr uint64_t kLengthToEof = std::numeric_limits<uint64_t>::max();  // BG_LENGTH_TO_EOF

absl::StatusOr<std::optional<domain::Checksum>> ChecksumFrom(const v1::File& file,
                                                             const std::string& field) {
  std::optional<domain::Checksum> checksum;
  if (!file.has_checksum()) return checksum;
  const auto algorithm = AlgorithmFrom(file.checksum().algorithm());
  if (!algorithm) {
    return InvalidField(field + ".algorithm", "must be a value of Checksum.Algorithm but 0");
  }
  static constexpr size_t kBytes[] = {0, 32, 64, 16, 4};  // by ChecksumAlgorithm
  const size_t digits = 2 * kBytes[static_cast<size_t>(*algorithm)];
  const std::string& hex = file.checksum().hex();
  const std::string& uri = file.checksum().uri();
  if (!uri.empty()) {
    if (!hex.empty()) return InvalidField(field + ".uri", "must not be given together with hex");
    if (const auto fault = HttpUrlFault(uri)) return InvalidField(field + ".uri", *fault);
    checksum = domain::Checksum{*algorithm, "", uri};
    return checksum;
  }
  const bool is_hex = std::all_of(hex.begin(), hex.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  if (hex.size() != digits || !is_hex) {
    return InvalidField(field + ".hex", "must be " + std::to_string(digits) +
                                            " hexadecimal digits for this algorithm");
  }
  checksum = domain::Checksum{*algorithm, absl::AsciiStrToLower(hex)};
  return checksum;
}

absl::StatusOr<domain::FileRanges> RangesFrom(const v1::File& file, const std::string& field) {
  domain::FileRanges ranges;
  for (const v1::FileRange& from : file.ranges()) {
    domain::FileRange& range = ranges.emplace_back();
    range.offset = from.offset();
    if (from.has_length() && from.length() != kLengthToEof) range.length = from.length();
  }
  if (const auto fault = domain::FaultOf(ranges)) {
    return InvalidField(field, fault->rule, domain::SymbolOf(fault->hresult));
  }
  return ranges;
}

absl::StatusOr<std::vector<std::string>> MirrorsFrom(const v1::File& file,
                                                     const std::string& field) {
  if (file.mirrors_size() > static_cast<int>(domain::kMirrorsPerFile)) {
    return InvalidField(field, "must be at most 16");
  }
  std::vector<std::string> mirrors;
  for (const std::string& mirror : file.mirrors()) {
    const std::string name = field + "[" + std::to_string(mirrors.size()) + "]";
    if (const auto fault = HttpUrlFault(mirror)) return InvalidField(name, *fault);
    if (mirror == file.remote_name()) return InvalidField(name, "must not be the remote name");
    if (std::find(mirrors.begin(), mirrors.end(), mirror) != mirrors.end()) {
      return InvalidField(name, "must be given once");
    }
    mirrors.push_back(mirror);
  }
  return mirrors;
}

}  // namespace

absl::StatusOr<app::FileUpdate> FileUpdateFrom(const v1::UpdateFileRequest& request) {
  const v1::File& file = request.file();
  bool name = false;
  bool validation = false;
  for (const std::string& path : request.update_mask().paths()) {
    if (path != "*" && path != "remote_name" && path != "validation_state") {
      return InvalidField("update_mask", "`" + path + "` is not a path that can be written");
    }
    name = name || path != "validation_state";
    validation = validation || path == "validation_state";
  }
  if (!validation) validation = file.validation_state() != v1::File::VALIDATION_STATE_UNSPECIFIED;
  if (request.update_mask().paths().empty()) name = !file.remote_name().empty() || !validation;
  app::FileUpdate update;
  if (name) {
    if (const auto fault = RemoteNameFault(file.remote_name())) {
      return InvalidField("file.remote_name", *fault);
    }
    update.remote_name = file.remote_name();
  }
  if (validation) {
    const auto state = file.validation_state();
    if (state != v1::File::VALIDATION_STATE_VALID && state != v1::File::VALIDATION_STATE_INVALID) {
      return InvalidField("file.validation_state",
                          "must be VALIDATION_STATE_VALID or VALIDATION_STATE_INVALID");
    }
    update.valid = state == v1::File::VALIDATION_STATE_VALID;
  }
  return update;
}

absl::StatusOr<app::PrefixChange> PrefixChangeFrom(const v1::ReplaceRemotePrefixRequest& request) {
  for (const auto& [field, prefix] : {std::pair("old_prefix", &request.old_prefix()),
                                      std::pair("new_prefix", &request.new_prefix())}) {
    if (prefix->empty()) return InvalidField(field, "is required");
    if (prefix->size() > kRemoteNameBytes) return InvalidField(field, "must be at most 2,200 bytes");
  }
  return app::PrefixChange{request.old_prefix(), request.new_prefix(), RemoteNameFault};
}

absl::StatusOr<std::vector<app::NewFile>> FilesFrom(
    const google::protobuf::RepeatedPtrField<v1::File>& files) {
  if (files.size() > kFilesPerCall) return InvalidField("files", "must be at most 10,000 a call");
  std::vector<app::NewFile> checked;
  checked.reserve(static_cast<size_t>(files.size()));
  for (int i = 0; i < files.size(); ++i) {
    const v1::File& file = files[i];
    const std::string field = "files[" + std::to_string(i) + "]";
    if (const auto fault = RemoteNameFault(file.remote_name())) {
      return InvalidField(field + ".remote_name", *fault);
    }
    if (const auto fault = LocalNameFault(file.local_name())) {
      return InvalidField(field + ".local_name", *fault);
    }
    BITS_ASSIGN_OR_RETURN(std::optional<domain::Checksum> checksum,
                          ChecksumFrom(file, field + ".checksum"));
    BITS_ASSIGN_OR_RETURN(domain::FileRanges ranges, RangesFrom(file, field + ".ranges"));
    BITS_ASSIGN_OR_RETURN(std::vector<std::string> mirrors, MirrorsFrom(file, field + ".mirrors"));
    checked.push_back({file.remote_name(), file.local_name(), std::move(checksum),
                       std::move(ranges), std::move(mirrors)});
  }
  return checked;
}

}  // namespace bits::rpc
