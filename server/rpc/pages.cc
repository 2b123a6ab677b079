#include "server/rpc/pages.h"

#include <vector>

#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace bits::rpc {

absl::StatusOr<v1::ListJobsResponse> ReadJobPage(app::JobManager* jobs, const TokenSealer& tokens,
                                                 const JobPageRequest& request, size_t max_bytes) {
  app::JobQuery query = request.query;
  while (true) {
    BITS_ASSIGN_OR_RETURN(const app::JobPage page,
                          jobs->ListJobs(request.principal, query, request.all_owners));
    v1::ListJobsResponse response;
    const app::PolicyManager::Snapshot policy = jobs->policy();
    size_t bytes = 0;
    uint32_t fitting = 0;
    for (const domain::Job& job : page.jobs) {
      v1::Job* filled = response.add_jobs();
      ToProto(job, *policy, filled);
      bytes += filled->ByteSizeLong();
      if (bytes > max_bytes && fitting > 0) break;
      ++fitting;
    }
    if (fitting < page.jobs.size()) {
      // Only the store knows where a shorter page ends. Rare: jobs are small but for their
      // labels.
      query.limit = fitting;
      continue;
    }
    if (!page.end) response.set_next_page_token(tokens.SealPage(page.last, request.binding));
    return response;
  }
}

absl::StatusOr<v1::ListFilesResponse> ReadFilePage(app::JobManager* jobs, const TokenSealer& tokens,
                                                   const FilePageRequest& request,
                                                   size_t max_bytes) {
  // One more than asked for tells whether there is another page.
  BITS_ASSIGN_OR_RETURN(
      const std::vector<domain::File> files,
      jobs->ListFiles(request.principal, request.job, request.after, request.limit + 1));
  v1::ListFilesResponse response;
  size_t bytes = 0;
  for (const domain::File& file : files) {
    v1::File* filled = response.add_files();
    ToProto(request.job, file, filled);
    bytes += filled->ByteSizeLong();
    const int count = response.files_size();
    const bool over = bytes > max_bytes && count > 1;
    if (static_cast<uint32_t>(count) <= request.limit && !over) continue;
    response.mutable_files()->RemoveLast();
    response.set_next_page_token(tokens.SealPage(file.ordinal - 1, request.binding));
    break;
  }
  return response;
}

}  // namespace bits::rpc
