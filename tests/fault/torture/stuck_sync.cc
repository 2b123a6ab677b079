// Loaded into bitsd by LD_PRELOAD: fdatasync of a file whose path has $STUCK_SYNC in it never returns,
// as on a disk that does not answer.
#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

extern "C" int fdatasync(int fd) {
  using Function = int (*)(int);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "fdatasync"));
  const char* stuck = std::getenv("STUCK_SYNC");
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  if (stuck != nullptr && ::readlink(link.c_str(), path.data(), path.size() - 1) > 0 &&
      std::strstr(path.data(), stuck) != nullptr) {
    while (true) ::pause();
  }
  return real(fd);
}
