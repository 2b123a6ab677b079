#include "client/cli/file_args.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "client/cli/text.h"

namespace bits::cli {
namespace {

bool LooksLikeUrl(const std::string& text) { return text.find("://") != std::string::npos; }

std::string DecodePercents(const std::string& text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() &&
                        absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
                        absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]));
    decoded += escape ? static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16))
                      : text[i];
    if (escape) i += 2;
  }
  return decoded;
}

bool IsUsableName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         Printable(name) == name;
}

// A `local` that ends with a slash is a directory, as it is for cp.
absl::StatusOr<v1::File> MakeFile(const std::string& url, const std::string& local) {
  v1::File file;
  file.set_remote_name(url);
  file.set_local_name(local);
  if (local.empty() || local.ends_with('/')) {
    const auto name = LocalNameFromUrl(url);
    if (!name.ok()) return name.status();
    file.mutable_local_name()->append(*name);
  }
  return file;
}

}  // namespace

absl::StatusOr<std::string> LocalNameFromUrl(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", Printable(url), "\" is not a URL, such as https://example.com/a.iso"));
  }
  const std::string rest = url.substr(scheme + 3, url.find_first_of("?#", scheme + 3) - scheme - 3);
  const auto slash = rest.rfind('/');
  std::string segment = slash == std::string::npos ? "" : rest.substr(slash + 1);
  std::string decoded = DecodePercents(segment);
  if (IsUsableName(decoded)) return decoded;
  if (IsUsableName(segment)) return segment;
  return absl::InvalidArgumentError("the URL does not end with the name of a file: say LOCAL");
}

absl::StatusOr<std::vector<v1::File>> FilesFromPairs(const std::vector<std::string>& words,
                                                     bool url_alone) {
  std::vector<v1::File> files;
  if (words.size() == 1 && url_alone) {
    auto file = MakeFile(words[0], "");
    if (!file.ok()) return file.status();
    return std::vector<v1::File>{*std::move(file)};
  }
  if (words.empty() || words.size() % 2 != 0) {
    return absl::InvalidArgumentError("each URL needs its LOCAL: URL LOCAL [URL LOCAL ...]");
  }
  for (std::size_t i = 0; i < words.size(); i += 2) {
    if (!LooksLikeUrl(words[i]) || LooksLikeUrl(words[i + 1])) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", Printable(words[LooksLikeUrl(words[i]) ? i + 1 : i]),
                       "\" stands where ", LooksLikeUrl(words[i]) ? "a local name" : "a URL",
                       " should be; each URL needs its LOCAL: URL LOCAL [URL LOCAL ...]"));
    }
    auto file = MakeFile(words[i], words[i + 1]);
    if (!file.ok()) return file.status();
    files.push_back(*std::move(file));
  }
  return files;
}

absl::StatusOr<std::vector<v1::File>> FilesFromList(const std::string& path) {
  std::ifstream in(path);
  if (!in) return absl::InvalidArgumentError(absl::StrCat("cannot read ", Printable(path)));
  std::vector<v1::File> files;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    if (text.empty() || text.front() == '#') continue;
    if (!IsUtf8(line)) {
      return absl::InvalidArgumentError(
          absl::StrCat(Printable(path), ":", number, ": the line is not UTF-8"));
    }
    // A local name may hold spaces, a URL does not.
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(text, absl::MaxSplits(absl::ByAnyChar(" \t"), 1));
    const std::string local(absl::StripAsciiWhitespace(parts.second));
    auto pair = FilesFromPairs({parts.first, local}, false);
    if (pair.ok() && local.empty()) {
      pair = absl::InvalidArgumentError("a line is a URL, a space and its LOCAL");
    }
    if (!pair.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Printable(path), ":", number, ": ", pair.status().message()));
    }
    files.push_back(std::move(pair->front()));
  }
  if (in.bad()) return absl::InvalidArgumentError(absl::StrCat("cannot read ", Printable(path)));
  if (files.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(Printable(path), " names no files"));
  }
  return files;
}

absl::StatusOr<v1::File> FileFromAssignment(const std::string& text) {
  const auto equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size() ||
      !LooksLikeUrl(text.substr(0, equals))) {
    return absl::InvalidArgumentError("--file wants URL=LOCAL");
  }
  return MakeFile(text.substr(0, equals), text.substr(equals + 1));
}

