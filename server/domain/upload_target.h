// Where an upload is to go: the request's target, and the location that it lies in. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_UPLOAD_TARGET_H_
#define BITS_SERVER_DOMAIN_UPLOAD_TARGET_H_

#include <optional>
#include <string>
#include <string_view>

namespace bits::domain {

struct UploadTarget {
  std::string path;   // decoded, begins with a slash
  std::string query;  // as it was given, without the question mark; may hold secrets
};

// Of a request line: `/path?query`, or `http(s)://host/path?query`. Nullopt: it is neither, an
// escape is none, or a part of the path would hold a slash, a NUL or another control character.
std::optional<UploadTarget> ParseUploadTarget(std::string_view target);

// Whether a path lies in the location at `location`, which begins and ends with a slash. Nullopt: no. Else what
// follows, without a slash before it: empty for the location itself.
std::optional<std::string_view> WithinLocation(std::string_view location, std::string_view path);

// Where the reply to a session is, as a path that needs no escapes: beneath a name that no upload can have.
std::string ReplyPath(std::string_view location, std::string_view session_id);
// The session whose reply is at this name within a location; nullopt: it is no reply's.
std::optional<std::string> ReplySession(std::string_view name);

// `url` with the query of the upload's URL behind its own.
std::string AppendQuery(std::string_view url, std::string_view query);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_UPLOAD_TARGET_H_
