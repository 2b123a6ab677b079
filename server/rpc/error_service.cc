#include "server/rpc/error_service.h"

#include <optional>
#include <string>

#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/domain/error_code.h"
#include "server/rpc/convert.h"
#include "server/rpc/locale.h"
#include "server/rpc/names.h"

namespace bits::rpc {

ErrorService::ErrorService(const CallEnvironment& env, app::JobManager* jobs)
    : env_(env), jobs_(jobs) {}

ErrorService::Reactor* ErrorService::GetError(Context* context, const v1::GetErrorRequest* request,
                                              v1::Error* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const domain::JobId id, ParseJobName(request->job(), "job"));
    BITS_ASSIGN_OR_RETURN(const domain::Language language,
                          LanguageFrom(request->language_code(), "language_code"));
    return PostRead(
        env_, call, [jobs = jobs_, principal, id] { return jobs->GetError(principal, id); },
        [id, response, language](const domain::Error& error) {
          ToProto(id, error, response, language);
        });
  });
}

ErrorService::Reactor* ErrorService::ListErrors(Context* context,
                                                const v1::ListErrorsRequest* request,
                                                v1::ListErrorsResponse* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const domain::JobId id, ParseJobName(request->parent(), "parent"));
    return PostRead(
        env_, call, [jobs = jobs_, principal, id] { return jobs->ListErrors(principal, id); },
        [id, response](const app::ErrorHistory& history) { ToProto(id, history, response); });
  });
}

ErrorService::Reactor* ErrorService::DescribeError(Context* context,
                                                   const v1::DescribeErrorRequest* request,
                                                   v1::DescribeErrorResponse* response) {
  return StartCall(env_, *context, [&](const app::Principal&, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const domain::Language language,
                          LanguageFrom(request->language_code(), "language_code"));
    const domain::Hresult hresult = request->hresult();
    const std::optional<std::string> description = domain::DescriptionOf(hresult, language);
    if (!description) {
      return MakeRefusal(absl::StatusCode::kNotFound, "ERROR_MR_MID_NOT_FOUND",
                         "there is no text for the code " + std::to_string(hresult),
                         {{"asked", std::to_string(hresult)}});
    }
    call->Answer(absl::StatusOr<std::string>(*description), [&](const std::string& text) {
      response->set_code(domain::SymbolOf(hresult));
      response->set_description(text);
    });
    return absl::OkStatus();
  });
}

}  // namespace bits::rpc
