#include "tests/support/temp_dir.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

namespace bits::testing {
namespace {

[[noreturn]] void Die(std::string_view what, const std::string& path) {
  std::fprintf(stderr, "%.*s %s: ", static_cast<int>(what.size()), what.data(), path.c_str());
  std::perror(nullptr);
  std::abort();
}

}  // namespace

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  std::string made = std::string(base != nullptr && *base != '\0' ? base : "/tmp") + "/bits-XXXXXX";
  if (::mkdtemp(made.data()) == nullptr) Die("cannot make", made);
  std::error_code error;
  path_ = std::filesystem::canonical(made, error).string();
  if (error) Die("cannot resolve", made);
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::operator/(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

void WriteFile(const std::string& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out) Die("cannot write", path);
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string content(in ? std::filesystem::file_size(path) : 0, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!in) Die("cannot read", path);
  return content;
}

std::string ReadFileOr(const std::string& path, std::string_view otherwise) {
  return FileExists(path) ? ReadFile(path) : std::string(otherwise);
}

bool FileExists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
}

std::vector<std::string> ListDirectory(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace bits::testing
