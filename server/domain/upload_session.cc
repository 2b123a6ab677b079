#include "server/domain/upload_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/domain/retry.h"

namespace bits::domain {

UploadAnswer UploadError(uint32_t status, Hresult hresult, std::string_view detail,
                         ErrorContext context) {
  UploadAnswer answer;
  answer.status = status;
  answer.hresult = hresult;
  answer.context = context;
  answer.detail = detail;
  return answer;
}

UploadAnswer UploadSessionNotFound() {
  return UploadError(500, kSessionNotFound, "no such upload session");
}

UploadAnswer UploadUnavailable(std::string_view detail) {
  return UploadError(503, FromHttpStatus(503), detail);
}

UploadAnswer UploadFileError(Hresult hresult, std::string_view detail) {
  switch (hresult) {
    case kDiskFull:
      return UploadError(500, kUploadDiskFull, detail);
    case kAccessDenied:
    case kWriteProtect:
      return UploadError(403, kAccessDenied, detail);
    case kInvalidArgument:
    case FromWin32(123):  // ERROR_INVALID_NAME
    case FromWin32(206):  // ERROR_FILENAME_EXCED_RANGE
    case FromWin32(267):  // ERROR_DIRECTORY: a part of the path is a file
      return UploadError(400, kInvalidArgument, detail);
    case FromWin32(223):  // ERROR_FILE_TOO_LARGE
      return UploadError(500, kFileTooLarge, detail);
    case FromWin32(4):   // ERROR_TOO_MANY_OPEN_FILES
    case FromWin32(14):  // E_OUTOFMEMORY
      return UploadError(503, hresult, detail);
    default:
      return UploadError(500, hresult, detail);
  }
}

std::optional<UploadAnswer> RefuseUpload(const UploadLocation& location, FileKind there) {
  if (!location.enabled) return UploadError(501, kAccessDenied, "uploads are disabled here");
  switch (there) {
    case FileKind::kNothing:
      return std::nullopt;
    case FileKind::kDirectory:
      return UploadError(400, kInvalidArgument, "the URL is a directory");
    case FileKind::kOther:
      return UploadError(403, kAccessDenied, "what stands there is no regular file");
    case FileKind::kRegular:
      break;
  }
  if (location.overwrite) return std::nullopt;
  return UploadError(403, kAccessDenied, "the file exists, and may not be overwritten");
}

std::optional<UploadAnswer> RefuseAnotherUpload(const UploadLocation& location, uint32_t sessions) {
  if (location.max_sessions_per_client == 0 || sessions < location.max_sessions_per_client) {
    return std::nullopt;
  }
  return UploadUnavailable("the client has too many upload sessions");
}

UploadStep DecideFragment(const UploadSession& session, const UploadLocation& location,
                          const UploadRange& range) {
  if (session.state == UploadState::kEnded) return {UploadSessionNotFound()};
  if (session.total.has_value() && *session.total != range.total) {
    return {UploadError(400, kInvalidArgument, "the total length is another than before")};
  }
  if (session.state != UploadState::kDelivered && range.total > location.max_size) {
    return {UploadError(500, kFileTooLarge, "the upload is larger than is allowed")};
  }
  if (range.first > session.received) {
    UploadAnswer gap = UploadError(416, kSuccess, "the fragment begins behind what was received");
    gap.session_id = session.id;
    gap.received = session.received;
    return {std::move(gap)};
  }
  return {std::nullopt, std::min(range.length, session.received - range.first)};
}

void AcceptFragment(UploadSession& session, const UploadRange& range) {
  session.total = range.total;
  session.received = std::max(session.received, range.first + range.length);
}

UploadAnswer FragmentAck(const UploadSession& session) {
  UploadAnswer ack;
  ack.session_id = session.id;
  ack.received = session.received;
  if (session.state == UploadState::kDelivered) ack.reply_url = session.reply_url;
  return ack;
}

std::optional<UploadAnswer> ApplicationRefusal(const ApplicationAnswer& answer) {
  constexpr ErrorContext kContext = ErrorContext::kRemoteApplication;
  if (answer.timed_out) {
    return UploadError(408, kUploadDiskFull, "the server application took too long", kContext);
  }
  if (answer.status == 0) {
    return UploadError(502, answer.hresult,
                       absl::StrCat("the server application cannot be reached: ", answer.detail),
                       kContext);
  }
  if (answer.status == 200) {
    if (answer.static_url.size() > kLongestUploadUrl) {
      return UploadError(400, kInvalidArgument, "the application's reply URL is too long", kContext);
    }
    return std::nullopt;
  }
  uint32_t status = answer.status;
  switch (status) {
    // These would be taken for the receiver's own: a challenge, a size or a place to go on from.
    case 401:
    case 407:
    case 411:
    case 413:
    case 416:
    case 417:
      status = 400;
      break;
    default:
      // What is no error of HTTP becomes one of the same class.
      if (status < 400 || status > 599) status = IsTransientHttpStatus(answer.status) ? 500 : 400;
  }
  const Hresult hresult = FromHttpStatus(std::clamp<uint32_t>(answer.status, 100, 599));
  return UploadError(status, hresult,
                     absl::StrCat("the server application answered ", answer.status), kContext);
}

}  // namespace bits::domain
