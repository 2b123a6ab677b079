// bits.v1.ErrorService: check and convert the request, call the application, convert back.
#ifndef BITS_SERVER_RPC_ERROR_SERVICE_H_
#define BITS_SERVER_RPC_ERROR_SERVICE_H_

#include "bits/v1/error_service.grpc.pb.h"
#include "server/app/job_manager.h"
#include "server/rpc/unary_call.h"

namespace bits::rpc {

// Called by gRPC, on its few threads: nothing here blocks.
class ErrorService final : public v1::ErrorService::CallbackService {
 public:
  // Both outlive the service.
  ErrorService(const CallEnvironment& env, app::JobManager* jobs);

  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;
  Reactor* GetError(Context* context, const v1::GetErrorRequest* request,
                    v1::Error* response) override;
  Reactor* ListErrors(Context* context, const v1::ListErrorsRequest* request,
                      v1::ListErrorsResponse* response) override;
  Reactor* DescribeError(Context* context, const v1::DescribeErrorRequest* request,
                         v1::DescribeErrorResponse* response) override;

 private:
  const CallEnvironment env_;
  app::JobManager* const jobs_;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_ERROR_SERVICE_H_
