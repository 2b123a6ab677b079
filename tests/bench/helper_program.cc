#include "tests/bench/helper_program.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"

namespace bits::bench {
namespace {

constexpr std::string_view kListening = "listening ";
constexpr std::chrono::seconds kStartTimeout(10);

}  // namespace

std::string HelperProgram(std::string_view name) {
  return absl::StrCat(BITS_BENCH_PROGRAMS, "/", Av(name));
}

absl::StatusOr<std::unique_ptr<HelperServer>> HelperServer::Start(std::vector<std::string> argv) {
  std::unique_ptr<HelperServer> server(new HelperServer);
  testing::Subprocess::Options launch;
  const std::string program = argv[0];
  launch.argv = std::move(argv);
  launch.on_line = [s = server.get()](std::string_view line) {
    if (!line.starts_with(kListening)) return;
    {
      MutexLock lock(s->mutex_);
      s->heard_ = line.substr(kListening.size());
    }
    s->changed_.SignalAll();
  };
  BITS_ASSIGN_OR_RETURN(server->process_, testing::Subprocess::Start(std::move(launch)));
  MutexLock lock(server->mutex_);
  if (!server->changed_.WaitFor(server->mutex_, kStartTimeout, [s = server.get()] {
        s->mutex_.AssertHeld();
        return !s->heard_.empty();
      })) {
    return absl::UnavailableError(absl::StrCat(program, " does not listen"));
  }
  server->address_ = server->heard_;
  return server;
}

}  // namespace bits::bench