absl::StatusOr<v1::Checksum> ParseChecksum(const std::string& text) {
  struct Kind {
    const char* name;
    v1::Checksum::Algorithm algorithm;
    std::size_t digits;
  };
  constexpr Kind kKinds[] = {{"sha256", v1::Checksum::ALGORITHM_SHA256, 64},
                             {"sha512", v1::Checksum::ALGORITHM_SHA512, 128},
                             {"md5", v1::Checksum::ALGORITHM_MD5, 32},
                             {"crc32c", v1::Checksum::ALGORITHM_CRC32C, 8}};
  const auto colon = text.find(':');
  const std::string name = absl::AsciiStrToLower(text.substr(0, colon));
  for (const Kind& kind : kKinds) {
    if (name != kind.name || colon == std::string::npos) continue;
    const std::string hex = text.substr(colon + 1);
    v1::Checksum checksum;
    checksum.set_algorithm(kind.algorithm);
    if (hex.starts_with('@')) {
      if (!LooksLikeUrl(hex)) {
        return absl::InvalidArgumentError("after the @ of a checksum stands the URL of its file");
      }
      checksum.set_uri(hex.substr(1));
      return checksum;
    }
    if (hex.size() != kind.digits || !std::all_of(hex.begin(), hex.end(), [](unsigned char c) {
          return absl::ascii_isxdigit(c);
        })) {
      return absl::InvalidArgumentError(
          absl::StrCat("a ", kind.name, " checksum has ", kind.digits, " hexadecimal digits"));
    }
    checksum.set_hex(hex);
    return checksum;
  }
  return absl::InvalidArgumentError(
      "a checksum is sha256:HEX, sha512:HEX, md5:HEX or crc32c:HEX; or sha256:@URL of a file that "
      "has it");
}

absl::Status SetChecksums(const std::vector<std::string>& checksums, std::vector<v1::File>& files) {
  if (checksums.empty()) return absl::OkStatus();
  if (checksums.size() != files.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are ", files.size(), " files and ", checksums.size(),
                     " checksums: give one for each file, in their order"));
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto checksum = ParseChecksum(checksums[i]);
    if (!checksum.ok()) return checksum.status();
    *files[i].mutable_checksum() = *checksum;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::FileRange>> ParseRanges(const std::string& text) {
  std::vector<v1::FileRange> ranges;
  const std::vector<std::string> parts = absl::StrSplit(text, ',', absl::SkipEmpty());
  for (const std::string& part : parts) {
    const auto colon = part.find(':');
    v1::FileRange& range = ranges.emplace_back();
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    const std::string rest = colon == std::string::npos ? "" : part.substr(colon + 1);
    const bool to_eof = absl::AsciiStrToLower(rest) == "eof";
    if (!absl::SimpleAtoi(part.substr(0, colon), &offset) ||
        (!to_eof && !absl::SimpleAtoi(rest, &length))) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", Printable(part), "\" is no range; one is OFFSET:LENGTH or OFFSET:eof"));
    }
    range.set_offset(offset);
    if (!to_eof) range.set_length(length);
  }
  return ranges;
}

absl::Status SetRanges(const std::vector<std::string>& ranges, std::vector<v1::File>& files) {
  if (ranges.empty()) return absl::OkStatus();
  if (ranges.size() != files.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are ", files.size(), " files and ranges of ", ranges.size(),
                     ": give them for each file, in their order; \"\" is all of a file"));
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto parsed = ParseRanges(ranges[i]);
    if (!parsed.ok()) return parsed.status();
    for (v1::FileRange& range : *parsed) *files[i].add_ranges() = std::move(range);
  }
  return absl::OkStatus();
}

absl::Status SetMirrors(const std::vector<std::string>& mirrors, std::vector<v1::File>& files) {
  for (const std::string& mirror : mirrors) {
    std::size_t number = 1;
    std::string url = mirror;
    const auto colon = mirror.find(':');
    const bool numbered = colon != std::string::npos && !mirror.substr(colon).starts_with("://") &&
                          absl::SimpleAtoi(mirror.substr(0, colon), &number);
    if (numbered) url = mirror.substr(colon + 1);
    if (!LooksLikeUrl(url)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", Printable(mirror), "\" is no mirror: one is URL, or N:URL for file N"));
    }
    if (!numbered && files.size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are ", files.size(), " files: say --mirror=N:URL, N counts from 1"));
    }
    if (number < 1 || number > files.size()) {
      return absl::InvalidArgumentError(absl::StrCat("--mirror: there is no file ", number));
    }
    files[number - 1].add_mirrors(url);
  }
  return absl::OkStatus();
}

std::vector<OptionSpec> FileOptionSpecs() {
  return {
      {"mirror", "[N:]URL", "another URL of the same content, of file N", true},
      {"checksum", "ALGORITHM:HEX|@URL", "what a file must hash to; one for each file, in order", true},
      {"ranges", "RANGES", "parts of a file, 0:100,200:eof; for each file, in order", true}};
}

absl::Status ApplyFileOptions(const Arguments& arguments, std::vector<v1::File>& files) {
  if (auto status = SetChecksums(arguments.GetAll("checksum"), files); !status.ok()) return status;
  if (auto status = SetRanges(arguments.GetAll("ranges"), files); !status.ok()) return status;
  return SetMirrors(arguments.GetAll("mirror"), files);
}

}  // namespace bits::cli
