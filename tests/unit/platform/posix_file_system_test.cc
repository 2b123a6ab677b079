#include "server/platform/posix_file_system.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "server/domain/error_code.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::platform {
namespace {

namespace fs = std::filesystem;
using app::HresultOf;
using domain::FromWin32;
using ::testing::ElementsAre;
using testing::FileExists;
using testing::HasCode;
using testing::HasReason;
using testing::IsOk;
using testing::ListDirectory;
using testing::ReadFile;
using testing::TempDir;
using testing::WriteFile;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kDenied = absl::StatusCode::kPermissionDenied;

class PosixFileSystemTest : public ::testing::Test {
 protected:
  PosixFileSystemTest() {
    fs::create_directory(root_);
    fs::create_directory(outside_);
    files_ = PosixFileSystem::Open({root_}).value();
  }

  std::string Path(std::string_view relative) const { return root_ + "/" + std::string(relative); }
  void Write(const std::string& path, std::string_view content) {
    auto file = files_->OpenTemporary(path, false);
    BITS_ASSERT_OK(file);
    BITS_ASSERT_OK((*file)->WriteAt(0, content));
    BITS_ASSERT_OK((*file)->Sync());
  }
  // Of a temporary file as it is now.
  absl::Status Publish(const std::string& from, const std::string& to,
                       std::optional<absl::Time> time) {
    std::error_code error;
    app::Publication file{from, to, fs::file_size(from, error), "", time};
    if (error) {
      file.size = 3;
    } else if (auto there = files_->OpenTemporary(from, false); there.ok()) {
      identities_[from] = (*there)->Identity().value();
    }
    file.identity = identities_[from];
    size_t done = 0;
    return files_->Publish({file}, &done);
  }
  domain::Hresult OpenTemporaryError(const std::string& path) {
    return HresultOf(files_->OpenTemporary(path, false).status());
  }
  domain::Hresult OpenSourceError(const std::string& path) {
    return HresultOf(files_->OpenSource(path).status());
  }

