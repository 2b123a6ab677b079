#include "bits/client.h"

namespace bits {
inline namespace client_0 {
namespace {

// Calls `fetch` (request -> StatusOr<page>) until the last page or a false of `each`.
template <typename Request, typename Fetch, typename Items, typename Item>
absl::Status ForEachPage(Request& request, const Fetch& fetch, const Items& items,
                         const std::function<bool(const Item&)>& each) {
  while (true) {
    const auto page = fetch(request);
    if (!page.ok()) return page.status();
    for (const Item& item : items(*page)) {
      if (!each(item)) return absl::OkStatus();
    }
    if (page->next_page_token().empty()) return absl::OkStatus();
    request.set_page_token(page->next_page_token());
  }
}

template <typename Request>
Request Named(const std::string& name) {
  Request request;
  request.set_name(name);
  return request;
}

}  // namespace

absl::StatusOr<v1::Job> Client::GetJob(const std::string& name, const CallOptions& options) const {
  return connection_->GetJob(Named<v1::GetJobRequest>(name), options);
}

absl::Status Client::ForEachJob(v1::ListJobsRequest request,
                                const std::function<bool(const v1::Job&)>& each,
                                const CallOptions& options) const {
  return ForEachPage(
      request, [&](const auto& r) { return connection_->ListJobs(r, options); },
      [](const v1::ListJobsResponse& page) -> const auto& { return page.jobs(); }, each);
}

absl::StatusOr<v1::File> Client::GetFile(const std::string& name,
                                         const CallOptions& options) const {
  return connection_->GetFile(Named<v1::GetFileRequest>(name), options);
}

absl::Status Client::ForEachFile(v1::ListFilesRequest request,
                                 const std::function<bool(const v1::File&)>& each,
                                 const CallOptions& options) const {
  return ForEachPage(
      request, [&](const auto& r) { return connection_->ListFiles(r, options); },
      [](const v1::ListFilesResponse& page) -> const auto& { return page.files(); }, each);
}

absl::Status Client::ReadContent(const std::string& name, std::uint64_t offset,
                                 const ContentSink& sink, const CallOptions& options) const {
  google::bytestream::ReadRequest request;
  request.set_resource_name(name);
  request.set_read_offset(static_cast<std::int64_t>(offset));
  return connection_->ReadContent(request, sink, options);
}

absl::StatusOr<v1::File> Client::SetRemoteName(const std::string& name,
                                               const std::string& remote_name,
                                               const CallOptions& options) const {
  v1::UpdateFileRequest request;
  request.mutable_file()->set_name(name);
  request.mutable_file()->set_remote_name(remote_name);
  request.mutable_update_mask()->add_paths("remote_name");
  return connection_->UpdateFile(request, options);
}

absl::StatusOr<v1::File> Client::SetValidationState(const std::string& name, bool valid,
                                                    const CallOptions& options) const {
  v1::UpdateFileRequest request;
  request.mutable_file()->set_name(name);
  request.mutable_file()->set_validation_state(valid ? v1::File::VALIDATION_STATE_VALID
                                                     : v1::File::VALIDATION_STATE_INVALID);
  request.mutable_update_mask()->add_paths("validation_state");
  return connection_->UpdateFile(request, options);
}

absl::StatusOr<v1::ReplaceRemotePrefixResponse> Client::ReplaceRemotePrefix(
    const std::string& name, const std::string& old_prefix, const std::string& new_prefix,
    const CallOptions& options) const {
  auto request = Named<v1::ReplaceRemotePrefixRequest>(name);
  request.set_old_prefix(old_prefix);
  request.set_new_prefix(new_prefix);
  return connection_->ReplaceRemotePrefix(request, options);
}

absl::StatusOr<v1::Job> Client::ResumeJob(const std::string& name,
                                          const CallOptions& options) const {
  return connection_->ResumeJob(Named<v1::ResumeJobRequest>(name), options);
}

absl::StatusOr<v1::Job> Client::SuspendJob(const std::string& name,
                                           const CallOptions& options) const {
  return connection_->SuspendJob(Named<v1::SuspendJobRequest>(name), options);
}

absl::StatusOr<v1::Job> Client::CancelJob(const std::string& name,
                                          const CallOptions& options) const {
  return connection_->CancelJob(Named<v1::CancelJobRequest>(name), options);
}

absl::StatusOr<v1::Job> Client::TakeOwnership(const std::string& name,
                                              const CallOptions& options) const {
  return connection_->TakeOwnership(Named<v1::TakeOwnershipRequest>(name), options);
}

absl::StatusOr<v1::Job> Client::CompleteJob(const std::string& name,
                                            const CallOptions& options) const {
  return connection_->CompleteJob(Named<v1::CompleteJobRequest>(name), options);
}

absl::StatusOr<v1::Error> Client::GetError(const std::string& name,
                                           const CallOptions& options) const {
  v1::GetErrorRequest request;
  request.set_job(name);
  return connection_->GetError(request, options);
}

absl::StatusOr<v1::ListErrorsResponse> Client::ListErrors(const std::string& name,
                                                          const CallOptions& options) const {
  v1::ListErrorsRequest request;
  request.set_parent(name);
  return connection_->ListErrors(request, options);
}

absl::StatusOr<v1::Notification> Client::ReplayNotification(const std::string& name,
                                                            const CallOptions& options) const {
  return connection_->ReplayNotification(Named<v1::ReplayNotificationRequest>(name), options);
}

absl::StatusOr<v1::DescribeErrorResponse> Client::DescribeError(std::uint32_t hresult,
                                                                const std::string& language_code,
                                                                const CallOptions& options) const {
  v1::DescribeErrorRequest request;
  request.set_hresult(hresult);
  request.set_language_code(language_code);
  return connection_->DescribeError(request, options);
}

}  // namespace client_0
}  // namespace bits
