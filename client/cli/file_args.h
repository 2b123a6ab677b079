// Files as they stand on a command line. Pure but for FilesFromList.
#ifndef BITS_CLIENT_CLI_FILE_ARGS_H_
#define BITS_CLIENT_CLI_FILE_ARGS_H_

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "bits/v1/file.pb.h"
#include "client/cli/arguments.h"

namespace bits::cli {

// The last segment of the URL's path, its %XX decoded where that gives a usable name.
// kInvalidArgument if the path ends with a slash or is missing.
absl::StatusOr<std::string> LocalNameFromUrl(const std::string& url);

// URL LOCAL URL LOCAL ...; with `url_alone` also a single URL. A LOCAL that ends with `/` gets
// the name from the URL.
absl::StatusOr<std::vector<v1::File>> FilesFromPairs(const std::vector<std::string>& words,
                                                     bool url_alone);

// The pairs in the lines of a file: URL, white space, LOCAL. Empty lines and those that begin with #
// are passed over. Errors name the line. Does I/O.
absl::StatusOr<std::vector<v1::File>> FilesFromList(const std::string& path);

// URL=LOCAL, parted at the last `=` (a URL often has one, a path seldom); LOCAL as above.
absl::StatusOr<v1::File> FileFromAssignment(const std::string& text);

// sha256:HEX, sha512:HEX, md5:HEX or crc32c:HEX; or an @ and a URL in place of HEX.
absl::StatusOr<v1::Checksum> ParseChecksum(const std::string& text);

// One checksum for each file, in their order; or none at all.
absl::Status SetChecksums(const std::vector<std::string>& checksums, std::vector<v1::File>& files);

// OFFSET:LENGTH or OFFSET:eof, parted by commas: 0:100,200:eof.
absl::StatusOr<std::vector<v1::FileRange>> ParseRanges(const std::string& text);

// The ranges of each file, in their order; or of none at all. An empty one: all of the file.
absl::Status SetRanges(const std::vector<std::string>& ranges, std::vector<v1::File>& files);

// URL, or N:URL of the N-th file; the number may be left out where there is one file.
absl::Status SetMirrors(const std::vector<std::string>& mirrors, std::vector<v1::File>& files);

// --checksum, --ranges and --mirror.
std::vector<OptionSpec> FileOptionSpecs();
absl::Status ApplyFileOptions(const Arguments& arguments, std::vector<v1::File>& files);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_FILE_ARGS_H_
