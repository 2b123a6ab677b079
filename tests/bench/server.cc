#include "tests/bench/server.h"

#include <sys/resource.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/support/temp_dir.h"

namespace bits::bench {

absl::StatusOr<std::unique_ptr<testing::BitsdProcess>> StartBitsd(const std::string& directory,
                                                                  const std::string& config) {
  testing::BitsdProcess::Options options;
  options.state_dir = absl::StrCat(directory, "/state");
  options.roots = {RootOf(directory)};
  std::error_code ignored;  // bitsd tells
  std::filesystem::create_directories(options.state_dir, ignored);
  std::filesystem::create_directories(RootOf(directory), ignored);
  const std::string config_file = absl::StrCat(directory, "/bitsd.txtpb");
  testing::WriteFile(config_file, config);
  options.flags = {absl::StrCat("--config=", config_file)};
  options.start_timeout = absl::Minutes(5);
  return testing::BitsdProcess::Start(std::move(options));
}

std::string RootOf(const std::string& directory) { return absl::StrCat(directory, "/root"); }

void RaiseOpenFilesLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace bits::bench
