#include "tests/bench/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/status_macros.h"
#include "server/base/unique_fd.h"

namespace bits::bench {
namespace {

constexpr size_t kBlock = size_t{1} << 20;

absl::Status Failed(std::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(std::string(what), " ", path));
}

// xorshift64*: fast, and nothing compresses it.
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}

  void Fill(std::string& block) {
    for (size_t i = 0; i < block.size(); i += sizeof state_) {
      state_ ^= state_ >> 12;
      state_ ^= state_ << 25;
      state_ ^= state_ >> 27;
      const uint64_t word = state_ * 0x2545F4914F6CDD1DULL;
      std::memcpy(&block[i], &word, std::min(sizeof word, block.size() - i));
    }
  }

 private:
  uint64_t state_;
};

absl::Status WriteNoise(const std::string& path, uint64_t size, uint64_t seed) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return Failed("open", path);
  Noise noise(seed);
  std::string block;
  for (uint64_t written = 0; written < size; written += block.size()) {
    block.resize(std::min<uint64_t>(kBlock, size - written));
    noise.Fill(block);
    if (::write(fd.get(), block.data(), block.size()) != static_cast<ssize_t>(block.size())) {
      return Failed("write", path);
    }
  }
  return absl::OkStatus();
}

absl::Status Compare(const std::string& left_path, const std::string& right_path) {
  UniqueFd left(::open(left_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!left) return Failed("open", left_path);
  UniqueFd right(::open(right_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!right) return Failed("open", right_path);
  std::string a(kBlock, '\0');
  std::string b(kBlock, '\0');
  while (true) {
    const ssize_t n = ::read(left.get(), a.data(), a.size());
    const ssize_t m = ::read(right.get(), b.data(), b.size());
    if (n < 0) return Failed("read", left_path);
    if (n != m || std::memcmp(a.data(), b.data(), static_cast<size_t>(n)) != 0) {
      return absl::DataLossError(absl::StrCat(right_path, " is not what was fetched"));
    }
    if (n == 0) return absl::OkStatus();
  }
}

absl::Status Sync(const std::string& path, int (*sync)(int)) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Failed("open", path);
  if (sync(fd.get()) != 0) return Failed("sync", path);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FileSet> MakeFileSet(const std::string& directory, size_t count, uint64_t size) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  FileSet set;
  set.directory = directory;
  set.size = size;
  for (size_t i = 0; i < count; ++i) {
    set.names.push_back(absl::StrFormat("%06d.bin", i));
    BITS_RETURN_IF_ERROR(WriteNoise(absl::StrCat(directory, "/", set.names.back()), size, i + 1));
  }
  return set;
}

absl::Status VerifyCopy(const FileSet& set, const std::string& directory) {
  for (const std::string& name : set.names) {
    BITS_RETURN_IF_ERROR(
        Compare(absl::StrCat(set.directory, "/", name), absl::StrCat(directory, "/", name)));
  }
  return absl::OkStatus();
}

absl::Status MakeDurable(const FileSet& set, const std::string& directory) {
  if (set.names.size() > 1) return Sync(directory, ::syncfs);
  BITS_RETURN_IF_ERROR(Sync(absl::StrCat(directory, "/", set.names.front()), ::fsync));
  return Sync(directory, ::fsync);
}

absl::Status Clear(const std::string& directory) {
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  std::filesystem::create_directories(directory, error);
  return Sync(directory, ::syncfs);
}

}  // namespace bits::bench
