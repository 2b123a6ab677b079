// Pages of jobs and of files as they are read and sent: bounded by bytes as well as by number,
// so that a client with gRPC's default limit of 4 MiB can receive them.
#ifndef BITS_SERVER_RPC_PAGES_H_
#define BITS_SERVER_RPC_PAGES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "bits/v1/job_service.pb.h"
#include "server/app/job_manager.h"
#include "server/app/ports/job_store.h"
#include "server/app/principal.h"
#include "server/rpc/sealed_token.h"

namespace bits::rpc {

inline constexpr size_t kPageBytes = 3 << 20;

struct JobPageRequest {
  app::Principal principal;
  app::JobQuery query;
  bool all_owners = false;
  std::string binding;  // of the page token
};

struct FilePageRequest {
  app::Principal principal;
  domain::JobId job;
  uint32_t after = 0;
  uint32_t limit = 0;
  std::string binding;
};

// Block for I/O.
absl::StatusOr<v1::ListJobsResponse> ReadJobPage(app::JobManager* jobs, const TokenSealer& tokens,
                                                 const JobPageRequest& request,
                                                 size_t max_bytes = kPageBytes);
absl::StatusOr<v1::ListFilesResponse> ReadFilePage(app::JobManager* jobs, const TokenSealer& tokens,
                                                   const FilePageRequest& request,
                                                   size_t max_bytes = kPageBytes);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_PAGES_H_
