// The words after a command: options and the rest.
#ifndef BITS_CLIENT_CLI_ARGUMENTS_H_
#define BITS_CLIENT_CLI_ARGUMENTS_H_

#include <absl/status/statusor.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bits::cli {

// An option that a command knows: `--name=VALUE`, `--name VALUE`, or a switch.
struct OptionSpec {
  std::string name;   // without the dashes
  std::string value;  // what stands for the value in help; empty: a switch
  std::string help;
  bool repeated = false;
};

class Arguments {
 public:
  bool Has(const std::string& option) const { return options_.contains(option); }
  // The value of an option that was given.
  std::optional<std::string> Get(const std::string& option) const;
  // All values of a repeated option, in order.
  std::vector<std::string> GetAll(const std::string& option) const;
  // What is not an option, in order.
  const std::vector<std::string>& rest() const { return rest_; }

 private:
  friend absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>&,
                                                  const std::vector<OptionSpec>&);
  std::map<std::string, std::vector<std::string>> options_;
  std::vector<std::string> rest_;
};

// Options may stand anywhere; `--` ends them; `-h` is `--help`. kInvalidArgument,
// in words for the user, for an option that is unknown, lacks its value, has one
// where it takes none, or is given twice.
absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>& words,
                                         const std::vector<OptionSpec>& specs);

// The one of `known` that `word` was most likely meant to be; empty if none is near.
std::string Nearest(const std::string& word, const std::vector<std::string>& known);

// The position of the first word that is neither an option out of `specs` nor its
// value: the command. words.size() if there is none.
std::size_t FindCommand(const std::vector<std::string>& words,
                        const std::vector<OptionSpec>& specs);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_ARGUMENTS_H_
