// A file descriptor that closes itself.

#ifndef BITS_SERVER_BASE_UNIQUE_FD_H_
#define BITS_SERVER_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace bits {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }

  // Gives the descriptor away; the caller closes it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

  // Closes what is held, takes `fd`. errno is left as it was.
  void reset(int fd = -1) {
    int old = std::exchange(fd_, fd);
    if (old >= 0 && old != fd) {
      int saved = errno;
      ::close(old);
      errno = saved;
    }
  }

  // Closes what is held and gives 0, or the errno of close(2): for a file that
  // was written, where the error means that data may be lost. EINTR is success,
  // as Linux has closed the descriptor by then.
  [[nodiscard]] int Close() {
    int old = release();
    if (old < 0 || ::close(old) == 0 || errno == EINTR) return 0;
    return errno;
  }

 private:
  int fd_ = -1;
};

}  // namespace bits

#endif  // BITS_SERVER_BASE_UNIQUE_FD_H_
