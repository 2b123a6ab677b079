#include "server/transfer/sidecar.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/strings.h"
#include "server/transfer/checksum.h"

namespace bits::transfer {
namespace {

using domain::ChecksumAlgorithm;

struct Entry {
  std::string hex;
  std::string name;  // empty: none
};

size_t DigitsOf(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::kSha256:
      return 64;
    case ChecksumAlgorithm::kSha512:
      return 128;
    case ChecksumAlgorithm::kMd5:
      return 32;
    case ChecksumAlgorithm::kCrc32c:
      return 8;
  }
  return 0;
}

std::string_view Stripped(std::string_view text) {
  return Sv(absl::StripAsciiWhitespace(Av(text)));
}

bool IsDigest(std::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c));
         });
}

// "SHA2-256" is openssl's name of SHA256.
bool NamesAlgorithm(std::string_view text, ChecksumAlgorithm algorithm) {
  std::string name = absl::AsciiStrToLower(Av(Stripped(text)));
  std::erase(name, '-');
  if (name == "sha2256" || name == "sha2512") name.erase(3, 1);
  return name == AlgorithmName(algorithm);
}

// What GNU writes of a name with a newline or a backslash in it.
std::string Unescaped(std::string_view name) {
  std::string plain;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool escape = name[i] == '\\' && i + 1 < name.size();
    if (!escape) {
      plain += name[i];
      continue;
    }
    ++i;
    plain += name[i] == 'n' ? '\n' : name[i] == 'r' ? '\r' : name[i];
  }
  return plain;
}

std::optional<Entry> GnuEntry(std::string_view line, size_t digits) {
  const bool escaped = line.starts_with('\\');
  if (escaped) line.remove_prefix(1);
  const std::string_view hex = line.substr(0, std::min(digits, line.size()));
  if (!IsDigest(hex, digits)) return std::nullopt;
  line.remove_prefix(digits);
  if (line.empty()) return Entry{std::string(hex), ""};
  if (!absl::ascii_isspace(static_cast<unsigned char>(line.front()))) return std::nullopt;
  line = Stripped(line);
  if (line.starts_with('*')) line.remove_prefix(1);
  return Entry{std::string(hex), escaped ? Unescaped(line) : std::string(line)};
}

std::optional<Entry> BsdEntry(std::string_view line, ChecksumAlgorithm algorithm) {
  const bool escaped = line.starts_with('\\');
  if (escaped) line.remove_prefix(1);
  const size_t equals = line.rfind('=');
  const size_t open = line.find('(');
  if (equals == std::string_view::npos || open == std::string_view::npos || open > equals) {
    return std::nullopt;
  }
  const std::string_view hex = Stripped(line.substr(equals + 1));
  std::string_view name = Stripped(line.substr(open + 1, equals - open - 1));
  if (!name.ends_with(')') || !NamesAlgorithm(line.substr(0, open), algorithm) ||
      !IsDigest(hex, DigitsOf(algorithm))) {
    return std::nullopt;
  }
  name.remove_suffix(1);
  return Entry{std::string(hex), escaped ? Unescaped(name) : std::string(name)};
}

std::vector<Entry> EntriesOf(std::string_view text, ChecksumAlgorithm algorithm) {
  std::vector<Entry> entries;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Stripped(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    std::optional<Entry> entry = GnuEntry(line, DigitsOf(algorithm));
    if (!entry) entry = BsdEntry(line, algorithm);
    if (!entry) continue;
    absl::AsciiStrToLower(&entry->hex);
    entries.push_back(*std::move(entry));
  }
  return entries;
}

bool EndsWith(std::string_view name, std::string_view leaf) {
  if (!name.ends_with(leaf)) return false;
  if (name.size() == leaf.size()) return true;
  const char before = name[name.size() - leaf.size() - 1];
  return before == '/' || before == '\\';
}

}  // namespace

std::string LeafOf(std::string_view url) {
  if (const size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  url = url.substr(0, url.find_first_of("?#"));
  const size_t slash = url.rfind('/');
  if (slash == std::string_view::npos) return "";
  url.remove_prefix(slash + 1);
  std::string leaf;
  for (size_t i = 0; i < url.size(); ++i) {
    const auto digit = [&](size_t at) -> int {
      if (at >= url.size()) return -1;
      const char c = absl::ascii_tolower(static_cast<unsigned char>(url[at]));
      return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    if (url[i] == '%' && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
      leaf += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
      i += 2;
    } else {
      leaf += url[i];
    }
  }
  return leaf;
}

SidecarDigest DigestIn(std::string_view text, ChecksumAlgorithm algorithm, std::string_view leaf) {
  if (text.size() > kLongestSidecar) {
    return {"", absl::StrCat("it is longer than ", kLongestSidecar, " bytes")};
  }
  const std::vector<Entry> entries = EntriesOf(text, algorithm);
  if (entries.empty())
    return {"", absl::StrCat("it has no ", Av(AlgorithmName(algorithm)), " digest")};
  if (entries.size() == 1) return {entries.front().hex, ""};
  const Entry* found = nullptr;
  for (const Entry& entry : entries) {
    if (leaf.empty() || !EndsWith(entry.name, leaf)) continue;
    if (found != nullptr && found->hex != entry.hex) {
      return {"", "it has several lines for a file of this name, which differ"};
    }
    found = &entry;
  }
  if (found == nullptr) {
    return {"", absl::StrCat("none of its ", entries.size(), " lines is for a file of this name")};
  }
  return {found->hex, ""};
}

}  // namespace bits::transfer