  TempDir dir_;
  const std::string root_ = dir_ / "root";
  const std::string outside_ = dir_ / "outside";
  std::unique_ptr<PosixFileSystem> files_;
  std::map<std::string, std::string> identities_;
};

TEST_F(PosixFileSystemTest, ResolvesNames) {
  EXPECT_EQ(*files_->Resolve("a"), Path("a"));
  EXPECT_EQ(*files_->Resolve("a/b"), Path("a/b"));
  EXPECT_EQ(*files_->Resolve("a//b///c"), Path("a/b/c"));
  EXPECT_EQ(*files_->Resolve(Path("a")), Path("a"));
  EXPECT_EQ(*files_->Resolve("/" + Path("a")), Path("a"));
  EXPECT_EQ(*files_->Resolve("..a/b.."), Path("..a/b.."));
}

TEST_F(PosixFileSystemTest, RefusesNames) {
  using std::string_literals::operator""s;
  for (const std::string& name :
       {""s, ".BIT-x-1.tmp"s, "a/.BIT-x"s, "a\0b"s, "."s, ".."s, "a/./b"s, "a/../b"s, "../a"s, "a/"s, "/"s, "a/.."s,
        std::string(256, 'x'), std::string(4097, '/') + "a"}) {
    absl::Status status = files_->Resolve(name).status();
    EXPECT_THAT(status, HasCode(kInvalid)) << name;
    EXPECT_THAT(status, HasReason("E_INVALIDARG")) << name;
  }
  for (const std::string& name : {outside_ + "/a", root_, root_ + "x/a", "/etc/passwd"s}) {
    absl::Status status = files_->Resolve(name).status();
    EXPECT_THAT(status, HasCode(kDenied)) << name;
    EXPECT_THAT(status, HasReason("E_ACCESSDENIED")) << name;
  }
}

TEST_F(PosixFileSystemTest, TakesTheLongestNamesThereMayBe) {
  EXPECT_THAT(files_->Resolve(std::string(255, 'x')), IsOk());
  std::string longest = root_;
  while (longest.size() + 101 <= 4095) longest += "/" + std::string(100, 'd');
  longest += "/" + std::string(4095 - longest.size(), 'f');
  BITS_EXPECT_OK(files_->Resolve(longest));
  Write(longest, "deep");
  BITS_EXPECT_OK(files_->Remove(longest));
  EXPECT_THAT(files_->Resolve(longest + "xx"), HasCode(kInvalid));
}

TEST_F(PosixFileSystemTest, WritesAndReads) {
  auto file = files_->OpenTemporary(Path("new/dir/file"), false);
  BITS_ASSERT_OK(file);
  BITS_ASSERT_OK((*file)->WriteAt(5, "world"));
  BITS_ASSERT_OK((*file)->WriteAt(0, "hello"));
  BITS_ASSERT_OK((*file)->Sync());
  EXPECT_EQ(*(*file)->Size(), 10u);
  char buffer[20];
  EXPECT_EQ(*(*file)->ReadAt(3, buffer, sizeof(buffer)), 7u);
  EXPECT_EQ(std::string_view(buffer, 7), "loworld");
  EXPECT_EQ(*(*file)->ReadAt(10, buffer, sizeof(buffer)), 0u);
  BITS_ASSERT_OK((*file)->Truncate(3));
  BITS_ASSERT_OK((*file)->Reserve(1 << 20));
  EXPECT_EQ(ReadFile(Path("new/dir/file")), "hel");
  struct stat info {};
  ASSERT_EQ(::stat(Path("new/dir/file").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_GE(info.st_blocks * 512, 1 << 20);
}

TEST_F(PosixFileSystemTest, OpensWhatIsThereAsItIs) {
  WriteFile(Path("file"), "old");
  auto file = files_->OpenTemporary(Path("file"), false);
  BITS_ASSERT_OK(file);
  EXPECT_EQ(*(*file)->Size(), 3u);
}

TEST_F(PosixFileSystemTest, TellsFilesApart) {
  WriteFile(Path("a"), "a");
  WriteFile(Path("b"), "b");
  auto a = files_->OpenSource(Path("a"));
  auto again = files_->OpenSource(Path("a"));
  auto b = files_->OpenSource(Path("b"));
  EXPECT_EQ(*(*a)->Identity(), *(*again)->Identity());
  EXPECT_NE(*(*a)->Identity(), *(*b)->Identity());
  const absl::Time time = absl::FromUnixSeconds(1'000'000'000) + absl::Milliseconds(5);
  const timespec times[2] = {absl::ToTimespec(time), absl::ToTimespec(time)};
  ::utimensat(AT_FDCWD, Path("a").c_str(), times, 0);
  EXPECT_EQ(*(*a)->ModificationTime(), time);
}

TEST_F(PosixFileSystemTest, NoLinkLeadsOut) {
  WriteFile(outside_ + "/secret", "secret");
  fs::create_symlink(outside_, Path("out"));
  fs::create_symlink("../outside", Path("relative"));
  fs::create_symlink(outside_ + "/secret", Path("file"));
  fs::create_symlink("/proc/self/root", Path("magic"));
  for (const char* name : {"out/secret", "relative/secret", "file", "magic/etc/passwd"}) {
    EXPECT_EQ(OpenSourceError(Path(name)), domain::kAccessDenied) << name;
    EXPECT_EQ(OpenTemporaryError(Path(name)), domain::kAccessDenied) << name;
  }
  EXPECT_EQ(OpenTemporaryError(Path("out/new")), domain::kAccessDenied);
  EXPECT_EQ(OpenTemporaryError(Path("out/new/deeper")), domain::kAccessDenied);
  EXPECT_EQ(HresultOf(files_->Remove(Path("out/secret"))), domain::kAccessDenied);
  Write(Path("temporary"), "x");
  EXPECT_EQ(HresultOf(Publish(Path("temporary"), Path("out/new"), std::nullopt)),
            domain::kAccessDenied);
  EXPECT_EQ(HresultOf(Publish(Path("out/secret"), Path("mine"), std::nullopt)),
            domain::kAccessDenied);
  EXPECT_THAT(ListDirectory(outside_), ElementsAre("secret"));
  EXPECT_EQ(ReadFile(outside_ + "/secret"), "secret");
}

TEST_F(PosixFileSystemTest, LinksWithinAreFollowedButNotAtTheEndOfATemporary) {
  fs::create_directory(Path("dir"));
  WriteFile(Path("dir/file"), "inside");
  fs::create_symlink("dir", Path("link"));
  fs::create_symlink("dir/file", Path("direct"));
  BITS_EXPECT_OK(files_->OpenSource(Path("link/file")));
  BITS_EXPECT_OK(files_->OpenTemporary(Path("link/file"), false));
  BITS_EXPECT_OK(files_->OpenSource(Path("direct")));
  EXPECT_EQ(OpenTemporaryError(Path("direct")), domain::kAccessDenied);
}

TEST_F(PosixFileSystemTest, ALinkMadeLaterDoesNotLeadOutEither) {
  Write(Path("dir/file"), "mine");
  fs::rename(Path("dir"), Path("moved"));
  fs::create_symlink(outside_, Path("dir"));
  WriteFile(outside_ + "/file", "other");
  EXPECT_EQ(OpenTemporaryError(Path("dir/file")), domain::kAccessDenied);
  EXPECT_EQ(HresultOf(files_->Remove(Path("dir/file"))), domain::kAccessDenied);
  EXPECT_TRUE(FileExists(outside_ + "/file"));
}

TEST_F(PosixFileSystemTest, OnlyRegularFiles) {
  fs::create_directory(Path("dir"));
  ASSERT_EQ(::mkfifo(Path("fifo").c_str(), 0600), 0);
  for (const char* name : {"dir", "fifo"}) {
    EXPECT_EQ(OpenSourceError(Path(name)), domain::kAccessDenied) << name;
    EXPECT_EQ(OpenTemporaryError(Path(name)), domain::kAccessDenied) << name;
  }
  if (::mknod(Path("null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0) {
    EXPECT_EQ(OpenSourceError(Path("null")), domain::kAccessDenied);
    EXPECT_EQ(OpenTemporaryError(Path("null")), domain::kAccessDenied);
  }
}

TEST_F(PosixFileSystemTest, WhatIsNotThere) {
  EXPECT_EQ(OpenSourceError(Path("nothing")), FromWin32(2));
  EXPECT_THAT(files_->OpenSource(Path("nothing")), HasCode(absl::StatusCode::kNotFound));
  WriteFile(Path("file"), "");
  EXPECT_EQ(OpenTemporaryError(Path("file/below")), FromWin32(267));
}

TEST_F(PosixFileSystemTest, Publishes) {
  Write(Path("dir/temporary"), "content");
  const absl::Time time = absl::FromUnixSeconds(1445412480);
  BITS_ASSERT_OK(Publish(Path("dir/temporary"), Path("dir/final"), time));
  EXPECT_THAT(ListDirectory(Path("dir")), ElementsAre("final"));
  EXPECT_EQ(ReadFile(Path("dir/final")), "content");
  struct stat info {};
  ASSERT_EQ(::stat(Path("dir/final").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtim.tv_sec, 1445412480);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(info.st_mode & 07777, 0666u & ~mask);
}

TEST_F(PosixFileSystemTest, PublishReplacesAndCanBeRepeated) {
  WriteFile(Path("final"), "old");
  Write(Path("temporary"), "new");
  BITS_ASSERT_OK(Publish(Path("temporary"), Path("final"), std::nullopt));
  EXPECT_EQ(ReadFile(Path("final")), "new");
  BITS_EXPECT_OK(Publish(Path("temporary"), Path("final"), std::nullopt));
  EXPECT_EQ(ReadFile(Path("final")), "new");
}

TEST_F(PosixFileSystemTest, PublishWithoutReplacingLeavesWhatStandsThere) {
  Write(Path(".BIT-1"), "new");
  Write(Path("there"), "old");
  auto part = files_->OpenTemporary(Path(".BIT-1"), false);
  BITS_ASSERT_OK(part);
  app::Publication file{Path(".BIT-1"), Path("there"), 3, (*part)->Identity().value()};
  file.replace = false;
  size_t done = 0;
  EXPECT_THAT(files_->Publish({file}, &done), HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(ReadFile(Path("there")), "old");
  EXPECT_EQ(ReadFile(Path(".BIT-1")), "new");
  file.to = Path("free");
  for (int i = 0; i < 2; ++i) {  // the second time as after a crash
    BITS_EXPECT_OK(files_->Publish({file}, &done));
    EXPECT_EQ(done, 1u);
    EXPECT_EQ(ReadFile(Path("free")), "new");
  }
}

TEST_F(PosixFileSystemTest, LooksAtWhatStandsThere) {
  Write(Path("file"), "x");
  fs::create_directory(Path("directory"));
  fs::create_symlink("file", Path("link"));
  EXPECT_EQ(*files_->Look(Path("file")), domain::FileKind::kRegular);
  EXPECT_EQ(*files_->Look(Path("directory")), domain::FileKind::kDirectory);
  EXPECT_EQ(*files_->Look(Path("link")), domain::FileKind::kOther);
  EXPECT_EQ(*files_->Look(Path("nothing")), domain::FileKind::kNothing);
  EXPECT_EQ(*files_->Look(Path("no/where")), domain::FileKind::kNothing);
  fs::create_directory_symlink(outside_, Path("out"));
  EXPECT_THAT(files_->Look(Path("out/x")), HasCode(kDenied));
}

TEST_F(PosixFileSystemTest, PublishesManyUntilOneFails) {
  std::vector<app::Publication> files;
  for (int i = 0; i < 150; ++i) {
    const std::string name = "d" + std::to_string(i % 3) + "/f" + std::to_string(i);
    Write(Path(name + ".tmp"), name);
    const auto file = files_->OpenTemporary(Path(name + ".tmp"), false);
    files.push_back({Path(name + ".tmp"), Path(name), name.size(), (*file)->Identity().value(),
                     std::nullopt});
  }
  WriteFile(files[140].from, "of another length");
  size_t done = 0;
  EXPECT_EQ(HresultOf(files_->Publish(files, &done)), domain::kValidationFailed);
  EXPECT_EQ(done, 140u);
  EXPECT_EQ(ReadFile(files[139].to), "d1/f139");
  EXPECT_FALSE(FileExists(files[140].to));
  EXPECT_FALSE(FileExists(files[141].to));
  WriteFile(files[140].from, "d2/f140");
  BITS_EXPECT_OK(files_->Publish(files, &done));
  EXPECT_EQ(done, files.size());
  EXPECT_EQ(ReadFile(files[149].to), "d2/f149");
}

// Somebody deleted or replaced the temporary file; what stands at the destination is not it.
TEST_F(PosixFileSystemTest, OnlyTheFileItselfIsPublished) {
  Write(Path("temporary"), "new");
  const std::string identity = (*files_->OpenTemporary(Path("temporary"), false))->Identity().value();
  const app::Publication publication{Path("temporary"), Path("final"), 3, identity, std::nullopt};
  fs::rename(Path("temporary"), Path("kept"));
  size_t done = 0;
  WriteFile(Path("temporary"), "bad");
  EXPECT_THAT(files_->Publish({publication}, &done), HasCode(absl::StatusCode::kDataLoss));
  fs::remove(Path("temporary"));
  WriteFile(Path("final"), "old");
  EXPECT_THAT(files_->Publish({publication}, &done), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_EQ(done, 0u);
  EXPECT_EQ(ReadFile(Path("final")), "old");
  fs::rename(Path("kept"), Path("temporary"));
  BITS_EXPECT_OK(files_->Publish({publication}, &done));
  BITS_EXPECT_OK(files_->Publish({publication}, &done)) << "as after a crash";
  EXPECT_EQ(ReadFile(Path("final")), "new");
}

TEST_F(PosixFileSystemTest, ATemporaryFileIsNobodyElses) {
  WriteFile(outside_ + "/precious", "precious");
  fs::create_hard_link(outside_ + "/precious", Path("temporary"));
  Write(Path("temporary"), "new");
  EXPECT_EQ(ReadFile(outside_ + "/precious"), "precious");
  EXPECT_EQ(ReadFile(Path("temporary")), "new");
  const auto again = files_->OpenTemporary(Path("temporary"), true);
  BITS_ASSERT_OK(again);
  EXPECT_EQ((*again)->Size().value(), 0u);
}

TEST_F(PosixFileSystemTest, PublishReplacesALinkNotWhatItPointsTo) {
  WriteFile(outside_ + "/precious", "precious");
  fs::create_symlink(outside_ + "/precious", Path("final"));
  Write(Path("temporary"), "new");
  BITS_ASSERT_OK(Publish(Path("temporary"), Path("final"), std::nullopt));
  EXPECT_FALSE(fs::is_symlink(Path("final")));
  EXPECT_EQ(ReadFile(outside_ + "/precious"), "precious");
}

TEST_F(PosixFileSystemTest, PublishRefuses) {
  fs::create_directory(Path("final"));
  Write(Path("temporary"), "new");
  EXPECT_THAT(Publish(Path("temporary"), Path("final"), std::nullopt),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_TRUE(FileExists(Path("temporary")));
  EXPECT_EQ(HresultOf(Publish(Path("nothing"), Path("nowhere"), std::nullopt)),
            FromWin32(2));
  EXPECT_EQ(HresultOf(Publish(Path("nothing"), Path("final"), std::nullopt)), FromWin32(2));
}

TEST_F(PosixFileSystemTest, PublishMakesDirectoriesAndCrossesThem) {
  Write(Path("a/temporary"), "content");
  BITS_ASSERT_OK(Publish(Path("a/temporary"), Path("b/c/final"), std::nullopt));
  EXPECT_EQ(ReadFile(Path("b/c/final")), "content");
}

TEST_F(PosixFileSystemTest, Removes) {
  Write(Path("dir/file"), "x");
  BITS_EXPECT_OK(files_->Remove(Path("dir/file")));
  EXPECT_FALSE(FileExists(Path("dir/file")));
  BITS_EXPECT_OK(files_->Remove(Path("dir/file")));
  BITS_EXPECT_OK(files_->Remove(Path("none/file")));
  EXPECT_EQ(HresultOf(files_->Remove(Path("dir"))), domain::kAccessDenied);
  EXPECT_TRUE(FileExists(Path("dir")));
}

TEST_F(PosixFileSystemTest, ManyAtOnceInOneDirectory) {
  constexpr int kThreads = 8;
  constexpr int kFiles = 20;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kFiles; ++i) {
        const std::string name = "d/" + std::to_string(t) + "." + std::to_string(i);
        Write(Path(name + ".tmp"), name);
        size_t done = 0;
        BITS_EXPECT_OK(
            files_->Publish({{Path(name + ".tmp"), Path(name), name.size(), "", {}}}, &done));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ListDirectory(Path("d")).size(), static_cast<size_t>(kThreads * kFiles));
  EXPECT_EQ(ReadFile(Path("d/7.19")), "d/7.19");
}

TEST_F(PosixFileSystemTest, SeveralRootsAndOneInAnother) {
  const std::string inner = Path("inner");
  fs::create_directory(inner);
  files_ = PosixFileSystem::Open({root_, inner, outside_ + "/"}).value();
  EXPECT_EQ(*files_->Resolve("a"), Path("a"));
  EXPECT_EQ(*files_->Resolve(outside_ + "/a"), outside_ + "/a");
  Write(outside_ + "/a", "x");
  BITS_EXPECT_OK(Publish(outside_ + "/a", inner + "/b", std::nullopt));
  EXPECT_EQ(ReadFile(inner + "/b"), "x");
  // Of two roots that hold a path, the narrower one holds it in.
  WriteFile(Path("sibling"), "x");
  fs::create_symlink("../sibling", inner + "/link");
  EXPECT_EQ(OpenSourceError(inner + "/link"), domain::kAccessDenied);
  EXPECT_THAT(files_->Resolve(inner), IsOk());  // a file's name, beneath the outer root
}

TEST_F(PosixFileSystemTest, ARootIsKeptWhateverBecomesOfItsName) {
  fs::rename(root_, dir_ / "elsewhere");
  fs::create_symlink(outside_, root_);
  Write(Path("file"), "x");
  EXPECT_TRUE(FileExists(dir_ / "elsewhere/file"));
  EXPECT_THAT(ListDirectory(outside_), ElementsAre());
}

TEST(PosixFileSystemOpenTest, Refuses) {
  TempDir dir;
  WriteFile(dir / "file", "");
  EXPECT_THAT(PosixFileSystem::Open({}), HasCode(kInvalid));
  EXPECT_THAT(PosixFileSystem::Open({""}), HasCode(kInvalid));
  EXPECT_EQ(HresultOf(PosixFileSystem::Open({dir / "file"}).status()), FromWin32(267));
  EXPECT_EQ(HresultOf(PosixFileSystem::Open({dir / "none"}).status()), FromWin32(2));
}

TEST(PosixFileSystemOpenTest, TheWholeTree) {
  TempDir dir;
  auto files = PosixFileSystem::Open({"/"});
  BITS_ASSERT_OK(files);
  const std::string path = dir / "file";
  EXPECT_EQ(*(*files)->Resolve(path), path);
  EXPECT_EQ(*(*files)->Resolve("tmp/x"), "/tmp/x");
  BITS_EXPECT_OK((*files)->OpenTemporary(path, false));
  EXPECT_TRUE(FileExists(path));
}

// A file system of a megabyte; needs root.
TEST(PosixFileSystemFullTest, ADiskThatIsFull) {
  TempDir dir;
  const std::string mount = dir / "small";
  fs::create_directory(mount);
  if (::mount("none", mount.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "cannot mount a tmpfs";
  }
  {
    auto files = PosixFileSystem::Open({mount});
    BITS_ASSERT_OK(files);
    auto file = (*files)->OpenTemporary(mount + "/file", false);
    BITS_ASSERT_OK(file);
    EXPECT_EQ(HresultOf((*file)->WriteAt(0, std::string(2 << 20, 'x'))), domain::kDiskFull);
    BITS_EXPECT_OK((*file)->Truncate(0));
    EXPECT_EQ(HresultOf((*file)->Reserve(2 << 20)), domain::kDiskFull);
    EXPECT_THAT((*file)->Reserve(2 << 20), HasCode(absl::StatusCode::kResourceExhausted));
  }
  ::umount2(mount.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace bits::platform
