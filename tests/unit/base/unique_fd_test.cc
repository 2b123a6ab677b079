#include "server/base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <utility>

namespace bits {
namespace {

int OpenNull() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

TEST(UniqueFd, ClosesAtTheEnd) {
  const int raw = OpenNull();
  {
    UniqueFd fd(raw);
    EXPECT_TRUE(fd.valid());
    EXPECT_EQ(fd.get(), raw);
    EXPECT_TRUE(IsOpen(raw));
  }
  EXPECT_FALSE(IsOpen(raw));
}

TEST(UniqueFd, EmptyIsNotValid) {
  UniqueFd fd;
  EXPECT_FALSE(fd);
  EXPECT_EQ(fd.Close(), 0);
}

TEST(UniqueFd, MoveLeavesNothingBehind) {
  const int raw = OpenNull();
  UniqueFd a(raw);
  UniqueFd b(std::move(a));
  EXPECT_FALSE(a.valid());  // NOLINT(bugprone-use-after-move): that is the test.
  const int other = OpenNull();
  UniqueFd c(other);
  c = std::move(b);
  EXPECT_EQ(c.get(), raw);
  EXPECT_FALSE(IsOpen(other));
  UniqueFd& same = c;
  c = std::move(same);
  EXPECT_TRUE(IsOpen(raw));
}

TEST(UniqueFd, ReleaseGivesItAway) {
  UniqueFd fd(OpenNull());
  UniqueFd kept(fd.release());
  EXPECT_FALSE(fd.valid());
  fd.reset();
  EXPECT_TRUE(IsOpen(kept.get()));
}

TEST(UniqueFd, ResetKeepsErrno) {
  UniqueFd fd(OpenNull());
  ::close(fd.get());
  errno = ENOSPC;
  fd.reset();  // close(2) fails.
  EXPECT_EQ(errno, ENOSPC);
}

TEST(UniqueFd, CloseTellsTheError) {
  UniqueFd good(OpenNull());
  EXPECT_EQ(good.Close(), 0);
  UniqueFd bad(OpenNull());
  ::close(bad.get());
  EXPECT_EQ(bad.Close(), EBADF);
  EXPECT_FALSE(bad.valid());
}

}  // namespace
}  // namespace bits
