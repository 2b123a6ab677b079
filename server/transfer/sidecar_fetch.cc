#include "server/transfer/sidecar_fetch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/redact.h"
#include "server/domain/error_code.h"
#include "server/transfer/failure.h"
#include "server/transfer/sidecar.h"

namespace bits::transfer {
namespace {

// The file's own: whom the job's secrets are for is told by its names.
app::TransferSpec SpecOfSidecar(app::TransferSpec spec) {
  domain::File file;
  file.ordinal = spec.file.ordinal;
  file.remote_name = spec.file.remote_name;
  file.given_name = spec.file.given_name;
  spec.file = std::move(file);
  spec.require_ranges = spec.dynamic_content = false;
  spec.max_size = kLongestSidecar;
  if (spec.request != nullptr && domain::HasCustomMethod(spec.request->http)) {
    app::RequestOptions request = *spec.request;
    request.http.method.clear();  // which is for the file
    spec.request = std::make_shared<const app::RequestOptions>(std::move(request));
  }
  return spec;
}

}  // namespace

SidecarFetch::SidecarFetch(Context* context, MultiDriver* multi, Gate* lookups, Pacer::FlowId flow,
                           const app::TransferSpec& spec, Url url)
    : context_(context),
      flow_(flow),
      spec_(SpecOfSidecar(spec)),
      algorithm_(spec.file.checksum->algorithm),
      shown_url_(RedactUrl(url.text)),
      source_(new HttpTransfer(context, multi, lookups, this, std::move(url))) {}

void SidecarFetch::Fetch(std::function<void(Found)> found) {
  found_ = std::move(found);
  text_.clear();
  total_.reset();
  source_->Fetch();
}

void SidecarFetch::Abandon() {
  found_ = nullptr;
  source_->Abandon();
}

void SidecarFetch::Accept(std::optional<uint64_t> total, domain::Validators /*validators*/,
                          std::optional<absl::Time> /*last_modified*/) {
  total_ = total;
}

bool SidecarFetch::Append(std::string_view data) {
  if (!context_->pacer->Take(flow_, data.size())) return false;
  text_ += data;
  return true;
}

void SidecarFetch::Restart(app::RestartReason /*reason*/, std::function<void()> /*then*/) {
  Fail(RemoteFailure(domain::kInvalidServerResponse, "the server sent a part of it"), false);
}

void SidecarFetch::Finish() {
  const domain::File& file = spec_.file;
  SidecarDigest digest = DigestIn(
      text_, algorithm_, LeafOf(file.given_name.empty() ? file.remote_name : file.given_name));
  if (!digest.hex.empty()) return End(std::move(digest.hex));
  // The content could not be validated, which is what this code says; it is not known to be wrong.
  Fail(RemoteFailure(domain::kValidationFailed, std::move(digest.fault)), false);
}

void SidecarFetch::Fail(domain::Failure failure, bool /*keep*/) {
  source_->Abandon();
  if (failure.hresult == domain::kMaxDownloadSizeReached) {
    failure = RemoteFailure(domain::kValidationFailed,
                            absl::StrCat("it is longer than ", kLongestSidecar, " bytes"),
                            failure.http_status);
  }
  failure.detail = absl::StrCat("the checksum file ", shown_url_, ": ", failure.detail);
  failure.of_sidecar = true;
  failure.contact = domain::Contact::kNone;  // with the file's own host
  End(std::move(failure));
}

void SidecarFetch::End(Found found) {
  // A source that is no host says nothing of its own.
  context_->pacer->SetHost(flow_, "");
  if (auto done = std::exchange(found_, nullptr)) done(std::move(found));
}

}  // namespace bits::transfer
