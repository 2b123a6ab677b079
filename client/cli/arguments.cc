#include "client/cli/arguments.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace bits::cli {
namespace {

const OptionSpec* FindSpec(const std::vector<OptionSpec>& specs, const std::string& name) {
  const auto found =
      std::find_if(specs.begin(), specs.end(), [&](const auto& spec) { return spec.name == name; });
  return found == specs.end() ? nullptr : &*found;
}

bool IsOption(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

// Single insertions, deletions and substitutions that lead from one to the other.
std::size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

absl::Status UnknownOption(const std::string& word, const std::vector<OptionSpec>& specs) {
  const std::string name = word.substr(std::min(word.find_first_not_of('-'), word.size()));
  std::vector<std::string> names;
  for (const auto& spec : specs) names.push_back(spec.name);
  const std::string nearest = Nearest(name, names);
  return absl::InvalidArgumentError(
      absl::StrCat("there is no option ", word,
                   nearest.empty() ? "" : absl::StrCat(" (did you mean --", nearest, "?)")));
}

}  // namespace

std::optional<std::string> Arguments::Get(const std::string& option) const {
  const auto found = options_.find(option);
  if (found == options_.end()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Arguments::GetAll(const std::string& option) const {
  const auto found = options_.find(option);
  return found == options_.end() ? std::vector<std::string>() : found->second;
}

absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>& words,
                                         const std::vector<OptionSpec>& specs) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") {
      arguments.rest_.insert(arguments.rest_.end(),
                             words.begin() + static_cast<std::ptrdiff_t>(i + 1), words.end());
      break;
    }
    if (!IsOption(words[i])) {
      arguments.rest_.push_back(words[i]);
      continue;
    }
    const std::string word = words[i] == "-h" ? "--help" : words[i];
    const auto equals = word.find('=');
    const std::string flag = word.substr(0, equals);
    const std::string name = flag.starts_with("--") ? flag.substr(2) : "";
    const OptionSpec* spec = FindSpec(specs, name);
    if (spec == nullptr) return UnknownOption(flag, specs);

    std::string value;
    if (spec->value.empty()) {
      if (equals != std::string::npos) {
        return absl::InvalidArgumentError(absl::StrCat(flag, " takes no value"));
      }
    } else if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < words.size()) {
      value = words[++i];
    } else {
      return absl::InvalidArgumentError(absl::StrCat(flag, " needs a value: ", spec->value));
    }
    auto& values = arguments.options_[name];
    if (!values.empty() && !spec->repeated) {
      return absl::InvalidArgumentError(absl::StrCat(flag, " is given twice"));
    }
    values.push_back(value);
  }
  return arguments;
}

std::string Nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string nearest;
  std::size_t least = word.size() < 4 ? 2 : 3;  // a distance less than this is near
  for (const auto& candidate : known) {
    const std::size_t distance = EditDistance(word, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::size_t FindCommand(const std::vector<std::string>& words,
                        const std::vector<OptionSpec>& specs) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!IsOption(words[i])) return i;
    const OptionSpec* spec =
        FindSpec(specs, words[i].substr(std::min<std::size_t>(2, words[i].size())));
    if (spec != nullptr && !spec->value.empty()) ++i;
  }
  return words.size();
}

}  // namespace bits::cli
