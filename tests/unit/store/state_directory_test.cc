#include "server/store/state_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::store {
namespace {

using absl::StatusCode;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::TempDir;

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

TEST(StateDirectory, IsMadeForItsOwnerAlone) {
  TempDir temp;
  const std::string path = temp / "a/b/c";
  const auto directory = StateDirectory::Hold(path);
  ASSERT_THAT(directory, IsOk());
  EXPECT_EQ(directory->path(), path);
  EXPECT_EQ(ModeOf(path), 0700u);
  EXPECT_EQ(ModeOf(temp / "a"), 0700u);
  EXPECT_EQ(*directory->MakeFile("file"), path + "/file");
  EXPECT_EQ(ModeOf(path + "/file"), 0600u);
  // A file that is there stays as it is.
  testing::WriteFile(path + "/file", "content");
  BITS_EXPECT_OK(directory->MakeFile("file"));
  EXPECT_EQ(testing::ReadFile(path + "/file"), "content");
}

TEST(StateDirectory, IsHeldByOne) {
  TempDir temp;
  auto first = StateDirectory::Hold(temp.path());
  ASSERT_THAT(first, IsOk());
  const auto second = StateDirectory::Hold(temp.path());
  EXPECT_THAT(second, HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(second.status().message()),
              "state directory " + temp.path() + " is in use by another bitsd");
  first->Release();
  BITS_EXPECT_OK(StateDirectory::Hold(temp.path()));
}

TEST(StateDirectory, IsHeldByWhoItIsMovedTo) {
  TempDir temp;
  auto first = StateDirectory::Hold(temp.path());
  ASSERT_THAT(first, IsOk());
  {
    const StateDirectory moved = *std::move(first);
    EXPECT_THAT(StateDirectory::Hold(temp.path()), HasCode(StatusCode::kFailedPrecondition));
  }
  BITS_EXPECT_OK(StateDirectory::Hold(temp.path()));
}

TEST(StateDirectory, SaysWhatCannotBeMade) {
  TempDir temp;
  testing::WriteFile(temp / "file", "");
  const auto directory = StateDirectory::Hold(temp / "file/state");
  EXPECT_THAT(directory, HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(std::string(directory.status().message()), HasSubstr(temp / "file/state"));
}

}  // namespace
}  // namespace bits::store
