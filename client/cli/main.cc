#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/app.h"

int main(int argc, char** argv) {
  using bits::cli::Environment;
  bits::cli::Console console = bits::cli::ProcessConsole();
  const Environment environment{console,
                                [](const std::string& name) -> std::optional<std::string> {
                                  const char* value = std::getenv(name.c_str());
                                  if (value == nullptr) return std::nullopt;
                                  return value;
                                },
                                [] { return std::make_unique<bits::cli::SignalInterrupts>(); }};
  return static_cast<int>(
      bits::cli::RunBitsctl(std::vector<std::string>(argv + 1, argv + argc), environment));
}
