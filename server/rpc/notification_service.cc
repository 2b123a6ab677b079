#include "server/rpc/notification_service.h"

#include <utility>
#include <vector>

#include "server/base/status_macros.h"
#include "server/rpc/convert_notifications.h"
#include "server/rpc/names.h"
#include "server/rpc/request_digest.h"
#include "server/rpc/validate.h"

namespace bits::rpc {

using Records = std::vector<app::NotificationRecord>;

NotificationService::Reactor* NotificationService::ListNotifications(
    Context* context, const v1::ListNotificationsRequest* request,
    v1::ListNotificationsResponse* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    const std::string binding = PageBinding(principal.name, *request);
    BITS_ASSIGN_OR_RETURN(const domain::JobId job, ParseJobName(request->parent(), "parent"));
    BITS_ASSIGN_OR_RETURN(const uint32_t limit, PageSizeFrom(request->page_size()));
    BITS_ASSIGN_OR_RETURN(const uint64_t after, tokens_->OpenPage(request->page_token(), binding));
    // One more than asked for tells whether there is another page. Each is small.
    return PostRead(
        env_, call,
        [jobs = jobs_, principal, job, after, limit] {
          return jobs->ListNotifications(principal, job, after, limit + 1);
        },
        [tokens = tokens_, binding, limit, response](const Records& records) {
          for (const app::NotificationRecord& record : records) {
            if (static_cast<uint32_t>(response->notifications_size()) == limit) {
              response->set_next_page_token(tokens->SealPage(
                  records[limit - 1].number, binding));
              break;
            }
            ToProto(record, response->add_notifications());
          }
        });
  });
}

NotificationService::Reactor* NotificationService::ReplayNotification(
    Context* context, const v1::ReplayNotificationRequest* request, v1::Notification* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const NotificationId id, ParseNotificationName(request->name(), "name"));
    jobs_->ReplayNotification(
        principal, id.job, id.number,
        Reply<app::NotificationRecord>(env_, call,
                                       [response](const app::NotificationRecord& record) {
                                         ToProto(record, response);
                                       }));
    return absl::OkStatus();
  });
}

}  // namespace bits::rpc
