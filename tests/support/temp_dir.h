// A directory of a test's own.
#ifndef BITS_TESTS_SUPPORT_TEMP_DIR_H_
#define BITS_TESTS_SUPPORT_TEMP_DIR_H_

#include <string>
#include <string_view>
#include <vector>

namespace bits::testing {

// Made under $TMPDIR (/tmp without it), mode 0700; removed with all that is in it when this goes.
// A failure to make it ends the program: no test can go on.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  // Absolute, without symbolic links and without a trailing slash.
  const std::string& path() const { return path_; }
  // path() + "/" + name.
  std::string operator/(std::string_view name) const;

 private:
  std::string path_;
};

// Whole files, for set-up and checks. A failure ends the program, but for
// ReadFileOr, which gives `otherwise` if the file is not there.
void WriteFile(const std::string& path, std::string_view content);
std::string ReadFile(const std::string& path);
std::string ReadFileOr(const std::string& path, std::string_view otherwise);
bool FileExists(const std::string& path);
// The names in a directory, sorted, without "." and "..".
std::vector<std::string> ListDirectory(const std::string& path);

}  // namespace bits::testing

#endif  // BITS_TESTS_SUPPORT_TEMP_DIR_H_
