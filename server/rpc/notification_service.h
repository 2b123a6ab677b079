// bits.v1.NotificationService: check and convert the request, call the application, convert back.
#ifndef BITS_SERVER_RPC_NOTIFICATION_SERVICE_H_
#define BITS_SERVER_RPC_NOTIFICATION_SERVICE_H_

#include "bits/v1/notification_service.grpc.pb.h"
#include "server/app/job_manager.h"
#include "server/rpc/sealed_token.h"
#include "server/rpc/unary_call.h"

namespace bits::rpc {

// Called by gRPC, on its few threads: nothing here blocks.
class NotificationService final : public v1::NotificationService::CallbackService {
 public:
  // Both outlive the service.
  NotificationService(const CallEnvironment& env, app::JobManager* jobs, const TokenSealer* tokens)
      : env_(env), jobs_(jobs), tokens_(tokens) {}

  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;
  Reactor* ListNotifications(Context* context, const v1::ListNotificationsRequest* request,
                             v1::ListNotificationsResponse* response) override;
  Reactor* ReplayNotification(Context* context, const v1::ReplayNotificationRequest* request,
                              v1::Notification* response) override;

 private:
  const CallEnvironment env_;
  app::JobManager* const jobs_;
  const TokenSealer* const tokens_;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_NOTIFICATION_SERVICE_H_
